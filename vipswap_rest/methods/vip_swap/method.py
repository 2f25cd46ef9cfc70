"""The VIP swap as a method: what the engine asks about two load balancers, two addresses and a float. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from vipswap_rest.arm.errors import NotFound, ProtocolError, Refused, VipswapError
from vipswap_rest.arm.http import Response
from vipswap_rest.arm.ids import ResourceId, covers
from vipswap_rest.arm.network import native_swap
from vipswap_rest.methods.vip_swap import journal as journals
from vipswap_rest.methods.vip_swap.command_lines import recover_command
from vipswap_rest.methods.vip_swap.float_store import FloatStore
from vipswap_rest.methods.vip_swap.foresight import predict, works_on
from vipswap_rest.methods.vip_swap.model import LoadBalancer, Observed, Pair, PublicIp
from vipswap_rest.methods.vip_swap.observe import reads, shown
from vipswap_rest.methods.vip_swap.reconcile import (
    Attach,
    Opening,
    Repair,
    RepairFloat,
    SwapNatively,
    attach_name,
    next_step,
    trial_name,
    wants_trial,
)
from vipswap_rest.methods.vip_swap.rules import first_tcp_port
from vipswap_rest.switchover.actions import Perform, Request
from vipswap_rest.switchover.outage import Ledger
from vipswap_rest.switchover.report import AddressReport, Side
from vipswap_rest.switchover.steps import Direction, Refuse, Step, Wait, Write

# The contract's words, as `--strategy` takes them.
STRATEGIES = ("float", "overlap", "native")
# What a native swap did shows in reads by then (seconds).
NATIVE_SHOWS_WITHIN_S = 10.0


def strategy_name(way: Opening) -> str:
    """The contract's word for the strategy: float, overlap or native."""
    return way.value if way in (Opening.NATIVE, Opening.OVERLAP) else "float"


