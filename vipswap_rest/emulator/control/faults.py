"""Faults: failures on demand. A fault matches requests and has an effect on some of them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from ..arm.effects import Effect
from ..messages import Json, Request

# The effects, and what each takes.
_NUMBERS = ("hang_s", "delay_operation_s", "stale_reads_s")
_MANNERS = ("before", "zombie", "restore")
_SWITCHES = ("lose_response", "reset", "cancel_operation", "drop_operation", "expire_token", *_MANNERS)
_EFFECTS = frozenset({"status", "body", "headers", "fail_operation", *_NUMBERS, *_SWITCHES})
_NAME, _VALUE = re.compile(r"[!#$%&'*+.^`|~\w-]+", re.ASCII), re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


class BadFault(ValueError):
    """An invalid fault; the message is one sentence."""


@dataclass(eq=False)
class Fault:
    """One rule. It applies `times` times from its `nth` match on, or at every `every`th match."""

    method: re.Pattern[str]
    path: re.Pattern[str]
    nth: int
    every: int | None
    times: float
    settings: Json
    source: Json
    matched: int = 0
    struck: int = 0

    def applies_to(self, request: Request) -> bool:
        """Whether it has its effect on this request; counts the request if it matches."""
        if not self.method.fullmatch(request.method) or not self.path.search(request.path):
            return False
        self.matched += 1
        turn = self.matched % self.every == 0 if self.every else self.matched >= self.nth
        if not turn or self.struck >= self.times:
            return False
        self.struck += 1
        return True


class Faults:
    """The faults there are, in the order in which they came."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, given: Any) -> None:
        """Add a fault, or a list of them; none of a list if one is bad. Raises BadFault."""
        several = given if isinstance(given, list) else [given]
        self._faults += [_read(one) for one in several]

    def clear(self) -> None:
        """Delete all of them; requests that hang on one go on, or are dropped."""
        self._faults.clear()

    def effect_on(self, request: Request) -> Effect:
        """The effect on a request that has just arrived."""
        struck = [fault for fault in self._faults if fault.applies_to(request)]
        settings: Json = {}
        for fault in reversed(struck):
            settings |= fault.settings
        return Effect(settings, tuple(struck))

    def remain(self, effect: Effect) -> bool:
        """Whether the faults behind an effect are still there."""
        return all(fault in self._faults for fault in effect.faults)

    def as_json(self) -> list[Json]:
        """Each fault as it was given, with how often it matched and struck."""
        return [{**fault.source, "matched": fault.matched, "struck": fault.struck} for fault in self._faults]


def _read(given: Any) -> Fault:
    if not isinstance(given, dict) or not set(given) <= {"match", "effect", "times"}:
        raise BadFault('A fault is {"match": {...}, "effect": {...}, "times": n}.')
    match, effect = given.get("match", {}), given.get("effect")
    if not isinstance(match, dict) or not set(match) <= {"method", "path", "nth", "every"}:
        raise BadFault('A fault\'s match is {"method", "path", "nth" or "every"}.')
    if not isinstance(effect, dict) or not effect or not set(effect) <= _EFFECTS:
        unknown = ", ".join(sorted(set(effect) - _EFFECTS)) if isinstance(effect, dict) else json.dumps(effect)
        raise BadFault(
            f"A fault's effect is one or more of {', '.join(sorted(_EFFECTS))}, not: {unknown or 'nothing'}."
        )
    _check_effect(effect)
    # true is every match, as 1 is.
    given_every = match.get("every")
    every = None if given_every in (None, False) else 1 if given_every is True else _count(given_every, "every")
    # Without a number of times, a fault with `every` applies without end.
    times = given.get("times", float("inf") if every else 1)
    return Fault(
        _pattern(match, "method"),
        _pattern(match, "path"),
        _count(match.get("nth", 1), "nth"),
        every,
        times if times == float("inf") else _count(times, "times"),
        effect,
        given,
    )


def _check_effect(effect: Json) -> None:
    for name in _NUMBERS:
        value = effect.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
            raise BadFault(f"A fault's {name} is seconds from 0 on, not {json.dumps(value)}.")
    for name in _SWITCHES:
        if not isinstance(effect.get(name, False), bool):
            raise BadFault(f"A fault's {name} is true or false, not {json.dumps(effect[name])}.")
    status = effect.get("status", 200)
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise BadFault(f"A fault's status is from 200 to 599, not {json.dumps(status)}.")
    for name in ("headers", "fail_operation"):
        if not isinstance(effect.get(name, {}), dict):
            raise BadFault(f"A fault's {name} is an object, not {json.dumps(effect[name])}.")
    for name, value in effect.get("headers", {}).items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(str(value)):
            raise BadFault(f"A fault's headers must be such as can be sent, not {json.dumps({name: value})}.")


def _pattern(match: Json, name: str) -> re.Pattern[str]:
    given = match.get(name, ".*")
    try:
        return re.compile(given, re.IGNORECASE)
    except (re.error, TypeError) as error:
        raise BadFault(f"A fault's {name} is a regular expression, not {json.dumps(given)}: {error}.") from error


def _count(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadFault(f"A fault's {name} is a whole number from 1 on, not {json.dumps(value)}.")
    return value
