"""A run's events as JSON lines, and back: what `--events` writes and `replay` reads. Pure.

Signed URLs are cut down to their path and api-version: a signature is a secret, and no decision depends on it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from requests.structures import CaseInsensitiveDict

from vipswap_rest.arm import errors, lro
from vipswap_rest.arm.errors import Detail, RequestIds, VipswapError
from vipswap_rest.arm.http import Response, redact
from vipswap_rest.arm.ids import ResourceId
from vipswap_rest.arm.presentable import presentable
from vipswap_rest.arm.words import word_key
from vipswap_rest.switchover.actions import Action
from vipswap_rest.switchover.events import (
    Answered,
    Begun,
    Event,
    Failed,
    Heard,
    Moment,
    Polled,
    Seen,
    Sent,
    Signalled,
    Woke,
)
from vipswap_rest.switchover.report import Observation, Side
from vipswap_rest.switchover.state import Limits, Policy

# The headers that something is decided by, or that support asks for.
_HEADERS = frozenset(
    {
        "azure-asyncoperation",
        "location",
        "retry-after",
        "date",
        "etag",
        "x-ms-request-id",
        "x-ms-arm-service-request-id",
        "x-ms-correlation-request-id",
    }
)
_SIGNED = frozenset({"azure-asyncoperation", "location"})


def event_line(event: Event) -> dict[str, Any]:
    """An event as the object of its line."""
    name, told = _LINES[type(event)](event)
    return {"event": name, "time": event.when.on.isoformat(), "monotonic_s": event.when.at, **told}


def event_of(line: Mapping[str, Any], action: Action | None) -> Event:
    """The event of a line; `action` is what a line of a decision stands for. Raises KeyError, TypeError, ValueError."""
    when = moment_of(line)
    name = line["event"]
    if name == "decided" and action is not None:
        return Sent(when, action)
    if name == "answered":
        return Answered(when, tuple(map(_response_of, line["answers"])), line["reads_left"])
    if name == "polled":
        return Polled(when, _progress_of(line["progress"]), line["received"], line["reads_left"])
    if name == "failed":
        return Failed(when, error_of(line["error"]), tuple(map(_response_of, line["answers"])))
    if name == "woke":
        return Woke(when)
    if name == "heard":
        return Heard(when, line["silent"])
    if name == "signalled":
        return Signalled(when, line["name"])
    if name == "seen":
        return Seen(when, {Side(side): _observation_of(told) for side, told in line["addresses"].items()})
    raise ValueError(f"{name!r} is not an event")


def moment_of(line: Mapping[str, Any]) -> Moment:
    """The moment of a line."""
    return Moment(float(line["monotonic_s"]), datetime.fromisoformat(line["time"]))


def action_line(action: Action) -> dict[str, Any]:
    """A decision as it stands in its line: its kind, and its fields."""
    told = {field.name: plain(getattr(action, field.name)) for field in dataclasses.fields(action)}
    return {"action": word_key(type(action).__name__), **told}


def policy_line(policy: Policy) -> dict[str, Any]:
    """A policy as JSON."""
    return dataclasses.asdict(policy)


def policy_of(told: Mapping[str, Any]) -> Policy:
    """The policy of its JSON."""
    return Policy(**{**told, "limits": Limits(**told["limits"])})


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, lro.Operation):
        return _operation_line(value)
    if isinstance(value, VipswapError):
        return error_line(value)
    if isinstance(value, ResourceId):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"kind": type(value).__name__, **fields} if not fields else {**fields}
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(str(item) for item in value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def error_line(error: VipswapError) -> dict[str, Any]:
    """An error as JSON: its class, and what it holds."""
    held = {name: value for name, value in vars(error).items() if not name.startswith("_") and name != "cause"}
    if held.get("operation_url"):
        held["operation_url"] = redact(held["operation_url"])
    cause = getattr(error, "cause", None)
    return {"class": type(error).__name__, **_shown(plain(held)), "cause": error_line(cause) if cause else None}


def _shown(value: Any) -> Any:
    """A JSON value without what a server echoed of tokens and signatures."""
    if isinstance(value, str):
        return presentable(value)
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return {key: _shown(item) for key, item in value.items()} if isinstance(value, dict) else value


def error_of(told: Mapping[str, Any]) -> VipswapError:
    """The error of its JSON. Raises ValueError if no error has that name."""
    kind = getattr(errors, str(told["class"]), None)
    if not (isinstance(kind, type) and issubclass(kind, VipswapError)):
        raise ValueError(f"{told['class']!r} is not an error")
    error = kind.__new__(kind)
    Exception.__init__(error, told["message"])
    held = {name: value for name, value in told.items() if name not in ("class", "cause")}
    for name, value in held.items():
        setattr(error, name, value)
    if isinstance(held.get("ids"), Mapping):
        error.ids = RequestIds(**held["ids"])
    if "details" in held:
        error.details = tuple(Detail(**detail) for detail in held["details"])  # type: ignore[attr-defined]
    if told.get("cause"):
        error.cause = error_of(told["cause"])  # type: ignore[attr-defined]
    return error


def _sent(event: Sent) -> tuple[str, dict[str, Any]]:
    told = action_line(event.action)
    if "step" in told:
        told["step"] = type(event.action.step).__name__  # type: ignore[union-attr]
    return "decided", told


def _response_line(response: Response | None) -> dict[str, Any] | None:
    if response is None:
        return None
    headers = {
        name: redact(response.headers[name]) if name in _SIGNED else response.headers[name]
        for name in sorted(_HEADERS)
        if name in response.headers
    }
    return {
        "status": response.status,
        "headers": headers,
        "body": response.body,
        "sent": response.sent,
        "received": response.received,
    }


def _response_of(told: Mapping[str, Any] | None) -> Response | None:
    if told is None:
        return None
    headers = CaseInsensitiveDict(told["headers"])
    return Response(told["status"], headers, told["body"], told["sent"], told["received"])


def _operation_line(operation: lro.Operation) -> dict[str, Any]:
    return {
        "method": operation.method,
        "resource": redact(operation.resource),
        "via": operation.via.value,
        "url": redact(operation.url),
        "location": redact(operation.location) if operation.location else None,
    }


def _progress_line(progress: lro.Pending | None) -> dict[str, Any] | None:
    if progress is None:
        return None
    return {"operation": _operation_line(progress.operation), "retry_after": progress.retry_after}


def _progress_of(told: Mapping[str, Any] | None) -> lro.Pending | None:
    if told is None:
        return None
    held = told["operation"]
    operation = lro.Operation(held["method"], held["resource"], lro.Via(held["via"]), held["url"], held["location"])
    return lro.Pending(operation, told["retry_after"])


def _observation_of(told: Mapping[str, Any]) -> Observation:
    return Observation(**{**told, "outages": tuple(told["outages"])})


_LINES: dict[type, Any] = {
    Begun: lambda event: ("begun", {"method": event.method, **event.setup}),
    Sent: _sent,
    Answered: lambda event: (
        "answered",
        {"answers": [_response_line(answer) for answer in event.answers], "reads_left": event.reads_left},
    ),
    Polled: lambda event: (
        "polled",
        {"progress": _progress_line(event.progress), "received": event.received, "reads_left": event.reads_left},
    ),
    Failed: lambda event: (
        "failed",
        {"error": error_line(event.error), "answers": [_response_line(answer) for answer in event.answers]},
    ),
    Woke: lambda event: ("woke", {}),
    Heard: lambda event: ("heard", {"silent": event.silent}),
    Signalled: lambda event: ("signalled", {"name": event.name}),
    Seen: lambda event: ("seen", {"addresses": plain(event.addresses)}),
}
