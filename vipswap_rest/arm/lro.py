"""ARM's long-running operations as a pure state machine: an answer goes in, the next thing to do comes out.

The rules are those of the ARM resource provider contract
(https://github.com/Azure/azure-resource-manager-rpc/blob/master/v1.0/async-api-reference.md):

- `Azure-AsyncOperation` is polled if there is one, else `Location`, else the resource's own provisioningState.
- A status URL answers 200 and says the state in its body; a 4xx or 5xx there is a failure to *read* the state.
- `Location` answers 202 while it runs, and may name a new Location. Where it then answers with an error's body, that is
  the operation's, unless the status is about the reading itself (401, 403, 404, 408, 429, 5xx).
- Succeeded, Failed and Canceled are terminal, whatever their case; a resource without provisioningState has Succeeded.
- PUT and PATCH end with a GET of the resource; POST and GET with what Location returns; DELETE with nothing. An
  operation may be declared to end elsewhere (`FinalState`).

Beyond the contract: a status that is forgotten (404) leaves the resource to tell how it went; words of some providers
("Completed", "Cancelled") are understood; an answer that is no JSON is none; a Location that says Failed or Canceled in
its body has failed, whatever its HTTP status; a POST accepted without a word of where to look has not succeeded.

URLs are used verbatim: since 2023 they are signed. There is no request and no clock in this module.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any, Protocol
from urllib.parse import urljoin

from vipswap_rest.arm.error_body import error_of
from vipswap_rest.arm.errors import Detail

# What a Retry-After between polls is held to: operations end in seconds (10 is what Network asks for), and a mistaken
# 86400 would cost a day, a 0 a thousand requests.
LONGEST_PAUSE_S, SHORTEST_PAUSE_S = 60.0, 0.1


class NotJson(str):
    """The text of a body that is not JSON, where a plain str is a JSON string."""


class Answer(Protocol):
    """What the machine needs of an HTTP response. Header names are looked up without regard to case.

    `body` is the parsed JSON, None if there is none, NotJson if it is something else.
    """

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> Any: ...


class Via(Enum):
    """How the state of an operation is read."""

    STATUS = "Azure-AsyncOperation"
    LOCATION = "Location"
    RESOURCE = "provisioningState"


class FinalState(Enum):
    """Where an operation's result is read when its status has said Succeeded, if not where its method's is.

    The values of `final-state-via` in Azure's OpenAPI (x-ms-long-running-operation-options):
    https://github.com/Azure/autorest/blob/main/docs/extensions/readme.md#x-ms-long-running-operation-options
    """

    STATUS = "azure-async-operation"
    LOCATION = "location"
    RESOURCE = "original-uri"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation in flight.

    `resource` is the URL of the request that began it, `url` the one to poll (signed: never print it),
    `location` the last one that a Location header named, `final_state` where the result is declared to be.
    """

    method: str
    resource: str
    via: Via
    url: str = field(repr=False)
    location: str | None = field(default=None, repr=False)
    final_state: FinalState | None = None

    @property
    def result_at(self) -> Via:
        """Where the result is read once the status has said Succeeded."""
        if self.final_state is FinalState.RESOURCE:
            return Via.RESOURCE
        if self.final_state is FinalState.LOCATION and self.location:
            return Via.LOCATION
        if self.method in ("PUT", "PATCH"):
            # Whatever is declared: no status makes a write done whose resource is not.
            return Via.RESOURCE
        if self.final_state is FinalState.STATUS:
            return Via.STATUS
        if self.location and self.method != "DELETE":
            return Via.LOCATION
        return Via.RESOURCE if self.method == "GET" else Via.STATUS


