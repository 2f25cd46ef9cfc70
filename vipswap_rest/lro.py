"""ARM's long-running operations as a pure state machine: an answer goes in, the next thing to do comes out.

The rules are those of the ARM resource provider contract
(https://github.com/Azure/azure-resource-manager-rpc/blob/master/v1.0/async-api-reference.md):

- `Azure-AsyncOperation` is polled if there is one, else `Location`, else the resource's own provisioningState.
- A status URL answers 200 and says the state in its body; a 4xx or 5xx there is a failure to *read* the state.
- `Location` answers 202 while it runs, and may name a new Location.
- Succeeded, Failed and Canceled are terminal, whatever their case; a resource without provisioningState has Succeeded.
- PUT and PATCH end with a GET of the resource; POST with what Location returns; DELETE with nothing.

URLs are used verbatim: since 2023 they are signed. There is no request and no clock in this module.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any, Protocol
from urllib.parse import urljoin

from vipswap_rest.errors import Detail


class Answer(Protocol):
    """What the machine needs of an HTTP response. Header names are looked up without regard to case."""

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


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation in flight.

    `resource` is the URL of the request that began it, `url` the one to poll (signed: never print it),
    `location` what a POST's result is fetched from.
    """

    method: str
    resource: str
    via: Via
    url: str
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Poll:
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
    fetch: str | None = None


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


Step = Poll | Finished | Ended | Unreadable

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
        except (ValueError, TypeError):
            return None
        return max(0.0, seconds)
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def error_of(body: Any) -> tuple[str, str, tuple[Detail, ...]]:
    """Code, message and details of an ARM error body, whatever of it is there.

    Codes are stripped: some operations were recorded with a leading blank (" InternalError").
    """
    error = body.get("error", body) if isinstance(body, dict) else {}
    if not isinstance(error, dict):
        error = {"message": str(error)}
    details = error.get("details")
    found = tuple(
        Detail(_text(detail, "code"), _text(detail, "message"))
        for detail in (details if isinstance(details, list) else [])
        if isinstance(detail, dict)
    )
    return _text(error, "code"), _text(error, "message"), found


def begin(method: str, url: str, answer: Answer) -> Step:
    """What the successful (2xx) answer to the request that may have begun an operation asks for next."""
    status_url, location = _header(answer, url, "Azure-AsyncOperation"), _header(answer, url, "Location")
    operation = Operation(method.upper(), url, Via.RESOURCE, url, location)
    if status_url:
        return Poll(replace(operation, via=Via.STATUS, url=status_url), retry_after(answer.headers))
    if location and answer.status in (201, 202):
        return Poll(replace(operation, via=Via.LOCATION, url=location), retry_after(answer.headers))
    if operation.method in ("POST", "DELETE"):
        # A 202 that names no place to look: a DELETE can at least be watched by the resource's going away.
        if answer.status == 202 and operation.method == "DELETE":
            return Poll(operation, retry_after(answer.headers))
        return Finished(operation, answer.body)
    if answer.status == 202:
        return Poll(operation, retry_after(answer.headers))
    return _by_resource(operation, answer)


def advance(operation: Operation, answer: Answer) -> Step:
    """What the answer to a poll asks for next."""
    if operation.via is Via.STATUS:
        return _by_status(operation, answer)
    if operation.method == "DELETE" and answer.status == 404:
        return Finished(operation)
    if answer.status >= 400:
        return Unreadable(operation)
    if operation.via is Via.LOCATION:
        return _by_location(operation, answer)
    if operation.method == "DELETE":
        # The resource still answers, so it is still there.
        return Poll(operation, retry_after(answer.headers))
    return _by_resource(operation, answer)


def verify(operation: Operation, answer: Answer) -> Step:
    """What the final GET of the resource says: an operation may say Succeeded of a resource that is not."""
    return _by_resource(replace(operation, via=Via.RESOURCE, url=operation.resource), answer)


def _by_status(operation: Operation, answer: Answer) -> Step:
    if answer.status >= 400:
        if answer.status == 404 and operation.method != "POST":
            # ARM forgets operations. The resource itself still knows how it went.
            return Poll(replace(operation, via=Via.RESOURCE, url=operation.resource))
        return Unreadable(operation)
    moved = _header(answer, operation.url, "Azure-AsyncOperation")
    if moved:
        operation = replace(operation, url=moved)
    location = _header(answer, operation.url, "Location")
    if location:
        operation = replace(operation, location=location)
    body = answer.body if isinstance(answer.body, dict) else {}
    word = _text(body, "status").lower()
    if word in _SUCCEEDED:
        return _finished(operation)
    if word == "failed" or word in _CANCELED:
        return _ended(operation, word, body)
    return Poll(operation, retry_after(answer.headers))


def _by_location(operation: Operation, answer: Answer) -> Step:
    if answer.status == 202:
        moved = _header(answer, operation.url, "Location")
        return Poll(replace(operation, url=moved) if moved else operation, retry_after(answer.headers))
    if operation.method in ("PUT", "PATCH"):
        return Finished(operation, fetch=operation.resource)
    return Finished(operation, answer.body)


def _by_resource(operation: Operation, answer: Answer) -> Step:
    body = answer.body if isinstance(answer.body, dict) else {}
    properties = body.get("properties")
    word = _text(properties, "provisioningState").lower() if isinstance(properties, dict) else ""
    if not word or word in _SUCCEEDED:
        return Finished(operation, answer.body)
    if word == "failed" or word in _CANCELED:
        return _ended(operation, word, body)
    return Poll(operation, retry_after(answer.headers))


def _finished(operation: Operation) -> Finished:
    if operation.method in ("PUT", "PATCH"):
        return Finished(operation, fetch=operation.resource)
    if operation.method == "POST":
        return Finished(operation, fetch=operation.location)
    return Finished(operation)


def _ended(operation: Operation, word: str, body: dict[str, Any]) -> Ended:
    code, message, details = error_of(body if "error" in body else {})
    canceled = word in _CANCELED
    return Ended(
        operation,
        canceled,
        code or ("Canceled" if canceled else "Failed"),
        message or f"The operation ended {'Canceled' if canceled else 'Failed'} without an error of its own.",
        details,
    )


def _header(answer: Answer, base: str, name: str) -> str | None:
    value = (answer.headers.get(name) or "").strip()
    return urljoin(base, value) if value else None


def _text(mapping: Mapping[str, Any], key: str) -> str:
    value = mapping.get(key)
    return value.strip() if isinstance(value, str) else ""
