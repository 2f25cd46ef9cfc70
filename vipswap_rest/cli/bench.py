"""The bench that an experiment swaps on: two load balancers of a subscription, with the probe on both addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.errors import Refused, VipswapError
from vipswap_rest.arm.ids import same_id
from vipswap_rest.cli.watched import watched_swap
from vipswap_rest.measure.experiment.design import Way
from vipswap_rest.measure.experiment.measured import CLEAN_SAMPLES
from vipswap_rest.measure.recording import Recording
from vipswap_rest.measure.watch import Watch
from vipswap_rest.methods.vip_swap import preflight
from vipswap_rest.methods.vip_swap.model import Observed, Pair
from vipswap_rest.methods.vip_swap.preflight import Finding
from vipswap_rest.methods.vip_swap.resolve import Resolved, Target, resolve
from vipswap_rest.methods.vip_swap.run import Options, Plan, plan
from vipswap_rest.switchover.driver import Guard
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


class ArmBench:
    """Swaps on ARM; a Bench of runner.py.

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
