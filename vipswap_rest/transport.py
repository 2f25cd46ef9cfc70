"""The transport seam: one HTTP request to the configured ARM host, answered, retried or refused."""

from __future__ import annotations

import json
import logging
import platform
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import requests
import tenacity
import urllib3
from requests.structures import CaseInsensitiveDict

import vipswap_rest
from vipswap_rest import lro
from vipswap_rest.clock import Clock, SystemClock
from vipswap_rest.clouds import check_endpoint, is_loopback
from vipswap_rest.errors import AnswerLost, ProtocolError, TransportError

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 60.0
TRIES = 6
LONGEST_PAUSE_S = 60.0

# "The call can be retried in 14 seconds.", "Please try again after '324' seconds.": as recorded in 429 messages.
_WAIT_IN_MESSAGE = re.compile(r"(?:retried in|again after) '?(\d{1,5})'? second", re.IGNORECASE)


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
    headers: Mapping[str, str]
    body: Any
    sent: float = 0.0
    received: float = 0.0

    @property
    def request_id(self) -> str | None:
        """The id to quote to Microsoft's support."""
        return self.headers.get("x-ms-request-id") or self.headers.get("x-ms-arm-service-request-id")


def redact(url: str) -> str:
    """The URL without its query but for the api-version: operation URLs are signed, and a signature is a secret."""
    parts = urlsplit(url)
    version = parse_qs(parts.query).get("api-version")
    return parts.path + (f"?api-version={version[0]}" if version else "")


class _Bearer(requests.auth.AuthBase):
    """Puts the token on the request; being an `auth`, it also keeps a ~/.netrc from replacing it."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Transport:
    """Sends requests to one ARM endpoint, and to no other host.

    What is tried again, at most 6 times and never past the deadline:

    - any request whose connection could not be made: it was never sent;
    - any request answered 429: it was not done. The pause is Retry-After, or the one its message names;
    - any request answered 401, once, with a new token;
    - GET after a lost answer or a 5xx; PUT, PATCH and DELETE after a 5xx (RFC 9110 section 9.2.2: they are idempotent);
    - never: a write whose answer was lost, a POST that may have been done, and whatever is sent with `once`.

    Redirects are not followed. Thread-safe enough for none: use one per thread.
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
        self.endpoint = check_endpoint(endpoint)
        self.credential = credential
        self.clock = clock or SystemClock()
        self.correlation_id = correlation_id or str(uuid.uuid4())
        self.read_timeout = read_timeout
        self.remaining_reads: int | None = None
        self.remaining_writes: int | None = None
        self._session = session or requests.Session()
        # A proxy cannot reach this machine's loopback addresses; requests would ask it all the same.
        if is_loopback(urlsplit(self.endpoint).hostname or ""):
            self._session.trust_env = False
        self._ca_file = ca_file

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
        self._check_host(url)
        policy = _Policy(self.clock, method.upper(), deadline, once)
        renewed = False
        while True:
            response = policy.run(lambda: self._send(method, url, body, headers, deadline))
            if response.status == 401 and not renewed and self.credential.renew():
                renewed = True
                continue
            return response

    def _check_host(self, url: str) -> None:
        # ARM's contract: "The URI host must be the same as the host in the referrer header." The token goes nowhere
        # else, so a URL on another host is refused rather than asked without it.
        ours, theirs = urlsplit(self.endpoint), urlsplit(url)
        if (theirs.scheme, theirs.hostname, _port(theirs)) != (ours.scheme, ours.hostname, _port(ours)):
            raise ProtocolError(
                f"ARM named a URL on {theirs.scheme}://{theirs.netloc}, which is not {self.endpoint}; "
                "the token was not sent there.",
                hint="Check --endpoint, and whether something between here and ARM rewrites its answers.",
            )

    def _send(
        self, method: str, url: str, body: Any, headers: Mapping[str, str] | None, deadline: float | None
    ) -> Response:
        timeout = self.read_timeout
        if deadline is not None:
            timeout = max(0.05, min(timeout, deadline - self.clock.monotonic()))
        request_id = str(uuid.uuid4())
        sent = self.clock.monotonic()
        try:
            answer = self._session.request(
                method,
                url,
                data=None if body is None else json.dumps(body).encode(),
                headers={
                    "Accept": "application/json",
                    **({} if body is None else {"Content-Type": "application/json"}),
                    "User-Agent": f"vipswap_rest/{vipswap_rest.__version__} Python/{platform.python_version()}",
                    "x-ms-client-request-id": request_id,
                    "x-ms-correlation-request-id": self.correlation_id,
                    **(headers or {}),
                },
                auth=_Bearer(self.credential.token()),
                allow_redirects=False,
                timeout=(min(CONNECT_TIMEOUT_S, timeout), timeout),
                # Per request: where REQUESTS_CA_BUNDLE is set, requests ignores the session's own `verify`.
                verify=self._ca_file or True,
            )
        except requests.RequestException as error:
            log.debug("%s %s failed: %s", method, redact(url), type(error).__name__)
            raise _transport_error(method, url, error) from error
        received = self.clock.monotonic()
        log.debug("%s %s -> %d in %.3f s", method, redact(url), answer.status_code, received - sent)
        if 300 <= answer.status_code < 400:
            raise ProtocolError(
                f"{method} {redact(url)}: ARM answered {answer.status_code}, a redirect, which is not followed.",
                hint="Check --endpoint.",
            )
        self._note_budget(answer.headers)
        return Response(answer.status_code, CaseInsensitiveDict(answer.headers), _parse(answer), sent, received)

    def _note_budget(self, headers: Mapping[str, str]) -> None:
        for name, value in headers.items():
            words = name.lower()
            if words.startswith("x-ms-ratelimit-remaining-subscription") and value.strip().isdigit():
                if words.endswith("reads"):
                    self.remaining_reads = int(value)
                elif words.endswith("writes"):
                    self.remaining_writes = int(value)


def _port(parts: Any) -> int:
    return parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)


def _parse(answer: requests.Response) -> Any:
    if not answer.content:
        return None
    try:
        return json.loads(answer.content)
    except ValueError:
        return answer.text


def _never_sent(error: BaseException) -> bool:
    """Whether the connection failed before a byte of the request left."""
    if isinstance(error, (requests.ConnectTimeout, requests.exceptions.SSLError, requests.exceptions.ProxyError)):
        return True
    causes = [error, *error.args, error.__cause__, error.__context__]
    reasons = [getattr(cause, "reason", None) for cause in causes]
    unsent = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
    return any(isinstance(item, unsent) for item in (*causes, *reasons))


def _transport_error(method: str, url: str, error: requests.RequestException) -> TransportError:
    host = urlsplit(url).netloc
    if isinstance(error, requests.exceptions.SSLError):
        return TransportError(
            f"{host}: the TLS certificate is not trusted, or TLS failed.",
            hint="Name the authority's certificate with --ca-file or REQUESTS_CA_BUNDLE.",
        )
    if _never_sent(error):
        return TransportError(f"{host} cannot be reached.", hint="Check the network, the proxy and --endpoint.")
    what = "took too long to answer" if isinstance(error, requests.Timeout) else "broke the connection"
    return AnswerLost(
        f"{method} {redact(url)}: {host} {what}; the request may have been done.",
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
            # A certificate that is not trusted will not be trusted in a second either.
            return isinstance(error, TransportError) and "TLS" not in error.message
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
