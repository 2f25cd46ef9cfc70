"""Random schedules: faults, crashes, late requests, stale reads, outsiders and recoveries, in any order.

The same machine runs in process, on a virtual clock, and over real sockets, on a fast one. VIPSWAP_SCHEDULES=N plays N
schedules of the first, VIPSWAP_LONG=1 a hundred of the second. The schedules are the same in every run; VIPSWAP_SEED=n
plays others, the same ones for the same n, and a failure prints how to play it again.
"""

from __future__ import annotations

import copy
import os
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, note, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.methods.vip_swap.lab import (
    PRODUCTION_IP,
    PRODUCTION_LB,
    STAGING_IP,
    STAGING_LB,
    Crash,
    Lab,
    Laboratory,
    exchanged,
)
from tests.methods.vip_swap.socket_lab import SocketLab
from vipswap_rest.arm.errors import VipswapError
from vipswap_rest.emulator import Settings
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.recovery import Recovery
from vipswap_rest.methods.vip_swap.run import Options
from vipswap_rest.switchover.state import Limits

EFFECTS = st.sampled_from(
    [
        {"status": 401},
        {"status": 403},
        {"status": 409},
        {"status": 412},
        {"status": 429},
        {"status": 503},
        {"lose_response": True},
        {"reset": True},
        {"hang_s": 60},
        {"hang_s": 60, "before": True, "zombie": True},
        {"fail_operation": {"code": "InternalServerError", "message": "An error occurred."}},
        {"fail_operation": {"code": "InternalServerError", "message": "An error occurred.", "restore": True}},
        {"cancel_operation": True},
        {"delay_operation_s": 30},
        {"drop_operation": True},
        {"stale_reads_s": 5},
    ]
)


SEED = os.environ.get("VIPSWAP_SEED")
LONG = os.environ.get("VIPSWAP_LONG") == "1"
SCHEDULES = int(os.environ.get("VIPSWAP_SCHEDULES", "100"))