@dataclass(frozen=True, slots=True)
class VipSwap:
    """The swap of one pair, with its journal in the float."""

    pair: Pair
    store: FloatStore

    @property
    def endpoints(self) -> tuple[ResourceId, ...]:
        """Both addresses, production's first."""
        return tuple(self.pair.originals[side] for side in Side)

    @property
    def resources(self) -> tuple[ResourceId, ...]:
        """Both load balancers."""
        return tuple(self.pair.load_balancer(side) for side in Side)

    def strategy(self, way: Opening) -> str:
        """The contract's word for it."""
        return strategy_name(way)

    def sends_early(self, way: Opening) -> bool:
        """What the strategy of that name does."""
        return way is Opening.OVERLAP

    def reads(self, gone: frozenset[ResourceId]) -> tuple[Request, ...]:
        """Both load balancers, both addresses, and the float."""
        return reads(self.pair, gone)

    def observe(self, answers: tuple[Response | None, ...]) -> Observed:
        """What those five answers show."""
        return shown(self.pair, answers)

    def refreshed(self, observed: Observed, answer: Response) -> Observed:
        """The observation with a load balancer as it was just read."""
        fresh = LoadBalancer.read(answer.body)
        for side in Side:
            if self.pair.load_balancer(side) == fresh.id:
                return observed.with_load_balancer(side, fresh)
        return observed

    def next_step(self, observed: Observed, direction: Direction, way: Opening) -> Step:
        """The one thing to do now."""
        return next_step(observed, self.pair, direction, way)

    def subject(self, step: Step) -> ResourceId:
        """The load balancer of a write, else what a step names, else the float."""
        if isinstance(step, (Attach, Repair)):
            return self.pair.load_balancer(step.side)
        return step.resource if isinstance(step, (Wait, Refuse)) else self.pair.float

    def perform(self, step: Step, observed: Observed) -> Perform:
        """The write of a step."""
        if isinstance(step, Attach):
            return self._put(step, attach_name(step, self.pair), step.side, observed, step.address)
        if isinstance(step, Repair):
            return self._put(step, f"repair_{step.side.value}", step.side, observed, None)
        if isinstance(step, SwapNatively):
            return self._native(step, observed)
        if isinstance(step, RepairFloat) and observed.float is not None:
            request = Request.put(self.pair.float, observed.float.body, etag=observed.float.etag)
            return Perform("the float is Failed or Canceled", step, "repair_float", self.pair.float, request)
        raise ProtocolError(f"There is no write for {step}.")

    def trial(self, step: Step, observed: Observed, written: frozenset[ResourceId]) -> Perform | None:
        """Production-first order opens the outage with its first write: staging's load balancer is tried before it."""
        if not isinstance(step, Attach) or self.pair.load_balancer(step.side.other) in written:
            return None
        if not wants_trial(step, observed, self.pair):
            return None
        return replace(self._put(step, trial_name(step), step.side.other, observed, None), trial=True)

    def predict(self, step: Step, observed: Observed) -> Observed:
        """The observation after a step that succeeded."""
        return predict(step, observed, self.pair)

    def works(self, observed: Observed, endpoint: ResourceId) -> bool:
        """Whether frontend, address and a Succeeded load balancer all agree."""
        return any(works_on(observed, self.pair, endpoint, side) for side in Side)

    def detached(self, observed: Observed, endpoint: ResourceId) -> bool:
        """Whether no ipConfiguration holds an address."""
        known = observed.public_ip(endpoint)
        return known is not None and known.holder is None

    def shows_within_s(self, step: Step) -> float:
        """No etag guards a native swap."""
        return NATIVE_SHOWS_WITHIN_S if isinstance(step, SwapNatively) else 0.0

    def touched(self, first: Observed, observed: Observed) -> frozenset[ResourceId]:
        """The load balancers that do not hold what they held at first."""
        sides = (side for side in Side if observed.held(self.pair, side) != first.held(self.pair, side))
        return frozenset(self.pair.load_balancer(side) for side in sides)

    def fall_back(self, step: Step, observed: Observed, way: Opening) -> Opening | None:
        """The float does what the native swap does not, where both load balancers are as they were."""
        untouched = all(works_on(observed, self.pair, self.pair.originals[side], side) for side in Side)
        return Opening.FLOAT_ON_STAGING if isinstance(step, SwapNatively) and untouched else None

    def arrived(self, observed: Observed, direction: Direction) -> bool:
        """Whether production's address is on the side where this direction wants it."""
        production, goal = self.pair.originals[Side.PRODUCTION], self.pair.goal(direction)
        return any(goal[side] == production == observed.held(self.pair, side) for side in Side)

    def unopened(self, observed: Observed) -> bool:
        """Whether production's address is where it was at first."""
        return observed.held(self.pair, Side.PRODUCTION) == self.pair.originals[Side.PRODUCTION]

    def missing(self, error: VipswapError) -> frozenset[ResourceId]:
        """The load balancers that an error says are not there."""
        if not isinstance(error, NotFound):
            return frozenset()
        return frozenset(id for id in self.resources if covers(str(id), str(error.resource).partition("?")[0]))

    def health(self, observed: Observed) -> tuple[str, int]:
        """Production's address, and the port of the first TCP rule of staging's frontend, which serves it later."""
        return observed.addresses[Side.PRODUCTION].address or "", port_of(observed, self.pair)

    def where(self, observed: Observed) -> str:
        """One sentence on which load balancer holds which address."""
        return where(observed, self.pair)

    @property
    def recover_command(self) -> str:
        """The command line that finishes or undoes it."""
        return recover_command(self.pair)

    def repair_hint(self, error: VipswapError) -> str | None:
        """Where the float's tags cannot be trusted, no recovery can help."""
        damaged = isinstance(error, Refused) and error.code in ("FloatDamaged", "FloatForeign")
        return journals.BY_HAND if damaged else None

    def further(self, first: Observed, last: Observed) -> Mapping[str, Any]:
        """Nothing."""
        return {}

    def addresses(self, first: Observed, last: Observed, ledger: Ledger) -> Mapping[Side, AddressReport]:
        """Where each address was, is, and how long the control plane had it off."""
        return {
            side: AddressReport(
                id := self.pair.originals[side],
                last.addresses[side].address,
                _frontend_of(first, self.pair, id),
                _frontend_of(last, self.pair, id),
                ledger.span(id),
                sent=ledger.moved_at.get(id),
            )
            for side in Side
        }

    def _put(self, step: Write, name: str, side: Side, observed: Observed, address: ResourceId | None) -> Perform:
        """PUT a side's load balancer, with another address if one is given, if it still is as it was read."""
        frontend, before = self.pair.frontends[side], observed.held(self.pair, side)
        load_balancer, kept = observed.load_balancers[side], address or before
        if kept is None or load_balancer.frontend(frontend) is None:
            raise NotFound("NotFound", "The frontend lost its address.", status=404, resource=str(frontend))
        body = load_balancer.with_address(frontend, kept).body
        moves = before is not None and kept != before
        return Perform(
            f"{load_balancer.id.name} takes {kept.name}" if moves else f"{load_balancer.id.name} is PUT as it is",
            step,
            name,
            load_balancer.id,
            Request.put(load_balancer.id, body, etag=load_balancer.etag),
            releases=(before,) if moves and before is not None else (),
            attaches=(kept,) if moves else (),
            writes=frozenset({self.pair.load_balancer(side)}),
            opens=moves and before == self.pair.originals[Side.PRODUCTION],
        )

    def _native(self, step: SwapNatively, observed: Observed) -> Perform:
        balancer = observed.load_balancers[Side.PRODUCTION]
        addresses = {self.pair.frontends[side]: address for side, address in step.addresses}
        path, body = native_swap(balancer.id.subscription, str(balancer.body.get("location") or ""), addresses)
        held = (observed.held(self.pair, side) for side, _ in step.addresses)
        return Perform(
            "ARM exchanges both addresses",
            step,
            "native_swap",
            self.pair.load_balancer(Side.PRODUCTION),
            Request("POST", path, body),
            releases=tuple(id for id in held if id is not None),
            attaches=tuple(address for _, address in step.addresses),
            writes=frozenset(self.resources),
            opens=True,
        )


