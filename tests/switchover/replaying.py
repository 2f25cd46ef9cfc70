"""Every run that a laboratory makes is replayed from its events, as `vipswap replay` does."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vipswap_rest.cli.replay import state_of
from vipswap_rest.switchover.events import Event
from vipswap_rest.switchover.outcome import report
from vipswap_rest.switchover.replay import Replayed, lines_of, replay
from vipswap_rest.switchover.report import Report
from vipswap_rest.switchover.trail import event_line


def replayed(events: Sequence[Event]) -> Replayed:
    """The run of these events, written as lines, read, and folded again."""
    lines, torn = lines_of([json.dumps(event_line(event)) + "\n" for event in events])
    return replay(state_of(lines[0]), lines[1:], torn)


# Of the runs in the suite every fourth is replayed, because that takes as long as the run.
LONG = os.environ.get("VIPSWAP_LONG") == "1"
_RUNS = itertools.count()


def check_replays(events: Sequence[Event], told: Report | None) -> None:
    """The same decisions and, of a run that came to its end, the same report."""
    if not events or (next(_RUNS) % 4 and not LONG):
        return
    again = replayed(events)
    assert again.torn is None
    assert [one.line for one in again.decisions if not one.same] == []
    if told is not None:
        assert report(again.state).as_json() == told.as_json()
        assert report(again.state).exit_code == told.exit_code


def what_replays_otherwise(path: Path, told: Mapping[str, Any] | None) -> str | None:
    """What of an events file is decided otherwise when it is folded again, or reported otherwise than was `told`.

    A process that was killed may have left half a line, and one that was killed early no file.
    """
    if not path.exists():
        return None
    with path.open(encoding="utf-8") as file:
        lines, torn = lines_of(file)
    if not lines:
        return None
    again = replay(state_of(lines[0]), lines[1:], torn)
    others = [one.line for one in again.decisions if not one.same]
    if others or (told is not None and report(again.state).as_json() != told):
        return f"{path} replays otherwise: {others or report(again.state).as_json()}"
    return None
