"""`--events FILE`: the audit trail, one JSON object a line, written as things happen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, TextIO

from vipswap_rest.cli.output import tell
from vipswap_rest.clock import Clock, rfc3339
from vipswap_rest.errors import UsageError
from vipswap_rest.methods.vip_swap.report import Decided, Emit, Event, Noted, Report, StepAccepted, StepBegan, StepEnded


class AuditTrail:
    """Writes events to a file, each flushed at once, and hands them on. Without a file it only hands them on.

    A file that cannot be opened is a UsageError, before anything is changed; one that cannot be written any more in
    the middle of a run is told once, and does not stop it.
    """

    def __init__(self, path: str | None, clock: Clock, onward: Emit) -> None:
        self._clock, self._onward = clock, onward
        self._file: TextIO | None = None
        if path is not None:
            try:
                self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115 - closed in __exit__
            except OSError as error:
                raise UsageError(f"The events file {path} cannot be written: {error.strerror or error}.") from error

    def __enter__(self) -> AuditTrail:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def __call__(self, event: Event) -> None:
        """Write an event, and hand it on."""
        self._write(_as_json(event))
        self._onward(event)

    def ended(self, report: Report) -> None:
        """Write how the run ended."""
        self._write({"event": "ended", "exit_code": report.exit_code, **report.as_json()})

    def _write(self, entry: Mapping[str, Any]) -> None:
        if self._file is None:
            return
        moment = {"time": rfc3339(self._clock.now()), "monotonic_s": round(self._clock.monotonic(), 6)}
        try:
            self._file.write(json.dumps({**moment, **entry}) + "\n")
            self._file.flush()
        except OSError as error:
            tell(f"warning: the events file cannot be written any more: {error.strerror or error}; the run goes on.")
            self._file = None


def _as_json(event: Event) -> dict[str, Any]:
    if isinstance(event, StepBegan):
        return {
            "event": "step_began",
            "name": event.name,
            "resource": str(event.resource),
            "opens_outage": event.opens_outage,
        }
    if isinstance(event, StepAccepted):
        return {
            "event": "step_accepted",
            "name": event.name,
            "resource": str(event.resource),
            "request_id": event.request_id,
            "opens_outage": event.opens_outage,
        }
    if isinstance(event, StepEnded):
        return {"event": "step_ended", "succeeded": event.record.succeeded, **event.record.as_json()}
    if isinstance(event, Decided):
        return {"event": "decided", "step": event.step, "resource": event.resource, "direction": event.direction}
    assert isinstance(event, Noted)
    return {"event": "noted", "message": event.message, "warning": event.warning}