@dataclass(frozen=True, slots=True)
class Pending:
    """The operation runs: poll `operation.url` next, after `retry_after` seconds if ARM said so."""

    operation: Operation
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """The operation says it succeeded.

    `body` is its result if the last answer held it; else `fetch` is the URL that has it (None: there is no result).
    """

    operation: Operation
    body: Any = None
    fetch: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Ended:
    """The operation ended Failed or Canceled."""

    operation: Operation
    canceled: bool
    code: str
    message: str
    details: tuple[Detail, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The state could not be read: the answer is an error about the reading, not about the operation."""

    operation: Operation


Step = Pending | Finished | Ended | Unreadable

_SUCCEEDED = {"succeeded", "completed"}
_CANCELED = {"canceled", "cancelled"}


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that a Retry-After header asks for: a number, or a date read against the answer's own Date.

    None if there is none, or it makes no sense (RFC 9110 section 10.2.3): a negative number, a word, infinity.
    """
    text = (headers.get("Retry-After") or "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            until = parsedate_to_datetime(text)
            seconds = (until - parsedate_to_datetime(headers.get("Date") or "")).total_seconds()
        except (ValueError, TypeError, OverflowError, IndexError):
            return None
        return max(0.0, seconds)
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def resolve(base: str, reference: str) -> str:
    """The absolute URL of a reference in an answer to `base`, byte for byte where it is whole or has a whole path."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", reference):
        return reference
    if reference.startswith("/") and not reference.startswith("//"):
        return "/".join(base.split("/", 3)[:3]) + reference
    try:
        return urljoin(base, reference)
    except ValueError:
        # It names an unreadable host; the transport refuses it.
        return reference


def begin(method: str, url: str, answer: Answer, final_state: FinalState | None = None) -> Step:
    """What the successful (2xx) answer to the request that may have begun an operation asks for next."""
    status_url, location = _header(answer, url, "Azure-AsyncOperation"), _header(answer, url, "Location")
    operation = Operation(method.upper(), url, Via.RESOURCE, url, location, final_state)
    if status_url:
        return Pending(replace(operation, via=Via.STATUS, url=status_url), retry_after(answer.headers))
    if location and answer.status in (201, 202):
        return Pending(replace(operation, via=Via.LOCATION, url=location), retry_after(answer.headers))
    if operation.method in ("POST", "DELETE"):
        if answer.status != 202:
            return Finished(operation, answer.body)
        # A 202 that names no place to look: a DELETE can at least be watched by the resource's going away.
        return (
            Pending(operation, retry_after(answer.headers)) if operation.method == "DELETE" else Unreadable(operation)
        )
    if answer.status in (202, 204) or answer.body is None:
        return Pending(operation, retry_after(answer.headers))
    return _by_resource(operation, answer)


def advance(operation: Operation, answer: Answer) -> Step:
    """What the answer to a poll asks for next."""
    if operation.via is Via.RESOURCE:
        return _by_resource(operation, answer)
    if answer.status == 404 and operation.method != "POST":
        # ARM forgets operations. The resource itself still knows how it went; of a DELETE, by not being there.
        return Pending(replace(operation, via=Via.RESOURCE, url=operation.resource))
    if operation.via is Via.LOCATION and _is_outcome(answer):
        return _ended(operation, "failed", answer.body)
    if answer.status >= 400:
        return Unreadable(operation)
    return _by_status(operation, answer) if operation.via is Via.STATUS else _by_location(operation, answer)


def verify(operation: Operation, answer: Answer) -> Step:
    """What the final GET says: of a resource that may not be what its operation said, or of a result."""
    if operation.result_at is Via.LOCATION:
        located = replace(operation, via=Via.LOCATION, url=operation.location or operation.url)
        # The operation has succeeded: what is refused now is its result.
        return Unreadable(located) if _is_outcome(answer) else advance(located, answer)
    return _by_resource(replace(operation, via=Via.RESOURCE, url=operation.resource), answer)


def _by_status(operation: Operation, answer: Answer) -> Step:
    moved = _header(answer, operation.url, "Azure-AsyncOperation")
    location = _header(answer, operation.url, "Location")
    operation = replace(operation, url=moved or operation.url, location=location or operation.location)
    body = answer.body if isinstance(answer.body, dict) else {}
    word = (_text(body, "status") or _state(body)).lower()
    if word in _SUCCEEDED:
        return _finished(operation, body)
    if word == "failed" or word in _CANCELED:
        return _ended(operation, word, body)
    if not word and answer.status != 202:
        return Unreadable(operation)
    return Pending(operation, retry_after(answer.headers))


def _by_location(operation: Operation, answer: Answer) -> Step:
    if answer.status == 202:
        moved = _header(answer, operation.url, "Location")
        return Pending(replace(operation, url=moved) if moved else operation, retry_after(answer.headers))
    if isinstance(answer.body, NotJson):
        # A page of something between here and ARM.
        return Unreadable(operation)
    body = answer.body if isinstance(answer.body, dict) else {}
    state = _state(body).lower()
    word = state or _text(body, "status").lower()
    if word == "failed" or word in _CANCELED or (not word and _is_error(body)):
        return _ended(operation, word, body)
    if operation.method in ("PUT", "PATCH"):
        if body and (state or not word):
            # Some providers answer a PUT with 202, and then Location has the resource.
            return _by_resource(replace(operation, via=Via.RESOURCE, url=operation.resource), answer)
        # It has nothing, or the operation's status instead.
        return Finished(replace(operation, final_state=FinalState.RESOURCE), fetch=operation.resource)
    if state and state not in _SUCCEEDED:
        return Pending(operation, retry_after(answer.headers))
    return Finished(operation, answer.body)


def _by_resource(operation: Operation, answer: Answer) -> Step:
    if operation.method == "DELETE" and answer.status == 404 and not isinstance(answer.body, str):
        return Finished(operation)
    if answer.status >= 400 or not isinstance(answer.body, dict):
        return Unreadable(operation)
    word = _state(answer.body).lower()
    if not word and _is_error(answer.body):
        return Unreadable(operation)
    if word == "failed" or word in _CANCELED:
        return _ended(operation, word, answer.body)
    if operation.method != "DELETE" and (not word or word in _SUCCEEDED):
        return Finished(operation, answer.body)
    # Of a DELETE: the resource still answers, so it is still there.
    return Pending(operation, retry_after(answer.headers))


def _finished(operation: Operation, body: dict[str, Any]) -> Finished:
    place = operation.result_at
    if place is Via.STATUS:
        return Finished(operation, None if operation.method == "DELETE" else body)
    return Finished(operation, fetch=operation.location if place is Via.LOCATION else operation.resource)


def _ended(operation: Operation, word: str, body: dict[str, Any]) -> Ended:
    properties = body.get("properties")
    holder = properties if _error_in(body) is None and isinstance(properties, dict) else body
    code, message, details = error_of({"error": _error_in(holder)} if _error_in(holder) is not None else {})
    canceled = word in _CANCELED
    return Ended(
        operation,
        canceled,
        code or ("Canceled" if canceled else "Failed"),
        message or f"The operation ended {'Canceled' if canceled else 'Failed'} without an error of its own.",
        details,
    )


def _is_outcome(answer: Answer) -> bool:
    """Whether a refusal at Location is how the operation ended, not why it could not be read.

    Recorded of a resource group's deletion: 202 ... 202, 409 with the error in capitals (`Error`, `Code`).
    """
    if not 400 <= answer.status < 500 or answer.status in (401, 403, 404, 408, 429):
        return False
    return isinstance(answer.body, dict) and _is_error(answer.body)


def _is_error(body: dict[str, Any]) -> bool:
    """Whether a body without a state is an error's; its key in any case."""
    return isinstance(_error_in(body), dict) and bool(_error_in(body))


def _error_in(body: Mapping[str, Any]) -> Any:
    return next((body[key] for key in body if key.lower() == "error"), None)


def _state(body: dict[str, Any]) -> str:
    properties = body.get("properties")
    return _text(properties, "provisioningState") if isinstance(properties, dict) else ""


def _header(answer: Answer, base: str, name: str) -> str | None:
    # A header that came twice is joined by a comma; no URL has a blank in it.
    value = (answer.headers.get(name) or "").split(", ")[0].strip()
    return resolve(base, value) if value else None


def _text(mapping: Mapping[str, Any], key: str) -> str:
    value = mapping.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else ""


def polite(waited: float, retry_after: float | None) -> float:
    """Wait as long as ARM asks for, within 0.1 s and 60 s; without a word from it, a tenth of the time waited, within
    0.5 s and 10 s.
    """
    if retry_after is not None:
        return min(LONGEST_PAUSE_S, max(SHORTEST_PAUSE_S, retry_after))
    return min(10.0, max(0.5, 0.1 * waited))
