"""The benches that an experiment switches on: two load balancers, or the rules of one resource, with the probe beside
them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Protocol

from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.errors import Refused, VipswapError
from vipswap_rest.arm.ids import same_id
from vipswap_rest.cli.watched import candidate, watched, watched_swap
from vipswap_rest.measure.experiment.design import Way, family_of
from vipswap_rest.measure.experiment.measured import CLEAN_SAMPLES
from vipswap_rest.measure.recording import Recording
from vipswap_rest.measure.watch import Watch
from vipswap_rest.methods.vip_swap import preflight
from vipswap_rest.methods.vip_swap.model import Observed, Pair
from vipswap_rest.methods.vip_swap.preflight import Finding
from vipswap_rest.methods.vip_swap.resolve import Resolved, Target, resolve
from vipswap_rest.methods.vip_swap.run import Options, Plan, plan
from vipswap_rest.switchover import findings
from vipswap_rest.switchover.driver import Guard
from vipswap_rest.switchover.flip import Manner, Planned, flip
from vipswap_rest.switchover.report import Notice, Side
from vipswap_rest.switchover.resource import SUCCEEDED

# How long load balancers may take to be Succeeded before a swap, and addresses to answer before and after it; seconds.
SETTLE_S, ANSWERS_S = 300.0, 120.0
# More than are needed, as one that was under way at the edge does not count.
_CLEAN_ASKED = CLEAN_SAMPLES + 2


@dataclass(frozen=True, slots=True)
class Home:
    """How the addresses lay before the first swap: the ids of load balancers, frontends and addresses, production's
    first."""

    load_balancers: tuple[str, str]
    frontends: tuple[str, str]
    public_ips: tuple[str, str]

    @classmethod
    def of(cls, pair: Pair) -> Home:
        """As a pair lies now."""
        production, staging = Side
        return cls(
            (str(pair.load_balancer(production)), str(pair.load_balancer(staging))),
            (str(pair.frontends[production]), str(pair.frontends[staging])),
            (str(pair.originals[production]), str(pair.originals[staging])),
        )

    def way(self, pair: Pair) -> Way:
        """The way that the next swap of a pair of these frontends goes. Raises Refused if other addresses are there."""
        here = [str(pair.originals[side]) for side in Side]
        home = list(self.public_ips)
        if _same_ids(here, home):
            return Way.THERE
        if _same_ids(here, home[::-1]):
            return Way.BACK
        raise Refused(
            "OtherAddresses",
            f"The load balancers hold {' and '.join(here)}; the experiment began with {' and '.join(home)}.",
            hint="Put these back, or begin a new experiment in another directory.",
        )

    def target(self, way: Way) -> Target:
        """What a swap of that way is asked for: production is where production's address lies before it."""
        there = Target(*self.load_balancers, frontends=self.frontends)
        back = Target(*self.load_balancers[::-1], frontends=self.frontends[::-1])
        return there if way is Way.THERE else back


class OneBench(Protocol):
    """A bench of one family; see runner.Bench."""

    def settle(self) -> Way:
        """Wait until it is settled; the way that the next switch goes."""

    def check(self, strategy: str, way: Way) -> list[Finding]:
        """What preflight finds. Raises Refused if it forbids the switch; nothing is written."""

    def swap(self, strategy: str, way: Way) -> Recording:
        """Switch once."""


class Benches:
    """A Bench of runner.py, of one bench a family."""

    def __init__(self, benches: Mapping[str, OneBench]) -> None:
        self._benches = benches

    def settle(self) -> dict[str, Way]:
        """Wait until all are settled; the way that the next switch of each goes."""
        return {family: bench.settle() for family, bench in self._benches.items()}

    def check(self, strategies: Sequence[str], ways: Mapping[str, Way]) -> list[Finding]:
        """What preflight finds, by every strategy."""
        families = ((one, family_of(one)) for one in strategies)
        return [found for one, family in families for found in self._benches[family].check(one, ways[family])]

    def swap(self, strategy: str, way: Way) -> Recording:
        """Switch once."""
        return self._benches[family_of(strategy)].swap(strategy, way)