class Schedules(RuleBasedStateMachine):
    """Anything may go wrong at any time; when nothing does any more, one recovery puts everything right."""

    lab: Laboratory | None = None
    # Of a swap and of a recovery within the schedule.
    limits = Limits()

    def build(self, settings: Settings) -> Laboratory:
        """The laboratory that the schedule is played in."""
        return Lab(settings)

    @initialize(
        release=st.sampled_from(["complete", "accept"]),
        native=st.sampled_from(["accept", "reject"]),
        if_none_match=st.sampled_from(["honour", "ignore"]),
        seed=st.integers(0, 1000),
    )
    def begin(self, release: str, native: str, if_none_match: str, seed: int) -> None:
        self.lab = self.build(
            Settings(
                latency="standard",
                time_scale=0.2,
                release=release,
                native=native,
                if_none_match=if_none_match,
                seed=seed,
            )
        )
        self.original = self.lab.snapshot()
        self.tags: dict[str, Any] = {}

    @rule(nth=st.integers(1, 40), effect=EFFECTS, times=st.sampled_from([1, 2, 5]))
    def something_will_fail(self, nth: int, effect: dict[str, Any], times: int) -> None:
        self.lab.strike({"match": {"nth": nth}, "effect": effect, "times": times})

    @rule(number=st.integers(1, 40), done=st.booleans())
    def the_client_will_die(self, number: int, done: bool) -> None:
        self.lab.crash_at(number, done=done)

    @rule(opening=st.sampled_from(Opening))
    def swap(self, opening: Opening) -> None:
        self._attempt(lambda: self.lab.swap(options=Options(opening=opening, limits=self.limits)))

    @rule(
        opening=st.sampled_from(Opening), nth=st.integers(8, 60), effect=EFFECTS, times=st.sampled_from([1, 2, 5, 1000])
    )
    def a_swap_goes_wrong(self, opening: Opening, nth: int, effect: dict[str, Any], times: int) -> None:
        self.something_will_fail(nth, effect, times)
        self.swap(opening)
        self.lab.no_faults()

    @rule(opening=st.sampled_from(Opening), number=st.integers(8, 60), done=st.booleans())
    def a_swap_dies(self, opening: Opening, number: int, done: bool) -> None:
        self.the_client_will_die(number, done)
        self.swap(opening)

    @rule(way=st.sampled_from(Recovery))
    def recover(self, way: Recovery) -> None:
        self._attempt(lambda: self.lab.recover(way, Options(limits=self.limits)))

    @rule(late=st.integers(1, 20))
    def a_lost_request_will_land(self, late: int) -> None:
        lost, self.lab.wire.lost = self.lab.wire.lost, None
        if lost is not None:
            self.lab.wire.late.append((self.lab.wire.count + late, lost))

    @rule(id=st.sampled_from([PRODUCTION_LB, STAGING_LB]), value=st.integers(0, 9))
    def an_outsider_tags(self, id: str, value: int) -> None:
        self.tags[id] = {"outsider": str(value)}
        assert self.lab.outsider("PATCH", id, {"tags": self.tags[id]}) == 200

    @rule(seconds=st.sampled_from([1, 30]))
    def time_passes(self, seconds: int) -> None:
        self.lab.clock.sleep(seconds)

    def _attempt(self, what: Any) -> None:
        try:
            what()
        except VipswapError:
            return
        except Crash:
            self.lab.wire.dies_before = self.lab.wire.dies_after = 0

    @invariant()
    def nothing_foreign_is_lost(self) -> None:
        if self.lab is None:
            return
        present = {body["id"] for body in self.lab.resources()}
        assert set(self.original) <= present

    def teardown(self) -> None:
        if self.lab is None:
            return
        note(f"the same schedules again: VIPSWAP_SEED={SEED or ''} VIPSWAP_SCHEDULES={SCHEDULES}")
        try:
            self.everything_ends_well(self.lab)
        finally:
            self.lab.close()

    def everything_ends_well(self, lab: Laboratory) -> None:
        """When nothing goes wrong any more, one recovery is enough."""
        lab.heal()
        # What was on its way has arrived long since, and operations have ended.
        lab.rest()
        for _, request in lab.wire.late:
            lab.wire.land(request)
        lab.wire.late.clear()
        lab.rest()

        report = lab.recover()

        assert report.exit_code == 0, report
        assert lab.unsettled() == []
        now = lab.snapshot()
        left = {id: body for id, body in now.items() if id not in self.original}
        assert all(body["tags"]["vipswap-state"] == "done" for body in left.values()), left
        expected = copy.deepcopy(self.original)
        for id, tags in self.tags.items():
            expected[id]["tags"] = tags
        assert {id: body for id, body in now.items() if id not in left} in (expected, exchanged(expected))
        assert {lab.holds(PRODUCTION_LB), lab.holds(STAGING_LB)} == {PRODUCTION_IP, STAGING_IP}


class SchedulesOverSockets(Schedules):
    """The same, with a server's sockets between the client and the emulator."""

    # Half a minute of the fast clock, that a fault which never ends costs no more.
    limits = Limits(operation_s=30.0, patience_s=30.0)

    def build(self, settings: Settings) -> Laboratory:
        return SocketLab(settings)


Machine = TypeVar("Machine", bound=RuleBasedStateMachine)


def seeded(machine: type[Machine]) -> type[Machine]:
    """The machine with the schedules of VIPSWAP_SEED, if it is set."""
    return seed(int(SEED))(machine) if SEED else machine


TestSchedules = seeded(Schedules).TestCase
TestSchedules.settings = settings(
    max_examples=SCHEDULES,
    stateful_step_count=12,
    deadline=None,
    derandomize=not SEED,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
TestSchedulesOverSockets = seeded(SchedulesOverSockets).TestCase
TestSchedulesOverSockets.settings = settings(
    TestSchedules.settings,
    max_examples=100 if LONG else 12,
    # What sockets do differs a little from run to run; so a failure is told as it came, and not made smaller.
    phases=[Phase.explicit, Phase.generate],
)
