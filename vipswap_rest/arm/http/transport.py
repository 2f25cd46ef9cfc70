"""The transport: one HTTP request to the configured ARM host, answered, retried or refused."""

from __future__ import annotations

import http.client
import json
import logging
import os
import re
import threading
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import requests
import urllib3
from requests.structures import CaseInsensitiveDict

from vipswap_rest.arm.clock import Clock, SystemClock
from vipswap_rest.arm.clouds import check_endpoint, is_loopback
from vipswap_rest.arm.errors import ForeignUrl, ProtocolError, Redirected, RequestIds, TransportError, UsageError
from vipswap_rest.arm.http.answer import ACCEPTED_PACKINGS, Response, parse, read, without
from vipswap_rest.arm.http.connection import FLIGHT, USER_AGENT, Bearer, Flight, new_session
from vipswap_rest.arm.http.failure import transport_error
from vipswap_rest.arm.http.retry import TRIES, Retries, meaning_of
from vipswap_rest.arm.http.urls import URL, origin_of, redact, signed_values
from vipswap_rest.arm.refusals import Kind

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 20.0


class Credential(Protocol):
    """Where the bearer token comes from."""

    @property
    def description(self) -> str:
        """Which credential this is, without its secret."""

    def token(self) -> str:
        """A token that is good for some minutes yet. Raises CredentialError."""

    def renew(self) -> bool:
        """Forget the token ARM refused, so that the next is a new one; False if there can be no new one."""

    def renew_ahead(self, seconds: float) -> None:
        """Replace the token now if it would be due within so many seconds. Raises nothing: it is tried when due."""

    @property
    def expires(self) -> datetime | None:
        """When the token at hand expires; None if there is none, or nobody knows."""