class FlipBench:
    """The rules of one load balancer or gateway, between two pools.

    plan: what a flip to a pool would do, and whether it asks for the pool's health.
    """

    def __init__(
        self,
        client: ArmClient,
        pools: tuple[str, str],
        plan: Callable[[str, bool], Planned],
        manner: Manner,
        *,
        interval_s: float,
        guard: Guard,
        note: Callable[[str], None],
        beside: Callable[[Watch], AbstractContextManager[None]] = lambda watch: nullcontext(),
    ) -> None:
        self._client, self._pools, self._plan, self._manner = client, pools, plan, manner
        self._interval_s, self._guard, self._note, self._beside = interval_s, guard, note, beside

    def settle(self) -> Way:
        """The way that the next flip goes. Raises Refused if the rules lead to another pool, or to both."""
        home, away = self._pools
        for pool, way in ((home, Way.THERE), (away, Way.BACK)):
            if self._plan(pool, False).reached:
                return way
        raise Refused(
            "OtherPools",
            f"The rules do not lead to {self._pools[0]}, and not to {self._pools[1]}.",
            hint="Flip them to one of the two first: vipswap flip.",
        )

    def check(self, strategy: str, way: Way) -> list[Finding]:
        """What preflight finds. Raises Refused if it forbids the flip; nothing is written."""
        return self._planned(way).findings

    def swap(self, strategy: str, way: Way) -> Recording:
        """Flip once. Raises what watched does."""
        planned = self._planned(way)
        first = planned.method.reached[0]
        _, recording = watched(
            self._client,
            candidate(Side.PRODUCTION, first.address, first.port, None),
            lambda emit: flip(self._client, planned, self._manner, emit=emit, guard=self._guard),
            emit=_discard,
            sides=[Side.PRODUCTION],
            interval_s=self._interval_s,
            note=self._note,
            clean=_CLEAN_ASKED,
            settle_s=ANSWERS_S,
            another=True,
            beside=self._beside,
        )
        return recording

    def _planned(self, way: Way) -> Planned:
        planned = self._plan(self._pools[1] if way is Way.THERE else self._pools[0], True)
        findings.refuse(planned.findings)
        return planned


class ArmBench:
    """Swaps of two addresses on ARM; the bench of one family.

    options: how to swap, by strategy. interval_s: between two samples, seconds. beside: what goes on beside each swap.
    """

    def __init__(
        self,
        client: ArmClient,
        home: Home,
        options: Mapping[str, Options],
        *,
        interval_s: float,
        probe_url: str | None,
        guard: Guard,
        note: Callable[[str], None],
        beside: Callable[[Watch], AbstractContextManager[None]] = lambda watch: nullcontext(),
    ) -> None:
        self._client, self._home = client, home
        self._options = {name: replace(one, settle_s=SETTLE_S) for name, one in options.items()}
        self._interval_s, self._probe_url = interval_s, probe_url
        self._guard, self._note, self._beside = guard, note, beside

    def settle(self) -> Way:
        """Wait until both load balancers have Succeeded; the way that the next swap goes.

        Raises what resolve does; Refused if other addresses are there; VipswapError if they do not settle.
        """
        found = resolve(self._client, self._home.target(Way.THERE), settle_s=SETTLE_S, note=self._note)
        _check_settled(found)
        return self._home.way(found.pair)

    def check(self, strategy: str, way: Way) -> list[Finding]:
        """What preflight finds. Raises Refused if it forbids the swap; nothing is written."""
        return self._plan(strategy, way).findings

    def swap(self, strategy: str, way: Way) -> Recording:
        """Swap once. Raises what watched_swap does."""
        _, recording = watched_swap(
            self._client,
            self._plan(strategy, way),
            emit=_discard,
            guard=self._guard,
            interval_s=self._interval_s,
            # It names production's address, which is the same wherever it lies.
            probe_url=self._probe_url,
            note=self._note,
            clean=_CLEAN_ASKED,
            settle_s=ANSWERS_S,
            beside=self._beside,
        )
        return recording

    def _plan(self, strategy: str, way: Way) -> Plan:
        planned = plan(self._client, self._home.target(way), self._options[strategy], note=self._note)
        if self._home.way(planned.journal.pair if way is Way.THERE else _exchanged(planned.journal.pair)) is not way:
            raise VipswapError("The addresses were swapped by somebody else in the meantime.")
        preflight.refuse(planned.findings)
        return planned


def _same_ids(some: list[str], others: list[str]) -> bool:
    return len(some) == len(others) and all(map(same_id, some, others))


def _exchanged(pair: Pair) -> Pair:
    """The same pair with its sides exchanged."""
    return Pair(
        {side: pair.frontends[side.other] for side in Side},
        {side: pair.originals[side.other] for side in Side},
        pair.float,
    )


def _check_settled(found: Resolved) -> None:
    observed: Observed = found.observed
    for side in Side:
        load_balancer = observed.load_balancers[side]
        if load_balancer.state != SUCCEEDED:
            raise VipswapError(
                f"{load_balancer.id} is {load_balancer.state.capitalize()}, not Succeeded, so nothing can be measured.",
                hint="Check it (az network lb show) and repair it; then run the same line again to continue.",
            )


def _discard(event: Notice) -> None:
    """The steps of a trial are in its recording; none is printed."""
