"""The kinds of step that a run can take. Each method of switching has its own steps of these kinds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from vipswap_rest.arm.ids import ResourceId


class Direction(str, Enum):
    """Which way a switch goes: to the new arrangement, or back to the original one."""

    EXCHANGED = "exchanged"
    ORIGINAL = "original"

    @property
    def other(self) -> Direction:
        """The opposite direction."""
        return Direction.ORIGINAL if self is Direction.EXCHANGED else Direction.EXCHANGED


@dataclass(frozen=True, slots=True)
class Wait:
    """Observe again: an operation runs on this resource, or two reads disagree about it."""

    resource: ResourceId
    reason: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """There is no legal step from here; the reason is a sentence."""

    resource: ResourceId
    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """The goal is reached and no journal is left."""


@dataclass(frozen=True, slots=True)
class Write:
    """Change what is switched, or PUT it again as it is."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Create the journal, which is the lock."""


@dataclass(frozen=True, slots=True)
class Release:
    """Delete the journal: the goal is reached."""


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Write our run id into a journal that an earlier run left."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Mark a journal that cannot be deleted as done: it is no lock any more."""


Step = Wait | Refuse | Done | Write | Claim | Release | TakeOver | Keep