def port_of(observed: Observed, pair: Pair) -> int:
    """The frontend port of the first TCP rule of staging's frontend: it serves staging's address now, production's
    later. Raises Refused if there is none."""
    frontend = pair.frontends[Side.STAGING]
    port = first_tcp_port(observed.load_balancers[Side.STAGING].body, frontend.key)
    if port is None:
        raise Refused(
            "NothingToAsk",
            f"Staging's frontend {frontend} has no TCP rule, so its health cannot be asked.",
            hint="Omit --health.",
        )
    return port


def where(observed: Observed, pair: Pair) -> str:
    """One sentence on which load balancer holds which address."""
    parts = []
    for side in Side:
        name, held = pair.load_balancer(side).name, observed.held(pair, side)
        load_balancer = observed.load_balancers[side]
        if load_balancer.exists:
            parts.append(f"{name} holds {_named(observed, held)} and is {load_balancer.state.capitalize()}")
        else:
            parts.append(f"{name} does not exist")
    production: PublicIp = observed.addresses[Side.PRODUCTION]
    if production.holder is None:
        parts.append(f"production's address {production.address or production.id.name} is on NO load balancer")
    parts.append(f"the float {pair.float.name} {'exists' if observed.float else 'does not exist'}")
    return "; ".join(parts) + "."


def _named(observed: Observed, address: ResourceId | None) -> str:
    if address is None:
        return "no public IP address"
    known = observed.public_ip(address)
    return f"{address.name} ({known.address})" if known and known.address else address.name


def _frontend_of(observed: Observed, pair: Pair, address: ResourceId) -> ResourceId | None:
    return next((pair.frontends[side] for side in Side if observed.held(pair, side) == address), None)
