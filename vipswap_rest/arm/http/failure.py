"""What it means that no answer came: never sent, or perhaps done."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import requests
import urllib3

from vipswap_rest.arm.errors import AnswerLost, ProtocolError, TransportError, UntrustedServer
from vipswap_rest.arm.http.connection import LARGEST_ANSWER_B, AnswerTooLong, Flight


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and whatever it was made from: requests and urllib3 wrap each other's and the socket's."""
    seen: list[BaseException | None] = []
    left = [error]
    while left:
        item = left.pop()
        if isinstance(item, BaseException) and item not in seen:
            seen.append(item)
            yield item
            left += [item.__cause__, item.__context__, getattr(item, "reason", None), *item.args]


def _never_sent(error: Exception, flight: Flight) -> bool:
    """Whether the request failed before a byte of it left."""
    if flight.connecting or flight.sent:
        return not flight.sent
    # Not on our own kind of connection: what the error says must do. A ValueError is requests' way to refuse an URL.
    unsent = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError, requests.ConnectTimeout)
    refused = (requests.exceptions.SSLError, requests.exceptions.ProxyError, ValueError)
    return isinstance(error, refused) or any(isinstance(item, unsent) for item in _chain(error))


def _what_it_did(causes: list[BaseException]) -> str:
    if any(isinstance(item, (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError)) for item in causes):
        return "took too long to answer"
    if any(isinstance(item, requests.exceptions.ContentDecodingError) for item in causes):
        return "sent an answer that cannot be unpacked"
    return "broke the connection"


def transport_error(
    method: str, shown: str, host: str, error: Exception, flight: Flight
) -> TransportError | ProtocolError:
    """The error to raise of a request without a whole answer: ProtocolError where more and more of one came."""
    causes = list(_chain(error))
    if _never_sent(error, flight):
        dropped = any(isinstance(item, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) for item in causes)
        if any(isinstance(item, (ssl.SSLError, requests.exceptions.SSLError)) for item in causes) and not dropped:
            return UntrustedServer(
                f"{host}: the TLS certificate is not trusted, or TLS failed.",
                hint="Name the authority's certificate with --ca-file or REQUESTS_CA_BUNDLE.",
            )
        return TransportError(f"{host} cannot be reached.", hint="Check the network, the proxy and --endpoint.")
    if any(isinstance(item, AnswerTooLong) for item in causes):
        done = "" if method == "GET" else "; the request may have been done"
        return ProtocolError(
            f"{method} {shown}: {host} answered with more than {LARGEST_ANSWER_B // 2**20} MiB, "
            f"which ARM does not{done}.",
            hint="Check --endpoint, and whether a proxy answers in ARM's place.",
        )
    return AnswerLost(
        f"{method} {shown}: {host} {_what_it_did(causes)}; the request may have been done.",
        hint="Run the same line again: it looks at what is there before it changes anything.",
    )
