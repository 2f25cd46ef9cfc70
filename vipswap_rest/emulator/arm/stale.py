"""Stale reads: for a while a GET, and a list, shows a resource as it was."""

from __future__ import annotations

import copy
from collections.abc import Iterable

from ..messages import Json


class StaleReads:
    """What is still to be shown as it was."""

    def __init__(self) -> None:
        # By id in lower case: until which time of the clock, and how; None if it was not there.
        self._memories: dict[str, tuple[float, Json | None]] = {}

    def remember(self, id: str, body: Json | None, until: float) -> None:
        """Show the resource as it is now until then, whatever becomes of it."""
        self._memories[id.lower()] = until, copy.deepcopy(body)

    def read(self, id: str, present: Json | None, now: float) -> Json | None:
        """The resource as a read shows it; `present` is what it is."""
        until, body = self._memories.get(id.lower(), (now, None))
        return body if until > now else present

    def listed(self, present: Iterable[Json], prefix: str, now: float) -> list[Json]:
        """A list's items as a read shows it; `prefix` is what the ids of its items begin with."""
        found = {body["id"].lower(): body for body in present}
        for id, (until, body) in self._memories.items():
            if until > now and id.startswith(prefix.lower()):
                found.pop(id, None)
                if body is not None:
                    found[id] = body
        return list(found.values())
