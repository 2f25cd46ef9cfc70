"""The transport seam: one HTTP request to the configured ARM host, answered, retried or refused."""

from __future__ import annotations

import http.client
import json
import logging
import os
import platform
import re
import ssl
import uuid
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import requests
import tenacity
import urllib3
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

import vipswap_rest
from vipswap_rest import lro
from vipswap_rest.clock import Clock, SystemClock
from vipswap_rest.clouds import check_endpoint, is_loopback
from vipswap_rest.errors import (
    AnswerLost,
    CredentialError,
    ProtocolError,
    TransportError,
    UntrustedServer,
    UsageError,
)

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 20.0
TRIES = 6
LONGEST_PAUSE_S = 60.0

# "The call can be retried in 14 seconds.", "Please try again after '324' seconds.": as recorded in 429 messages.
_WAIT_IN_MESSAGE = re.compile(r"(?:retried in|again after) '?(\d{1,5})'? second", re.IGNORECASE)

# Scheme, host, port, and the rest. Stricter than any parser of URLs, because two of them may read one URL in two ways
# ("https://evil\\@arm/"), and then the token goes where only the second of them saw a host.
_URL = re.compile(r"(https?)://([\w.-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?((?:[/?][^#]*)?)(?:#.*)?", re.IGNORECASE)
_QUERY_SHOWN = re.compile(r"[?&](api-version=[\w.-]+)")


class Credential(Protocol):
    """Where the bearer token comes from."""

    @property
    def description(self) -> str:
        """Which credential this is, without its secret."""

    def token(self) -> str:
        """A token that is good for some minutes yet. Raises CredentialError."""

    def renew(self) -> bool:
        """Forget the token ARM refused, so that the next is a new one; False if there can be no new one."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer of ARM's: status, headers, and the body as parsed JSON (None if empty, a str if not JSON).

    `sent` and `received` are monotonic seconds of the try that was answered.
    """

    status: int
    # Not shown: some of them are signed URLs.
    headers: Mapping[str, str] = field(repr=False)
    body: Any
    sent: float = 0.0
    received: float = 0.0

    @property
    def request_id(self) -> str | None:
        """The id to quote to Microsoft's support."""
        names = ("x-ms-request-id", "x-ms-arm-service-request-id", "x-ms-correlation-request-id")
        return next((self.headers[name] for name in names if self.headers.get(name)), None)


def redact(url: str) -> str:
    """The path of a URL, and of its query the api-version: operation URLs are signed, and a signature is a secret."""
    found = _URL.fullmatch(url)
    target = found[4] if found else url
    version = _QUERY_SHOWN.search(target)
    return target.partition("?")[0].partition("#")[0] + (f"?{version[1]}" if version else "")


class _Bearer(requests.auth.AuthBase):
    """Puts the token on the request; being an `auth`, it also keeps a ~/.netrc from replacing it."""

    def __init__(self, token: str) -> None:
        # What requests would say of an unfit header holds the header.
        if not re.fullmatch(r"[\x21-\x7e]+", token):
            raise CredentialError("The credential gave a token that cannot stand in a header.")
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


@dataclass(slots=True)
class _Flight:
    """One request on the wire: the target to ask for, byte for byte, and how far it came."""

    target: str
    connecting: bool = False
    sent: bool = False


_FLIGHT: ContextVar[_Flight | None] = ContextVar("flight", default=None)


