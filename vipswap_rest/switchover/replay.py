"""Folding a run's events again, without a network: the same decisions, and the same report. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from vipswap_rest.switchover.after import after
from vipswap_rest.switchover.decide import decide
from vipswap_rest.switchover.events import Moment
from vipswap_rest.switchover.state import RunState
from vipswap_rest.switchover.trail import action_line, event_of, moment_of


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision of a run: when, what, why; and whether this version decides the same from the same events."""

    when: Moment
    line: Mapping[str, Any]
    same: bool


@dataclass(frozen=True, slots=True)
class Replayed:
    """A run folded again. `torn` says why the file was read no further, if it was not."""

    state: RunState
    decisions: tuple[Decision, ...]
    torn: str | None = None


def lines_of(texts: Iterable[str]) -> tuple[list[dict[str, Any]], str | None]:
    """The objects of a file's lines, as far as they can be read; and what is wrong with the first that cannot."""
    lines: list[dict[str, Any]] = []
    for number, text in enumerate(texts, 1):
        try:
            line = json.loads(text)
            if not isinstance(line, dict) or "event" not in line:
                raise ValueError("not an event")
        except ValueError as error:
            return lines, f"line {number} is {'cut short' if not text.endswith(chr(10)) else f'no event ({error})'}"
        lines.append(line)
    return lines, None


def replay(state: RunState, lines: Iterable[Mapping[str, Any]], torn: str | None = None) -> Replayed:
    """Fold the events of a run that began in `state`. Lines of no event of a run (`ended`) are left out."""
    decisions: list[Decision] = []
    for line in lines:
        if line["event"] == "ended":
            continue
        try:
            when, action = moment_of(line), None
            if line["event"] == "decided":
                action = decide(state, when)
                decisions.append(Decision(when, line, _same(action_line(action), line)))
            state = after(state, event_of(line, action))
        except (KeyError, TypeError, ValueError) as error:
            return Replayed(state, tuple(decisions), torn or f"an event cannot be read: {error!r}")
    return Replayed(replace(state, pending=None), tuple(decisions), torn)


def _same(told: Mapping[str, Any], line: Mapping[str, Any]) -> bool:
    """Whether a decision is the one of the line; the step is told by its name there."""
    return all(line.get(key) == value for key, value in told.items() if key != "step")
