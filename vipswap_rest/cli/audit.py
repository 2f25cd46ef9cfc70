"""`--events FILE`: the events of one run, one JSON object a line, written as things happen; `replay` reads it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from vipswap_rest.arm.clock import Clock
from vipswap_rest.arm.errors import UsageError
from vipswap_rest.cli.output import tell
from vipswap_rest.switchover.events import Event, Moment, Seen
from vipswap_rest.switchover.report import Report
from vipswap_rest.switchover.trail import event_line


def events_of(folder: str | None, name: str) -> str | None:
    """The events file of one of several runs: in the folder, named for the run; None without a folder."""
    return str(Path(folder, f"{re.sub('[^A-Za-z0-9._-]', '_', name)}.jsonl")) if folder is not None else None


def check_folder(folder: str | None) -> None:
    """Raise UsageError if it is named and is no folder: each of several runs has a file there."""
    if folder is not None and not Path(folder).is_dir():
        raise UsageError(
            f"--events must name a folder that exists, not {folder}.", hint="Make it first; each run has a file there."
        )


class AuditTrail:
    """Writes events to a file, each flushed at once. Without a file it writes nothing.

    A file that cannot be opened, or is not empty, is a UsageError, before anything is changed; one that cannot be
    written any more in the middle of a run is told once, and does not stop it.
    """

    def __init__(self, path: str | None, clock: Clock) -> None:
        self._clock = clock
        self._file: TextIO | None = None
        if path is not None:
            try:
                self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115 - closed in __exit__
            except OSError as error:
                raise UsageError(f"The events file {path} cannot be written: {error.strerror or error}.") from error
            if os.fstat(self._file.fileno()).st_size:
                self._file.close()
                raise UsageError(f"The events file {path} is not empty; one file holds one run.")

    def __enter__(self) -> AuditTrail:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def __call__(self, event: Event) -> None:
        """Write an event."""
        self._write(event_line(event))

    def ended(self, report: Report) -> None:
        """Write what a probe saw, if there was one, and how the run ended."""
        now = Moment(self._clock.monotonic(), self._clock.now())
        seen = {side: one.observed for side, one in report.addresses.items() if one.observed is not None}
        if seen:
            self(Seen(now, seen))
        moment = {"time": now.on.isoformat(), "monotonic_s": now.at}
        self._write({"event": "ended", **moment, "exit_code": report.exit_code, **report.as_json()})

    def _write(self, entry: Mapping[str, Any]) -> None:
        if self._file is None:
            return
        try:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()
        except OSError as error:
            tell(f"warning: the events file cannot be written any more: {error.strerror or error}; the run goes on.")
            self._file = None
