"""Stale reads: for a while a GET, and a list, shows a resource as it was."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass

from ..messages import Json


@dataclass(frozen=True)
class _Memory:
    """One resource as it was, None if it was not there, until a time of the clock."""

    until: float
    body: Json | None


class StaleReads:
    """What is still to be shown as it was."""

    def __init__(self) -> None:
        self._memories: dict[str, _Memory] = {}

    def remember(self, id: str, body: Json | None, until: float) -> None:
        """Show the resource as it is now until then, whatever becomes of it."""
        self._memories[id.lower()] = _Memory(until, copy.deepcopy(body))

    def read(self, id: str, present: Json | None, now: float) -> Json | None:
        """The resource as a read shows it; `present` is what it is."""
        memory = self._memories.get(id.lower())
        return present if memory is None or memory.until <= now else memory.body

    def listed(self, present: Iterable[Json], prefix: str, now: float) -> list[Json]:
        """A list's items as a read shows it; `prefix` is what the ids of its items begin with."""
        found = {body["id"].lower(): body for body in present}
        for id, memory in self._memories.items():
            if memory.until > now and id.startswith(prefix.lower()):
                found.pop(id, None)
                if memory.body is not None:
                    found[id] = memory.body
        return list(found.values())