class _Connection(HTTPConnection):
    """A connection that asks for the flight's own target, where urllib3 rewrites encodings, and says how far it is."""

    def connect(self) -> None:
        if flight := _FLIGHT.get():
            flight.connecting = True
        super().connect()

    def request(self, method: str, url: str, *args: Any, **options: Any) -> None:
        flight = _FLIGHT.get()
        if flight:
            if self.sock is None:
                self.connect()
            url, flight.sent = flight.target, True
        super().request(method, url, *args, **options)


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(requests.adapters.HTTPAdapter):
    """requests on the connections above. All that urllib3 gets to see, to log and to put into errors is redacted."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*args, **options)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return manager

    def close(self) -> None:
        # urllib3 leaves the connections themselves to the garbage collector.
        for key in list(self.poolmanager.pools.keys()):
            self.poolmanager.pools[key].close()
        super().close()

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        return redact(request.url or "/")


class Transport:
    """Sends requests to one ARM endpoint, and to no other host.

    What is tried again, at most 6 times and never past the deadline:

    - any request whose connection could not be made: it was never sent (but not where the server is not trusted);
    - any request answered 429: it was not done. The pause is Retry-After, or the one its message names;
    - any request answered 401, once, with a new token;
    - GET after a lost answer; GET, PUT, PATCH and DELETE after 408, 500, 502, 503 or 504 (RFC 9110 section 9.2.2: they
      are idempotent);
    - never: a write whose answer was lost, a POST that may have been done, and whatever is sent with `once`.

    No pause is longer than 60 s. Redirects are not followed. URLs are asked for byte for byte, because signed ones must
    be. For one thread only.
    """

    def __init__(
        self,
        endpoint: str,
        credential: Credential,
        *,
        clock: Clock | None = None,
        session: requests.Session | None = None,
        ca_file: str | None = None,
        correlation_id: str | None = None,
        read_timeout: float = READ_TIMEOUT_S,
    ) -> None:
        """`ca_file` defaults to REQUESTS_CA_BUNDLE, then CURL_CA_BUNDLE. Raises UsageError (endpoint, no such file)."""
        self.endpoint = check_endpoint(endpoint)
        self.credential = credential
        self.clock = clock or SystemClock()
        self.correlation_id = correlation_id or str(uuid.uuid4())
        self.read_timeout = read_timeout
        self.remaining_reads: int | None = None
        self.remaining_writes: int | None = None
        self._session = session or _new_session()
        # A proxy cannot reach this machine's loopback addresses; requests would ask it all the same.
        if is_loopback(urlsplit(self.endpoint).hostname or ""):
            self._session.trust_env = False
        self._origin = "/".join(self.endpoint.split("/", 3)[:3])
        self._verify = certificates(ca_file)

    def close(self) -> None:
        """Close the kept connections."""
        self._session.close()

    def url(self, path: str) -> str:
        """The absolute URL of an ARM path that begins with a slash."""
        return self.endpoint + path

    def send(
        self,
        method: str,
        url: str,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        deadline: float | None = None,
        once: bool = False,
    ) -> Response:
        """Send a request to `url` (absolute, on the endpoint's host) and return the answer, whatever its status.

        `deadline` is in monotonic seconds. With `once` it is never sent again after it may have been done, not even
        if it is a PUT. Raises TransportError (not done), AnswerLost (perhaps done), ProtocolError (another host, a
        redirect).
        """
        target = self._target(url)
        policy = _Policy(self.clock, method.upper(), deadline, once)
        renewed = False
        while True:
            response = policy.run(lambda: self._send(method.upper(), target, body, headers, deadline))
            if response.status == 401 and not renewed and self.credential.renew():
                renewed = True
                continue
            return response

    def _target(self, url: str) -> str:
        """What to ask the endpoint's host for. Raises ProtocolError if the URL is on any other host."""
        # ARM's contract: "The URI host must be the same as the host in the referrer header." The token goes nowhere
        # else, so a URL on another host is refused rather than asked without it.
        ours, theirs = _URL.fullmatch(self._origin), _URL.fullmatch(url)
        if not ours or not theirs or _origin_of(theirs) != _origin_of(ours):
            where = "://".join(_origin_of(theirs)[:2]) if theirs else "no host that could be read"
            raise ProtocolError(
                f"ARM named a URL on {where}, which is not {self.endpoint}; the token was not sent there.",
                hint="Check --endpoint, and whether something between here and ARM rewrites its answers.",
            )
        # Only what no request line may hold is encoded; what is encoded already stays as it is.
        target = quote(theirs[4], safe="".join(map(chr, range(0x21, 0x7F))))
        return target if target.startswith("/") else f"/{target}"

    def _send(
        self, method: str, target: str, body: Any, headers: Mapping[str, str] | None, deadline: float | None
    ) -> Response:
        timeout = self.read_timeout
        if deadline is not None:
            timeout = max(0.05, min(timeout, deadline - self.clock.monotonic()))
        token, request_id, shown = self.credential.token(), str(uuid.uuid4()), redact(target)
        request = requests.Request(
            method,
            self._origin + shown,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/json",
                **({} if body is None else {"Content-Type": "application/json"}),
                "User-Agent": f"vipswap_rest/{vipswap_rest.__version__} Python/{platform.python_version()}",
                "x-ms-client-request-id": request_id,
                "x-ms-correlation-request-id": self.correlation_id,
                **(headers or {}),
            },
            auth=_Bearer(token),
        )
        flight = _Flight(target)
        reset = _FLIGHT.set(flight)
        sent = self.clock.monotonic()
        try:
            prepared = self._session.prepare_request(request)
            # requests would normalise it.
            prepared.url = self._origin + target
            # `verify` per request: where REQUESTS_CA_BUNDLE is set, requests ignores the session's own.
            settings = self._session.merge_environment_settings(self._origin, {}, None, self._verify, None)
            answer = self._session.send(
                prepared, allow_redirects=False, timeout=(min(CONNECT_TIMEOUT_S, timeout), timeout), **settings
            )
            if _cut_short(answer):
                raise requests.ConnectionError("the connection ended within the headers")
        except (OSError, ValueError, http.client.HTTPException, urllib3.exceptions.HTTPError) as error:
            log.debug("%s %s failed: %s [client request id %s]", method, shown, type(error).__name__, request_id)
            raise _transport_error(method, shown, urlsplit(self._origin).netloc, error, flight) from error
        finally:
            _FLIGHT.reset(reset)
        received = self.clock.monotonic()
        response = Response(
            answer.status_code, CaseInsensitiveDict(answer.headers), _parse(answer, token), sent, received
        )
        log.debug(
            "%s %s -> %d in %.3f s [request id %s, client request id %s]",
            *(method, shown, response.status, received - sent, response.request_id, request_id),
        )
        if 300 <= response.status < 400:
            raise ProtocolError(
                f"{method} {shown}: ARM answered {response.status}, a redirect, which is not followed.",
                hint="Check --endpoint.",
            )
        self._note_budget(response.headers)
        return response

    def _note_budget(self, headers: Mapping[str, str]) -> None:
        """Keep the smallest of the buckets an answer tells of: one a subscription, one a principal, one a region."""
        left: dict[str, int] = {}
        for name, value in headers.items():
            found = re.fullmatch(r"x-ms-ratelimit-remaining-[\w-]*?(reads|writes)", name, re.IGNORECASE)
            if found and re.fullmatch(r"[0-9]{1,9}", value.strip()):
                kind = found[1].lower()
                left[kind] = min(int(value), left.get(kind, int(value)))
        self.remaining_reads = left.get("reads", self.remaining_reads)
        self.remaining_writes = left.get("writes", self.remaining_writes)


