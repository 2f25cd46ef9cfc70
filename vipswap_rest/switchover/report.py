"""What a run tells: events while it goes on, and a report at its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from vipswap_rest.arm.clock import rfc3339
from vipswap_rest.arm.errors import Interrupted, VipswapError
from vipswap_rest.arm.ids import ResourceId


class Side(str, Enum):
    """The two sides of a switch, named for what they were before it."""

    PRODUCTION = "production"
    STAGING = "staging"

    @property
    def other(self) -> Side:
        """The opposite side."""
        return Side.STAGING if self is Side.PRODUCTION else Side.PRODUCTION


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
    """A step's first request is about to be sent. `opens_outage`: it would take production's address off."""

    name: str
    resource: ResourceId
    opens_outage: bool = False


@dataclass(frozen=True, slots=True)
class StepAccepted:
    """ARM accepted the step's write, and it is being waited for. `opens_outage`: production's address is off now."""

    name: str
    resource: ResourceId
    request_id: str | None = None
    opens_outage: bool = False


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


Notice = StepBegan | StepAccepted | StepEnded | Noted
Emit = Callable[[Notice], None]


@dataclass(frozen=True, slots=True)
class Observation:
    """What a probe saw of one address during the run.

    outages: `{lower_s, estimate_s, upper_s}` each, null where it was open at an end. undetected_upper_s: the longest
    outage that could have gone unseen. answered_at: when the address had answered again at the latest, after the last
    of the outages, in monotonic seconds; None if there was none, or it has not. takes_effect: from sending the write
    that moved the address to the first answer of its new side, `{lower, upper}`; mixed: how long both sides answered;
    seconds; None where the answers do not tell.
    """

    url: str
    outages: tuple[Mapping[str, float | None], ...]
    undetected_upper_s: float
    answered_at: float | None
    takes_effect: Mapping[str, float] | None = None
    mixed: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class AddressReport:
    """What became of one address: where it was and is, and its outage as the control plane and as a probe saw it.

    The control plane's outage runs from sending the write that took the address off its frontend until Succeeded was
    read for the one that attached it, in monotonic seconds; None if this run did not see both. `sent`: when the first
    write was sent that moved it, likewise.
    """

    public_ip: ResourceId
    address: str | None
    before: ResourceId | None
    after: ResourceId | None
    control_plane: tuple[float, float] | None
    observed: Observation | None = None
    sent: float | None = None

    @property
    def control_plane_outage_s(self) -> float | None:
        """The length of the control plane's outage in seconds."""
        return None if self.control_plane is None else self.control_plane[1] - self.control_plane[0]

    @property
    def lag_s(self) -> float | None:
        """How long after the control plane's outage the address answered again, at the latest; below 0: before."""
        if self.control_plane is None or self.observed is None or self.observed.answered_at is None:
            return None
        return self.observed.answered_at - self.control_plane[1]

    def as_json(self) -> dict[str, Any]:
        """The output's `production` or `staging` object; what a probe saw is in it where there was one."""
        outage = self.control_plane_outage_s
        told: dict[str, Any] = {
            "public_ip": str(self.public_ip),
            "address": self.address,
            "from": str(self.before) if self.before else None,
            "to": str(self.after) if self.after else None,
            "control_plane_outage_s": None if outage is None else round(outage, 3),
        }
        if self.observed is not None:
            told["observed_outages"] = [dict(item) for item in self.observed.outages]
            told["undetected_upper_s"] = self.observed.undetected_upper_s
            told["takes_effect_s"] = dict(self.observed.takes_effect) if self.observed.takes_effect else None
            told["mixed_s"] = dict(self.observed.mixed) if self.observed.mixed else None
        return told


@dataclass(frozen=True, slots=True)
class Report:
    """One run, told at its end. `exit_code` is the contract's; `further` what the method has to add, as JSON."""

    outcome: Outcome
    strategy: str
    exit_code: int
    addresses: Mapping[Side, AddressReport] = field(default_factory=dict)
    steps: tuple[StepRecord, ...] = ()
    total_s: float = 0.0
    error: VipswapError | None = None
    next_command: str | None = None
    further: Mapping[str, Any] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether anything may be other than before: of a run that failed, a float that stays."""
        if self.outcome is Outcome.FAILED:
            done = {step.name for step in self.steps if step.succeeded}
            return "create_float" in done and "delete_float" not in done
        return bool(self.steps)

    def as_json(self) -> dict[str, Any]:
        """The object that `-o json` prints."""
        return {
            "outcome": self.outcome.value,
            "strategy": self.strategy,
            **{side.value: self.addresses[side].as_json() if side in self.addresses else None for side in Side},
            **self.further,
            "steps": [step.as_json() for step in self.steps],
            "total_s": round(self.total_s, 3),
            "error": self.error.as_json() if self.error else None,
        }


def not_begun(error: VipswapError, strategy: str) -> Report:
    """The report of a run that an error ended before it wrote anything."""
    outcome = {1: Outcome.FAILED, 130: Outcome.INTERRUPTED}.get(error.exit_code, Outcome.REFUSED)
    if isinstance(error, Interrupted):
        error = Interrupted(f"{error.message} Nothing was changed.")
    return Report(outcome, strategy, error.exit_code, error=error)
