"""Outages of known length, made on demand: `POST /emulator/outages`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..arm.state import State, properties_of
from ..data_plane.desired import Outage
from ..messages import Json

_MODES = ("refuse", "drop")
_KEYS = {"public_ip", "after_s", "seconds", "mode"}
_PUBLIC_IPS = "Microsoft.Network/publicIPAddresses"
# How long after its end an outage is still remembered: far longer than any listener is late.
_REMEMBERED_S = 60.0


class BadOutage(ValueError):
    """An invalid outage; the message is one sentence."""


class Outages:
    """The outages there are and were, in the order in which they came."""

    def __init__(self, mode: str) -> None:
        """mode: `refuse` or `drop`, of an outage that does not say it."""
        self._mode = mode
        self._outages: list[Outage] = []

    def add(self, given: Any, state: State, now: float) -> None:
        """Add an outage, or a list of them; none of a list if one is bad. Raises BadOutage."""
        several = given if isinstance(given, list) else [given]
        new = [self._read(one, state, now) for one in several]
        self._outages = [one for one in self._outages if one.start + one.seconds + _REMEMBERED_S > now] + new

    def clear(self) -> None:
        """End all of them, and forget those to come."""
        self._outages = []

    def all(self) -> tuple[Outage, ...]:
        """Each outage."""
        return tuple(self._outages)

    def as_json(self) -> list[Json]:
        """Each outage with its planned start; the timeline has the actual one."""
        return [asdict(one) for one in self._outages]

    def _read(self, given: Any, state: State, now: float) -> Outage:
        if not isinstance(given, dict) or not set(given) <= _KEYS:
            raise BadOutage('An outage is {"public_ip", "after_s", "seconds", "mode"}.')
        mode = given.get("mode", self._mode)
        if mode not in _MODES:
            raise BadOutage(f"An outage's mode is {' or '.join(_MODES)}, not {json.dumps(mode)}.")
        after, seconds = _number(given, "after_s", 0), _number(given, "seconds", None)
        if seconds == 0:
            raise BadOutage("An outage's seconds is a number above 0, not 0.")
        return Outage(_public_ip(given.get("public_ip"), state), now + after, seconds, mode)


def _number(given: Mapping[str, Any], name: str, default: float | None) -> float:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise BadOutage(f"An outage's {name} is seconds from 0 on, not {json.dumps(value)}.")
    return float(value)


def _public_ip(given: Any, state: State) -> str:
    """The id of the public IP that is named by its id, its name or its ipAddress."""
    if not isinstance(given, str) or not given:
        raise BadOutage(f"An outage's public_ip is the id of a public IP, not {json.dumps(given)}.")
    found = [
        str(body["id"])
        for body in state.of_type(_PUBLIC_IPS)
        if given.lower() in (body["id"].lower(), body["id"].rsplit("/", 1)[1].lower())
        or given == properties_of(body).get("ipAddress")
    ]
    if len(found) != 1:
        several = f"{len(found)} public IPs are" if found else "no public IP is"
        raise BadOutage(f"An outage's public_ip is the id of one public IP; {several} {json.dumps(given)}.")
    return found[0]