def certificates(ca_file: str | None) -> str | bool:
    """What to check servers' certificates against: a file or folder, or True for the usual authorities.

    Raises UsageError if it is not there.
    """
    found = ca_file or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if found and not os.path.exists(found):
        raise UsageError(f"There is no CA file {found}.", hint="Check --ca-file and REQUESTS_CA_BUNDLE.")
    return found or True


def _new_session() -> requests.Session:
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter())
    return session


def _origin_of(found: re.Match[str]) -> tuple[str, str, int]:
    scheme = found[1].lower()
    return scheme, found[2].lower(), int(found[3] or {"https": 443, "http": 80}[scheme])


def _cut_short(answer: requests.Response) -> bool:
    """Whether HTTP/1.1 left the body's end to the connection's, and none came: http.client takes that for an answer."""
    framed = "Content-Length" in answer.headers or "Transfer-Encoding" in answer.headers or answer.status_code == 204
    return not framed and not answer.content and getattr(answer.raw, "version", None) == 11


def _parse(answer: requests.Response, token: str) -> Any:
    content = answer.content
    if len(token) >= 20:
        # Gateways that echo a request back would put the token into our error messages.
        content = content.replace(token.encode(), b"[the token]")
    try:
        return json.loads(content) if content.strip(b"\xef\xbb\xbf \t\r\n") else None
    except (ValueError, RecursionError):
        return content.decode(errors="replace")


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


