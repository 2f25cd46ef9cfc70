"""A switch of one write, from what was found of it to the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.errors import ProtocolError, Refused
from vipswap_rest.arm.ids import ResourceId, same_id
from vipswap_rest.arm.words import same_word
from vipswap_rest.switchover import run
from vipswap_rest.switchover.driver import Guard, Record, Unguarded
from vipswap_rest.switchover.findings import Finding, error, warning
from vipswap_rest.switchover.health import VERIFY_TIMEOUT_S, Check
from vipswap_rest.switchover.one_write import Move, OneWrite, Reached, Shown
from vipswap_rest.switchover.report import Emit, Report
from vipswap_rest.switchover.settling import SETTLE_S, Settling
from vipswap_rest.switchover.state import Limits, begin
from vipswap_rest.switchover.steps import Direction
from vipswap_rest.switchover.survey import Unknown

# What makes any flip impossible; what refuses it unless it is ignored; and what is shown. A method has its own besides.
STRUCTURAL = {
    "PoolUnknown": "the pool does not exist",
    "NoRule": "there is no rule to flip",
    "SeveralPools": "a rule to flip leads to no pool, or to several",
}
ERRORS = {
    "PoolEmpty": "the pool has no member",
    "NoHealthyBackend": "nothing in the pool is healthy",
}
WARNINGS = {
    "ColdPool": "no rule probes the pool: it may not answer until its first probe",
    "BackendsUnhealthy": "some backends of the pool are down",
    "HealthUnknown": "the health of the pool could not be read",
}


@dataclass(frozen=True, slots=True)
class Manner:
    """How a flip is done. `check`: what production's address must answer afterwards, within `verify_s` seconds (None:
    it is not asked)."""

    limits: Limits = field(default_factory=Limits)
    rollback: bool = True
    check: Check | None = None
    verify_s: float = VERIFY_TIMEOUT_S
    polite: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """What a flip would do: its method, what was observed, and the findings. `idle`: what reaches the new pool now, if
    anything does."""

    method: OneWrite
    observed: Shown
    findings: list[Finding]
    idle: Reached | None = None

    @property
    def reached(self) -> bool:
        """Whether nothing is left to do."""
        return self.method.arrived(self.observed, Direction.EXCHANGED)

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The write, as the plan's JSON has it."""
        if self.reached:
            return []
        method, moves = self.method, self.method.moves
        rules = [{"rule": move.place, "from": move.before, "to": move.after} for move in moves]
        return [{"name": "flip", "resource": str(method.resource), "public_ip": None, "rules": rules}]


def at_rest(
    client: ArmClient,
    id: ResourceId,
    read: Callable[[ArmClient, ResourceId], Mapping[str, Any]],
    note: Callable[[str], None],
) -> Shown:
    """A resource as soon as nobody else's operation runs on it, or after half a minute."""

    def shown() -> Shown:
        found = Shown.read(read(client, id))
        if found.id != id:
            raise ProtocolError(f"GET {id}: ARM answered with another resource, {found.id}.")
        return found

    settling = Settling(client.clock, SETTLE_S, note, client.clock.monotonic())
    return settling.settled(shown, lambda found: (found.id.name, found.state))


def flip(
    client: ArmClient,
    planned: Planned,
    manner: Manner,
    *,
    emit: Emit = lambda notice: None,
    guard: Guard | None = None,
    record: Record = lambda event: None,
) -> Report:
    """Flip as planned and report how it ended; every error of the run is in the report, none is raised.

    Raises Refused if the new pool can be asked, and does not answer. Nothing has been changed then.
    """
    method, observed = planned.method, planned.observed
    if manner.check and not planned.reached:
        _gate(manner.check, planned.idle)
    policy = run.policy(
        client,
        limits=manner.limits,
        rollback=manner.rollback,
        verify_s=manner.verify_s if manner.check else None,
        polite=manner.polite,
    )
    return run.carry_out(
        client,
        method.NAME,
        method.setup(observed, policy),
        partial(begin, method, observed, policy, Direction.EXCHANGED, None),
        check=manner.check,
        emit=emit,
        guard=guard or Unguarded(),
        record=record,
    )


def _gate(check: Check, idle: Reached | None) -> None:
    if idle is None or idle.address is None or idle.port is None:
        return
    silent = check.answers(idle.address, idle.port)
    if silent is not None:
        raise Refused(
            "StagingUnhealthy",
            f"The new pool does not answer through {idle.place}, so the rules do not go over to it: {silent}.",
            hint="See that it serves there first, or omit --health.",
        )


def changes(planned: Planned) -> list[tuple[str, str, str]]:
    """What is written: each place, and the names of its old and new target."""
    moves = (move for move in planned.method.moves if not same_id(move.before, move.after))
    return [(move.place, _name(move.before), _name(move.after)) for move in moves]


def health_findings(pool: str, health: tuple[int, int] | Unknown | None) -> Iterator[Finding]:
    """What the health of a pool, by its name, has to say: how many of its backends are up and down; None: nothing
    probes it."""
    if health is None:
        told = f"Nothing probes the pool {pool}, so it may not answer until its first probe: it is cold."
        yield warning("ColdPool", told, "Keep it warm with a rule on another port that uses the same probe.")
    elif isinstance(health, Unknown):
        told = f"Whether the pool {pool} is healthy is not known: {health.why}"
        yield warning("HealthUnknown", told, "See for yourself that it answers.")
    elif not health[0]:
        told = f"Nothing in the pool {pool} is healthy ({health[1]} down)."
        yield error("NoHealthyBackend", told, "Start what serves there, or repair its probe.")
    elif health[1]:
        told = f"{health[1]} of {sum(health)} backends of the pool {pool} are down."
        yield warning("BackendsUnhealthy", told, "See that the rest can bear production's load.")


def lines_of(flag: str, resource: ResourceId, moves: Sequence[Move], to: str) -> tuple[str, tuple[str, ...]]:
    """The command line that leads the moved references to the pool of that name, and those that lead them back.

    What trades pools with another one is named after it, and so does it again.
    """
    whole = f"vipswap flip --subscription {resource.subscription} {flag} {resource}"

    def line(name: str, some: Sequence[Move]) -> str:
        return " ".join([whole, f"--to {name}", *(f"--rule {move.place}" for move in some), "--yes"])

    goals = [move for move in moves if same_word(_name(move.after), to) and not same_id(move.before, move.after)]
    back = {
        name: [move for move in goals if _name(move.before) == name]
        + [move for move in moves if move not in goals and _name(move.after) == name]
        for name in dict.fromkeys(_name(move.before) for move in goals)
    }
    return line(to, moves), tuple(line(name, some) for name, some in back.items())


def _name(id: str) -> str:
    return id.rpartition("/")[2]