class Transport:
    """Sends requests to one ARM endpoint, and to no other host.

    What is tried again, at most 6 times (`tries`) and never past the deadline; what an answer means says refusals.py:

    - any request whose connection could not be made: it was never sent (but not where the server is not trusted);
    - any request refused as busy or throttled: it was not done. The pause is Retry-After, or the one its message names;
    - any request answered 401, once, with a new token (but not where the login itself lacks something);
    - GET after a lost answer; GET, PUT, PATCH and DELETE after 408, 500, 502, 503 or 504 (RFC 9110 section 9.2.2: they
      are idempotent);
    - never: a write whose answer was lost, a POST that may have been done, and whatever is sent with `once`.

    No pause is longer than 60 s, and none shorter than 0.1 s, then 0.2 s and so on, not even where ARM says 0.
    Redirects are not followed. URLs are asked for byte for byte, because signed ones must be. An answer has
    `read_timeout` seconds from the beginning of its request to its last byte, and 16 MiB. Several threads may use it.
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
        self._own = threading.local()
        self._login, self._latest = threading.Lock(), ""
        self.read_timeout = read_timeout
        self.remaining_reads: int | None = None
        self.remaining_writes: int | None = None
        self._session = session or new_session()
        # A proxy cannot reach this machine's loopback addresses; requests would ask it all the same.
        if is_loopback(urlsplit(self.endpoint).hostname or ""):
            self._session.trust_env = False
        self._tokens: list[str] = []
        self._origin = "/".join(self.endpoint.split("/", 3)[:3])
        self._verify = certificates(ca_file)

    @property
    def client_request_id(self) -> str | None:
        """The id of the request that this thread sent last."""
        found: str | None = getattr(self._own, "client_request_id", None)
        return found

    def log_in(self) -> None:
        """Have a token. Raises CredentialError, and Interrupted where a signal ends the wait for it."""
        self._token()

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
        tries: int = TRIES,
    ) -> Response:
        """Send a request to `url` (absolute, on the endpoint's host) and return the answer, whatever its status.

        `deadline` is in monotonic seconds. With `once` it is never sent again after it may have been done, not even
        if it is a PUT; with `tries` 1 it is not sent again at all, but for a 401. Raises TransportError (not done),
        AnswerLost (perhaps done), ProtocolError (another host, a redirect, an answer without end).
        """
        target = self._target(url)
        policy = Retries(self.clock, method.upper(), deadline, once, tries)
        renewed = False
        while True:
            try:
                response = policy.run(lambda: self._send(method.upper(), target, body, headers, deadline))
            except (TransportError, ProtocolError) as error:
                error.ids = RequestIds(client_request=self.client_request_id, correlation=self.correlation_id)
                raise
            if response.status == 401 and not renewed and meaning_of(response) is Kind.LOGIN and self._renewed():
                renewed = True
                continue
            return response

    def _target(self, url: str) -> str:
        """What to ask the endpoint's host for. Raises ForeignUrl if the URL is on any other host."""
        # ARM's contract: "The URI host must be the same as the host in the referrer header." The token goes nowhere
        # else, so a URL on another host is refused rather than asked without it.
        ours, theirs = URL.fullmatch(self._origin), URL.fullmatch(url)
        if not ours or not theirs or origin_of(theirs) != origin_of(ours):
            where = "{}://{}:{}".format(*origin_of(theirs)) if theirs else "an unreadable host"
            raise ForeignUrl(
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
        token, request_id, shown = self._token(), str(uuid.uuid4()), redact(target)
        self._own.client_request_id, self._own.token = request_id, token
        request = requests.Request(
            method,
            self._origin + shown,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/json",
                "Accept-Encoding": ACCEPTED_PACKINGS,
                **({} if body is None else {"Content-Type": "application/json"}),
                "User-Agent": USER_AGENT,
                "x-ms-client-request-id": request_id,
                "x-ms-correlation-request-id": self.correlation_id,
                **(headers or {}),
            },
            auth=Bearer(token),
        )
        flight = Flight.within(timeout, target)
        sent = self.clock.monotonic()
        try:
            answer, content = self.clock.wait_for(lambda: self._exchange(request, flight, timeout))
        except (OSError, ValueError, http.client.HTTPException, urllib3.exceptions.HTTPError) as error:
            log.debug("%s %s failed: %s [client request id %s]", method, shown, type(error).__name__, request_id)
            raise transport_error(method, shown, urlsplit(self._origin).netloc, error, flight) from error
        finally:
            # A signal ends the wait for the answer, wherever the request is by then; it must not leave afterwards.
            flight.call_off()
        received = self.clock.monotonic()
        # What an error says is for people, and nothing in it is followed.
        hidden = [*self._tokens, *(signed_values(target) if answer.status_code >= 400 else ())]
        told = without(dict(answer.headers), self._tokens)
        response = Response(answer.status_code, CaseInsensitiveDict(told), parse(content, hidden), sent, received)
        log.debug(
            "%s %s -> %d in %.3f s [request id %s, client request id %s]",
            *(method, shown, response.status, received - sent, response.request_id, request_id),
        )
        if 300 <= response.status < 400:
            # "See Other" is what is said of a thing done (RFC 9110 section 15.4.4).
            kind = ProtocolError if response.status == 303 else Redirected
            raise kind(
                f"{method} {shown}: ARM answered {response.status}, a redirect, which is not followed.",
                hint="Check --endpoint.",
            )
        self._note_budget(response.headers)
        return response

    def _exchange(self, request: requests.Request, flight: Flight, timeout: float) -> tuple[requests.Response, bytes]:
        """Send one request, and read its answer to the end. Raises what requests, urllib3 and the socket raise."""
        reset = FLIGHT.set(flight)
        try:
            prepared = self._session.prepare_request(request)
            # requests would normalise it.
            prepared.url = self._origin + flight.target
            # `verify` per request: where REQUESTS_CA_BUNDLE is set, requests ignores the session's own.
            settings = self._session.merge_environment_settings(self._origin, {}, None, self._verify, None)
            settings["stream"] = True
            with self._session.send(
                prepared, allow_redirects=False, timeout=(min(CONNECT_TIMEOUT_S, timeout), timeout), **settings
            ) as answer:
                return answer, read(answer)
        finally:
            FLIGHT.reset(reset)

    def _renewed(self) -> bool:
        """Whether there is another token than the one that this thread has just sent; another thread may have asked."""
        with self._login:
            return self._own.token != self._latest or self.credential.renew()

    def _token(self) -> str:
        """The token to send; it and the last ones before it will not be shown, whatever an answer echoes."""
        with self._login:
            token = self._latest = self.credential.token()
        # A shorter one is a test's, and may well be part of a word.
        if len(token) >= 20 and token not in self._tokens:
            self._tokens = [*self._tokens[-4:], token]
        return token

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