def _never_sent(error: Exception, flight: _Flight) -> bool:
    """Whether the request failed before a byte of it left."""
    if flight.connecting or flight.sent:
        return not flight.sent
    # Not on our own kind of connection: what the error says must do. A ValueError is requests' way to refuse an URL.
    unsent = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError, requests.ConnectTimeout)
    refused = (requests.exceptions.SSLError, requests.exceptions.ProxyError, ValueError)
    return isinstance(error, refused) or any(isinstance(item, unsent) for item in _chain(error))


def _transport_error(method: str, shown: str, host: str, error: Exception, flight: _Flight) -> TransportError:
    if _never_sent(error, flight):
        causes = list(_chain(error))
        dropped = any(isinstance(item, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) for item in causes)
        if any(isinstance(item, (ssl.SSLError, requests.exceptions.SSLError)) for item in causes) and not dropped:
            return UntrustedServer(
                f"{host}: the TLS certificate is not trusted, or TLS failed.",
                hint="Name the authority's certificate with --ca-file or REQUESTS_CA_BUNDLE.",
            )
        return TransportError(f"{host} cannot be reached.", hint="Check the network, the proxy and --endpoint.")
    late = any(
        isinstance(item, (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError)) for item in _chain(error)
    )
    return AnswerLost(
        f"{method} {shown}: {host} {'took too long to answer' if late else 'broke the connection'}; "
        "the request may have been done.",
        hint="Run the same line again: it looks at what is there before it changes anything.",
    )


class _Policy:
    """When a request is sent again: the rules of Transport's docstring, for one request."""

    def __init__(self, clock: Clock, method: str, deadline: float | None, once: bool) -> None:
        self.clock, self.method, self.deadline, self.once = clock, method, deadline, once

    def run(self, send: Any) -> Response:
        """Send until there is an answer to keep, or the tries or the time are used up."""
        retrying = tenacity.Retrying(
            retry=self._again,
            wait=self._pause,
            stop=self._enough,
            sleep=self.clock.sleep,
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        result: Response = retrying(send)
        return result

    def _again(self, state: tenacity.RetryCallState) -> bool:
        outcome = state.outcome
        if outcome is None:
            return False
        error = outcome.exception()
        if isinstance(error, AnswerLost):
            return self.method == "GET"
        if error is not None:
            # A server that is not trusted will not be trusted in a second either.
            return isinstance(error, TransportError) and not isinstance(error, UntrustedServer)
        status = outcome.result().status
        if status == 429:
            return True
        return status in (408, 500, 502, 503, 504) and self.method != "POST" and not self.once

    def _pause(self, state: tenacity.RetryCallState) -> float:
        asked: float | None = None
        if state.outcome is not None and state.outcome.exception() is None:
            response = state.outcome.result()
            asked = lro.retry_after(response.headers)
            if asked is None and response.status == 429:
                _code, message, details = lro.error_of(response.body)
                found = _WAIT_IN_MESSAGE.search(" ".join([message, *(detail.message for detail in details)]))
                asked = float(found[1]) if found else 2.0 ** (state.attempt_number - 1)
        if asked is None:
            asked = 0.25 * 2.0 ** (state.attempt_number - 1)
        return min(asked, LONGEST_PAUSE_S)

    def _enough(self, state: tenacity.RetryCallState) -> bool:
        if state.attempt_number >= TRIES:
            return True
        return self.deadline is not None and self.clock.monotonic() + self._pause(state) >= self.deadline
