"""Every fault at every request of a flip, the process's death at every request, and others who write meanwhile."""

from __future__ import annotations

import copy
import os
from typing import Any

import pytest

from tests.methods.pool_flip.flips import BLUE, GREEN, LB, ended, flipped, lab, planned, pools, turned
from tests.methods.vip_swap.fault_table import EFFECTS, TIMES
from tests.methods.vip_swap.lab import Crash, Lab
from vipswap_rest.switchover.flip import Manner
from vipswap_rest.switchover.report import Outcome
from vipswap_rest.switchover.state import Limits

LONG = os.environ.get("VIPSWAP_LONG") == "1"
TRADED = {"http": GREEN, "http-staging": BLUE}
# A run that nothing lets move ends after that.
QUICK = Manner(limits=Limits(operation_s=60.0, patience_s=60.0))


def requests_of_a_flip() -> list[str]:
    world = lab()
    assert flipped(world, "green", "http").exit_code == 0
    return [method for method, _, _ in world.wire.sent]


def check(world: Lab, original: dict[str, Any], code: int, told: str) -> None:
    """The exit code is true, and the same line again ends in the goal."""
    world.heal()
    world.rest()
    goal, now = turned(original, TRADED), world.snapshot()
    if code in (1, 4, 5):
        assert now == original or world.unsettled(), told
    if code == 0:
        assert (now, world.unsettled()) == (goal, []), told
    assert now in (original, goal), told
    again, said = ended(world, "green", "http")
    assert again == 0, (told, said)
    assert (world.snapshot(), world.unsettled()) == (goal, []), (told, said)


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("often", TIMES)
def test_whatever_goes_wrong_the_code_is_true_and_the_same_line_finishes(effect: str, often: str) -> None:
    count = len(requests_of_a_flip())
    numbers = range(1, count + 1) if LONG else [1, count - 2, count - 1]
    for number in numbers:
        world = lab()
        original = world.snapshot()
        for nth in range(number, number + min(TIMES[often], 40)):
            world.strike({"match": {"nth": nth}, "effect": EFFECTS[effect]})
        code, told = ended(world, "green", "http", manner=QUICK)
        assert code in (0, 1, 3, 4, 5, 6), told
        check(world, original, code, f"{effect} {often} at {number}: {code} {told}")


@pytest.mark.parametrize("fate", ["before", "after", "zombie"])
def test_whenever_it_dies_the_same_line_finishes(fate: str) -> None:
    for number in range(1, len(requests_of_a_flip()) + 1):
        world = lab()
        original = world.snapshot()
        world.crash_at(number, done=fate == "after")
        with pytest.raises(Crash):
            flipped(world, "green", "http")
        if fate == "zombie" and world.wire.lost is not None:
            world.wire.late.append((world.wire.count + 3, world.wire.lost))
        world.wire.dies_before = world.wire.dies_after = 0
        check(world, original, -1, f"{fate} {number}")


def test_somebody_elses_tag_in_between_is_kept() -> None:
    world = lab()
    made = planned(world, "green", "http")
    world.outsider("PUT", LB, {**world.get(LB), "tags": {"by": "somebody"}})
    world.rest()

    assert ended(world, "green", "http")[0] == 0
    assert world.get(LB)["tags"] == {"by": "somebody"}
    assert not made.reached


def test_who_undoes_it_twice_is_told() -> None:
    world = lab()
    original = copy.deepcopy(world.get(LB))
    seen = {"puts": 0}

    def undo(request: Any) -> None:
        """After each flip that has ended, somebody puts the old body again."""
        if request.method == "GET" and pools(world)["http"] == "green" and seen["puts"] < 9:
            world.rest()
            seen["puts"] += 1
            world.outsider("PUT", LB, {key: value for key, value in original.items() if key != "etag"})

    world.wire.before = undo
    code, told = ended(world, "green", "http")

    assert (code, seen["puts"]) == (6, 2), told
    assert "Somebody else undid" in told


def test_a_rule_that_somebody_leads_elsewhere_ends_it() -> None:
    world = lab()
    body = copy.deepcopy(world.get(LB))
    red = f"{LB}/backendAddressPools/red"
    body["properties"]["backendAddressPools"].append({"name": "red", "id": red})

    def lead(request: Any) -> None:
        if request.method == "PUT":
            world.wire.before = lambda request: None
            for rule in body["properties"]["loadBalancingRules"][:1]:
                rule["properties"] |= {"backendAddressPool": {"id": red}, "backendAddressPools": [{"id": red}]}
            assert world.outsider("PUT", LB, body) == 200
            world.clock.sleep(30)

    world.wire.before = lead
    code, told = ended(world, "green", "http")

    assert code == 1, told
    assert "neither the old one nor the new one" in told, told
    assert pools(world) == {"http": "red", "http-staging": "green"}


class Silent:
    """A health check that these ports do not pass."""

    def __init__(self, *ports: int) -> None:
        self.ports, self.asked = ports, list[int]()

    def answers(self, address: str, port: int) -> str | None:
        self.asked.append(port)
        return "silence" if port in self.ports else None


def test_a_new_pool_that_does_not_answer_where_it_is_reached_now_is_refused() -> None:
    world, check = lab(), Silent(9001)
    code, told = ended(world, "green", "http", manner=Manner(check=check))

    assert (code, check.asked) == (4, [9001])
    assert "does not answer through http-staging" in told
    assert world.writes() == []


def test_production_that_does_not_answer_goes_back_or_is_kept() -> None:
    world = lab()
    original = world.snapshot()

    report = flipped(world, "green", "http", manner=Manner(check=Silent(9000), verify_s=5.0))
    assert (report.outcome, report.exit_code) == (Outcome.ROLLED_BACK, 5)
    assert world.snapshot() == original

    report = flipped(world, "green", "http", manner=Manner(check=Silent(9000), verify_s=5.0, rollback=False))
    assert (report.outcome, report.exit_code) == (Outcome.SWAPPED, 8)
    assert world.snapshot() == turned(original, TRADED)
