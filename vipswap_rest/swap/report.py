"""What a run tells: events while it goes on, and a report at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from vipswap_rest.clock import rfc3339
from vipswap_rest.errors import VipswapError
from vipswap_rest.ids import ResourceId
from vipswap_rest.swap.model import Side


class Outcome(str, Enum):
    """How a run ended; with the exit code it stands for (a refusal's or failure's is the error's own)."""

    SWAPPED = "swapped"
    NOTHING_TO_DO = "nothing_to_do"
    ROLLED_BACK = "rolled_back"
    REFUSED = "refused"
    FAILED = "failed"
    NEEDS_RECOVERY = "needs_recovery"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class StepBegan:
    """A step's first request is about to be sent. `opens_outage`: it takes production's address off its frontend."""

    name: str
    resource: ResourceId
    opens_outage: bool = False


@dataclass(frozen=True, slots=True)
class StepAccepted:
    """ARM accepted the step's write, and it is being waited for."""

    name: str
    resource: ResourceId
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A step that is over: how long it took in seconds, and in how many polls."""

    name: str
    resource: ResourceId
    started_at: datetime
    seconds: float
    polls: int
    request_id: str | None
    succeeded: bool = True

    def as_json(self) -> dict[str, Any]:
        """One item of the output's `steps`."""
        return {
            "name": self.name,
            "resource": str(self.resource),
            "started_at": rfc3339(self.started_at),
            "seconds": round(self.seconds, 3),
            "polls": self.polls,
            "request_id": self.request_id,
        }


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step is over, well or badly."""

    record: StepRecord


@dataclass(frozen=True, slots=True)
class Noted:
    """Something the user should know that is no step."""

    message: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """What the engine will do next, and where to: a step of reconcile, and `exchanged` or `original`."""

    step: str
    resource: str
    direction: str


Event = StepBegan | StepAccepted | StepEnded | Decided | Noted
Emit = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class AddressReport:
    """What became of one address: where it was and is, and its control-plane outage in seconds.

    The outage runs from sending the write that took the address off its frontend until Succeeded was read for the one
    that attached it; None if this run did not see both.
    """

    public_ip: ResourceId
    address: str | None
    before: ResourceId | None
    after: ResourceId | None
    control_plane_outage_s: float | None

    def as_json(self) -> dict[str, Any]:
        """The output's `production` or `staging` object."""
        return {
            "public_ip": str(self.public_ip),
            "address": self.address,
            "from": str(self.before) if self.before else None,
            "to": str(self.after) if self.after else None,
            "control_plane_outage_s": None
            if self.control_plane_outage_s is None
            else round(self.control_plane_outage_s, 3),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """One run, told at its end. `exit_code` is the contract's."""

    outcome: Outcome
    strategy: str
    exit_code: int
    addresses: dict[Side, AddressReport] = field(default_factory=dict)
    steps: tuple[StepRecord, ...] = ()
    total_s: float = 0.0
    error: VipswapError | None = None
    next_command: str | None = None

    @property
    def changed(self) -> bool:
        """Whether ARM may have been told to change anything."""
        return bool(self.steps)

    def as_json(self) -> dict[str, Any]:
        """The object that `-o json` prints."""
        return {
            "outcome": self.outcome.value,
            "strategy": self.strategy,
            **{side.value: self.addresses[side].as_json() if side in self.addresses else None for side in Side},
            "steps": [step.as_json() for step in self.steps],
            "total_s": round(self.total_s, 3),
            "error": self.error.as_json() if self.error else None,
        }
