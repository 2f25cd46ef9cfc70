"""Overlapping pairs: two swaps that have one load balancer in common, and at most one of them goes on."""

from __future__ import annotations

import copy
import json
import os
from collections import Counter
from typing import Any

import pytest
import requests

from tests.methods.vip_swap.interleaving import Interleaving
from tests.methods.vip_swap.lab import NETWORK, PRODUCTION_LB, STAGING_IP, STAGING_LB, Crash, Lab
from vipswap_rest.arm.errors import LockHeld, VipswapError
from vipswap_rest.emulator import Settings
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.resolve import Target
from vipswap_rest.methods.vip_swap.run import Options

THIRD_LB, THIRD_IP = f"{NETWORK}/loadBalancers/vipswap3lb", f"{NETWORK}/publicIPAddresses/vipswap3pip"
# Both orders of both floats' names: which of two runs gives way hangs on them.
OVERLAPPING = [("vipswap2lb", "vipswap3lb"), ("vipswap3lb", "vipswap2lb"), ("vipswap1lb", "vipswap3lb")]
OURS = ("vipswap1lb", "vipswap2lb")
SEEDS = 150 if os.environ.get("VIPSWAP_LONG") == "1" else 12
LATENCY = Settings(latency="standard", time_scale=0.1, seed=3)


def with_third(settings: Settings = LATENCY) -> Lab:
    """A lab with a third load balancer like staging's."""
    lab = Lab(settings)
    for id in (STAGING_LB, STAGING_IP):
        text = json.dumps(lab.get(id)).replace("vipswap2", "vipswap3")
        body: dict[str, Any] = json.loads(text)
        if id == STAGING_IP:
            body["properties"]["ipAddress"] = "127.9.9.9"
        lab.put(body)
    return lab


def other_swap(lab: Lab, pair: tuple[str, str], opening: Opening = Opening.FLOAT_ON_STAGING) -> int:
    """The exit code of a swap of another pair."""
    try:
        return lab.swap(Target(*pair, "vipswap"), Options(opening=opening)).exit_code
    except VipswapError as error:
        return error.exit_code


@pytest.mark.parametrize("pair", OVERLAPPING, ids=" and ".join)
def test_a_swap_that_an_overlapping_one_left_unfinished_is_not_begun_over(pair: tuple[str, str]) -> None:
    lab = with_third()
    lab.crash_at(30, done=True)
    with pytest.raises(Crash):
        lab.swap()
    lab.heal()
    assert lab.floats()
    before = lab.writes()

    with pytest.raises(LockHeld) as told:
        lab.swap(Target(*pair, "vipswap"))

    assert lab.writes() == before
    assert "vipswap1lb and vipswap2lb" in told.value.message
    assert "vipswap recover" in (told.value.hint or "")
    assert lab.recover().exit_code == 0
    assert other_swap(lab, pair) == 0


def test_a_float_that_is_tagged_done_keeps_no_overlapping_swap_away() -> None:
    lab = with_third()
    lab.core.faults.add(
        {"match": {"method": "DELETE", "every": True}, "effect": {"status": 403}, "times": 100},
    )
    assert lab.swap().exit_code == 0
    assert lab.floats()
    lab.core.faults.clear()

    assert other_swap(lab, OVERLAPPING[0]) == 0


@pytest.mark.parametrize("opening", Opening)
@pytest.mark.parametrize("pair", OVERLAPPING, ids=" and ".join)
def test_of_two_overlapping_swaps_at_once_exactly_one_goes_on(pair: tuple[str, str], opening: Opening) -> None:
    seen: Counter[tuple[int, ...]] = Counter()
    for seed in range(SEEDS):
        lab = with_third()
        original = lab.snapshot()
        codes: dict[str, int] = {}

        Interleaving(lab, seed).run(
            lambda lab=lab, codes=codes: codes.update(ours=other_swap(lab, OURS, opening)),
            lambda lab=lab, codes=codes, pair=pair: codes.update(other=other_swap(lab, pair, opening)),
        )

        told = f"seed {seed}: {codes}"
        assert lab.floats() == [], told
        assert lab.unsettled() == [], told
        winners = [one for name, one in (("ours", OURS), ("other", pair)) if codes[name] == 0]
        # One that comes when the other is over swaps too, or finds other addresses than it was shown.
        assert set(codes.values()) <= {0, 1, 4, 7}, told
        assert winners, told
        if len(winners) == 1:
            assert lab.snapshot() == exchanged_pair(original, winners[0]), told
        seen[tuple(sorted(codes.values()))] += 1
    assert seen[(0, 7)] > SEEDS / 2, seen


def exchanged_pair(snapshot: dict[str, dict[str, Any]], pair: tuple[str, str]) -> dict[str, dict[str, Any]]:
    expected = copy.deepcopy(snapshot)
    first, second = (f"{NETWORK}/loadBalancers/{name}" for name in pair)
    addresses = [NETWORK + "/publicIPAddresses/" + name.replace("lb", "pip") for name in pair]
    for load_balancer, address in ((first, addresses[1]), (second, addresses[0])):
        frontend = expected[load_balancer]["properties"]["frontendIPConfigurations"][0]
        frontend["properties"]["publicIPAddress"]["id"] = address
        expected[address]["properties"]["ipConfiguration"]["id"] = frontend["id"]
    return expected


def test_a_login_that_may_not_list_the_subscription_finds_the_rival_in_the_groups() -> None:
    lab = with_third()
    lab.crash_at(30, done=True)
    with pytest.raises(Crash):
        lab.swap()
    lab.heal()
    subscription = "/subscriptions/[0-9a-f-]+/providers/Microsoft.Network/publicIPAddresses"
    lab.core.faults.add({"match": {"path": subscription, "every": True}, "effect": {"status": 403}, "times": 100})

    with pytest.raises(LockHeld):
        lab.swap(Target(*OVERLAPPING[0], "vipswap"))


def test_a_login_that_may_list_nothing_swaps_all_the_same_and_says_what_it_does_not_know() -> None:
    lab = with_third()
    path = "/publicIPAddresses(\\?|$)"
    lab.core.faults.add({"match": {"path": path, "every": True}, "effect": {"status": 403}, "times": 100})

    report = lab.swap()

    assert report.exit_code == 0
    assert any("overlapping" in str(event) for event in lab.events)
    assert lab.holds(PRODUCTION_LB) == STAGING_IP


def fresh_float(pair: tuple[str, str]) -> dict[str, Any]:
    """The float of a pair's swap, as it is when it has been created and nothing more has happened."""
    lab, seen = with_third(), []

    def look(request: requests.PreparedRequest) -> None:
        for id in lab.floats():
            properties = lab.get(id)["properties"]
            if properties["provisioningState"] == "Succeeded" and "ipConfiguration" not in properties:
                seen.append(lab.get(id))

    lab.wire.before = look
    assert other_swap(lab, pair) == 0
    return seen[0]


@pytest.mark.parametrize("pair", OVERLAPPING, ids=" and ".join)
def test_a_rival_is_looked_for_also_where_the_answer_to_our_floats_creation_was_lost(pair: tuple[str, str]) -> None:
    lab, rival = with_third(), fresh_float(pair)
    original = lab.snapshot()

    def begin(request: requests.PreparedRequest) -> None:
        if request.method == "PUT" and not lab.floats():
            lab.put(rival)

    lab.wire.before = begin
    lab.strike({"match": {"method": "PUT"}, "effect": {"lose_response": True}})

    code = other_swap(lab, OURS)

    assert code == 7
    assert lab.floats() == [rival["id"]]
    assert {id: body for id, body in lab.snapshot().items() if id != rival["id"]} == original
