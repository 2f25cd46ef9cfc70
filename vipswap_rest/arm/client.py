"""The ARM client: requests become values or typed errors, and long-running operations are waited for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

from vipswap_rest.arm import lro
from vipswap_rest.arm.clouds import API_VERSIONS
from vipswap_rest.arm.errors import (
    ArmError,
    OperationCanceled,
    OperationFailed,
    OperationTimedOut,
    OperationUnreadable,
    ProtocolError,
    TransportError,
    Unauthorized,
    VipswapError,
    arm_error_class,
)
from vipswap_rest.arm.http import TRIES, Response, Transport, redact, refusal_of
from vipswap_rest.arm.paging import ARM_NAMES, PageNames, items_of, next_page

# How long an operation may take before we stop waiting: more than twice the slowest load balancer update on record
# (289 s).
OPERATION_TIMEOUT_S = 900.0

# Of one list. A page has hundreds of items, and a subscription a thousand load balancers.
PAGES_AT_MOST = 1000

# (seconds waited so far, Retry-After or None) -> seconds until the next poll
Pace = Callable[[float, float | None], float]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Started:
    """A request that ARM accepted: what to do next about it, the answer it gave, and what headers go with its polls."""

    step: lro.Step
    response: Response
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Completed:
    """An operation that succeeded: its result, the polls it took, when its success was read (monotonic), and the HTTP
    status of the last answer.
    """

    body: Any
    polls: int
    at: float
    status: int


class ArmClient:
    """One subscription at one endpoint: GET, PUT, PATCH, POST, DELETE, list, and wait.

    Paths begin with a slash. Their query is the api-version that the table of pins has for the row `api`, or `params`,
    which then holds the api-version, too. `headers` go along with the request and with whatever it leads to (polls, the
    final GET, the next pages), but for those that are about the one request: conditions and the kind of its body.
    """

    def __init__(self, transport: Transport, subscription: str, *, api_version: str | None = None) -> None:
        self.transport = transport
        self.clock = transport.clock
        self.subscription = subscription
        self._network_version = api_version or API_VERSIONS["network"]

    def api_version(self, api: str) -> str:
        """The api-version that the calls of a row of the table of pins are made with."""
        return self._network_version if api == "network" else API_VERSIONS[api]

    def url(self, path: str, api: str = "network", params: Mapping[str, Any] | None = None) -> str:
        """The absolute URL of an ARM path, its api-version pinned unless `params` are given."""
        query = urlencode({"api-version": self.api_version(api)} if params is None else params, doseq=True)
        return f"{self.transport.url(path)}?{query}" if query else self.transport.url(path)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        deadline: float | None = None,
        tries: int = TRIES,
    ) -> Response:
        """One request, answered with success. `tries`: see Transport.send. Raises ArmError, TransportError,
        ProtocolError."""
        url = self.url(path, params=params)
        return self._json(method, url, body=body, headers=headers, deadline=deadline, tries=tries)

    def get(self, path: str, *, api: str = "network", deadline: float | None = None) -> dict[str, Any]:
        """The resource as ARM shows it. Raises ArmError, TransportError, ProtocolError."""
        return _object(self._checked("GET", self.url(path, api), deadline=deadline), path)

    def list(
        self,
        path: str,
        body: Any = None,
        *,
        method: str = "GET",
        api: str = "network",
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        deadline: float | None = None,
        names: PageNames = ARM_NAMES,
    ) -> Iterator[dict[str, Any]]:
        """The items of a list, page after page. Raises as `get` does, and ProtocolError if its pages have no end."""
        url = self.url(path, api, params)
        answer = self._checked(method, url, body=body, headers=headers, deadline=deadline)
        return self._items(_object(answer, path), url, names, _lasting(headers), deadline)

    def list_result(
        self,
        completed: Completed,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        deadline: float | None = None,
        names: PageNames = ARM_NAMES,
    ) -> Iterator[dict[str, Any]]:
        """The items of a list whose first page is the result of an operation on `path`. Raises as `list` does."""
        page, url = _object(completed, path), self.url(path, params=params)
        return self._items(page, url, names, _lasting(headers), deadline)

    def _items(
        self,
        page: dict[str, Any],
        url: str,
        names: PageNames,
        headers: Mapping[str, str],
        deadline: float | None,
    ) -> Iterator[dict[str, Any]]:
        first, seen = url, {url}
        while True:
            yield from items_of(page, names)
            link = next_page(page, names, url, first)
            if link is None:
                return
            if link in seen:
                raise ProtocolError(f"GET {redact(link)}: the pages of the list repeat.")
            if len(seen) >= PAGES_AT_MOST:
                raise ProtocolError(f"GET {redact(link)}: the list has more than {PAGES_AT_MOST} pages.")
            if deadline is not None and self.clock.monotonic() >= deadline:
                raise TransportError(f"GET {redact(link)}: the time limit of the list has passed.")
            seen.add(link)
            url, page = link, _object(self._checked("GET", link, headers=headers, deadline=deadline), redact(link))

    def begin(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        final_state: lro.FinalState | None = None,
        deadline: float | None = None,
        once: bool = False,
        api: str = "network",
    ) -> Started:
        """Begin an operation, or do at once what needs none. `once`: see Transport.send. Raises as `request` does."""
        url = self.url(path, api, params)
        response = self._json(method, url, body=body, headers=headers, deadline=deadline, once=once)
        return Started(lro.begin(method, url, response, final_state), response, _lasting(headers))

    def put(
        self,
        path: str,
        body: Any,
        *,
        headers: Mapping[str, str] | None = None,
        once: bool = False,
        api: str = "network",
    ) -> Started:
        """Begin to create or replace a resource."""
        return self.begin("PUT", path, body, headers=headers, once=once, api=api)

    def patch(self, path: str, body: Any, *, headers: Mapping[str, str] | None = None, api: str = "network") -> Started:
        """Begin to change part of a resource (Network: its tags, at once)."""
        return self.begin("PATCH", path, body, headers=headers, api=api)

    def post(self, path: str, body: Any, *, deadline: float | None = None, api: str = "network") -> Started:
        """Begin an action. It is never sent again once it may have been done."""
        return self.begin("POST", path, body, deadline=deadline, api=api)

    def delete(self, path: str, *, api: str = "network") -> Started:
        """Begin to delete a resource; one that is not there counts as deleted."""
        return self.begin("DELETE", path, api=api)

    def together(self, acts: Sequence[Callable[[], T]]) -> Sequence[T]:
        """What each of these calls returns; they do not depend on each other, and go out side by side.

        The login comes first, on this thread: only here a signal ends the wait for it, and what it started. Raises what
        the first of them raises, when all are over; CredentialError; Interrupted.
        """
        self.transport.log_in()
        return self.clock.together(acts)

    def wait(
        self,
        started: Started,
        *,
        deadline: float | None = None,
        pace: Pace = lro.polite,
        while_pending: Callable[[], None] | None = None,
        verify: bool = True,
    ) -> Completed:
        """Poll the operation until it ends, the first time at once, and return its result.

        `deadline` is in monotonic seconds (default: 900 s from now). `while_pending` is called before each pause, and
        its time is taken off it. With `verify` a PUT or PATCH has succeeded when the resource says so too; without,
        when the operation does, and `body` is what the first answer held.

        Raises OperationFailed, OperationCanceled, OperationTimedOut, OperationUnreadable, each with the operation;
        Unauthorized, TransportError, CredentialError, ProtocolError.
        """
        begun = self.clock.monotonic()
        limit = begun + OPERATION_TIMEOUT_S if deadline is None else deadline
        step, latest, polls = started.step, started.response, 0
        if not isinstance(step, lro.Pending):
            step, latest = self._result(step, latest, started.headers, limit, verify)
        at = latest.received
        while isinstance(step, lro.Pending):
            if polls:
                paused = self.clock.monotonic()
                if while_pending:
                    while_pending()
                self._pause(step, paused, pace(paused - begun, step.retry_after), limit)
            step, latest = self.poll(step.operation, headers=started.headers, deadline=limit, verify=verify)
            polls, at = polls + 1, latest.received
        body = step.body if step.body is not None else started.response.body
        return Completed(body, polls, at, latest.status)

    def poll(
        self,
        operation: lro.Operation,
        *,
        headers: Mapping[str, str] | None = None,
        deadline: float,
        verify: bool = False,
    ) -> tuple[lro.Pending | lro.Finished, Response]:
        """Read once how an operation goes: it runs on, or it has succeeded. `deadline` and `verify`: see `wait`.

        Raises as `wait` does.
        """
        latest = self._read(headers or {}, operation, operation.url, deadline)
        return self._result(lro.advance(operation, latest), latest, headers or {}, deadline, verify)

    def _result(
        self, step: lro.Step, latest: Response, headers: Mapping[str, str], limit: float, verify: bool
    ) -> tuple[lro.Pending | lro.Finished, Response]:
        """The step, once its result is read where it has one elsewhere. Raises what ended the operation."""
        while isinstance(step, lro.Finished):
            if not step.fetch or (not verify and step.operation.method in ("PUT", "PATCH")):
                return step, latest
            # The operation may say Succeeded of a resource that is not; then the resource is what counts.
            latest = self._read(headers, step.operation, step.fetch, limit)
            step = lro.verify(step.operation, latest)
        if isinstance(step, lro.Pending):
            return step, latest
        raise self.ended(step, latest)

    def _json(self, method: str, url: str, **options: Any) -> Response:
        response = self._checked(method, url, **options)
        if isinstance(response.body, lro.NotJson):
            done = "" if method == "GET" else "; it may be done"
            raise ProtocolError(
                f"{method} {redact(url)}: ARM answered {response.status} with a body that is not JSON{done}.",
                hint="Check --endpoint, and whether a proxy answers in ARM's place.",
            )
        return response

    def _checked(self, method: str, url: str, **options: Any) -> Response:
        response = self.transport.send(method, url, **options)
        if response.status >= 400:
            raise self._error(method, url, response)
        return response

    def _read(self, headers: Mapping[str, str], operation: lro.Operation, url: str, limit: float) -> Response:
        try:
            return self.transport.send("GET", url, headers=headers, deadline=limit)
        except (TransportError, ProtocolError) as error:
            if isinstance(error, TransportError) and self.clock.monotonic() >= limit:
                raise self._timed_out(operation) from error
            error.operation_url = operation.url
            raise

    def _pause(self, step: lro.Pending, since: float, pause: float, limit: float) -> None:
        now = self.clock.monotonic()
        if now >= limit:
            raise self._timed_out(step.operation)
        self.clock.sleep(max(0.0, min(since + pause, limit) - now))

    def _timed_out(self, operation: lro.Operation) -> OperationTimedOut:
        return OperationTimedOut(
            "The operation was still running when our time for it ran out; it may yet succeed or fail.",
            code="OperationTimedOut",
            resource=redact(operation.resource),
            operation_url=operation.url,
            client_request_id=self.transport.client_request_id,
            correlation_id=self.transport.correlation_id,
            hint="Look at the resource's provisioning state; when it is Succeeded, run the same line again.",
        )

    def ended(self, step: lro.Ended | lro.Unreadable, latest: Response) -> VipswapError:
        """The error of an operation that ended badly, or whose state could not be read."""
        if isinstance(step, lro.Ended):
            kind = OperationCanceled if step.canceled else OperationFailed
            return kind(
                step.message,
                code=step.code,
                resource=redact(step.operation.resource),
                operation_url=step.operation.url,
                request_id=latest.request_id,
                client_request_id=self.transport.client_request_id,
                correlation_id=self.transport.correlation_id,
                details=step.details,
            )
        cause = self._unreadable(step.operation.url, latest)
        if isinstance(cause, Unauthorized):
            cause.operation_url = step.operation.url
            return cause
        unreadable = OperationUnreadable(
            f"The state of the operation could not be read: {cause}",
            code=cause.code if isinstance(cause, ArmError) else "OperationUnreadable",
            status=latest.status,
            resource=redact(step.operation.resource),
            operation_url=step.operation.url,
            request_id=latest.request_id,
            client_request_id=self.transport.client_request_id,
            correlation_id=self.transport.correlation_id,
            details=cause.details if isinstance(cause, ArmError) else (),
            hint="Look at the resource's provisioning state; when it is Succeeded, run the same line again.",
        )
        unreadable.__cause__ = cause
        return unreadable

    def _unreadable(self, url: str, response: Response) -> ArmError | ProtocolError:
        if response.status >= 400:
            return self._error("GET", url, response)
        return ProtocolError(f"{redact(url)}: ARM answered {response.status} without the state of the operation.")

    def _error(self, method: str, url: str, response: Response) -> ArmError:
        code, message, details = refusal_of(response)
        if not code and isinstance(response.body, str):
            # A gateway's page: its words without its tags.
            words = " ".join(re.sub(r"<[^>]*>", " ", response.body[:4000]).split())
            message = f"The answer is not ARM's: {words[:200]!r}"
        return arm_error_class(response.status, [code, *(detail.code for detail in details)])(
            code or f"HTTP{response.status}",
            message or "ARM gave no reason.",
            status=response.status,
            method=method,
            resource=redact(url),
            details=details,
            request_id=response.request_id,
            client_request_id=self.transport.client_request_id,
            correlation_id=response.headers.get("x-ms-correlation-request-id") or self.transport.correlation_id,
            retry_after=lro.retry_after(response.headers),
        )


def _object(answer: Response | Completed, path: str) -> dict[str, Any]:
    if not isinstance(answer.body, dict):
        raise ProtocolError(
            f"{path}: ARM answered {answer.status} with a body that is not a JSON object.",
            hint="Check --endpoint, and whether a proxy answers in ARM's place.",
        )
    return answer.body


def _lasting(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {name: text for name, text in (headers or {}).items() if not name.lower().startswith(("if-", "content-"))}
