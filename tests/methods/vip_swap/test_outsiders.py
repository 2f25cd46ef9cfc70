"""Somebody else writes a load balancer in the middle of a swap, at any request: both his change and the goal are there.

At any from the first write on: before it preflight looks, and may refuse what he made.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.methods.vip_swap.lab import (
    PRODUCTION_IP,
    PRODUCTION_LB,
    STAGING_IP,
    STAGING_LB,
    Lab,
    Laboratory,
    exchanged,
    same,
    without_server_set,
)
from vipswap_rest.emulator import Settings
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.recovery import Recovery
from vipswap_rest.methods.vip_swap.run import Options

LATENCY = Settings(latency="standard", time_scale=0.1, seed=3)
Body = dict[str, Any]
# What somebody does to a load balancer: whether ARM let it through.
Deed = Callable[[Laboratory, str], bool]


def tag(lab: Laboratory, id: str) -> bool:
    """Change the tags, which ARM does at once: no operation, and another etag."""
    return lab.outsider("PATCH", id, {"tags": {"outsider": "was here"}}) == 200


def add_rule(lab: Laboratory, id: str) -> bool:
    """Write it with one rule more, as it was just read: an operation, which supersedes the one that runs on it."""
    found = next(body for body in lab.resources() if body["id"] == id)
    body = without_server_set(found)
    another = copy.deepcopy(body["properties"]["loadBalancingRules"][0])
    another["name"], another["id"] = "outsiders", f"{id}/loadBalancingRules/outsiders"
    another["properties"] |= {"frontendPort": 8443, "backendPort": 8443}
    body["properties"]["loadBalancingRules"].append(another)
    status = lab.outsider("PUT", id, body, **{"if-match": found["etag"]})
    # A native swap's operation lets nobody else in.
    assert status in (200, 429)
    return status == 200


DEEDS: dict[str, Deed] = {"tags": tag, "a rule": add_rule}


def requests_of(opening: Opening) -> list[str]:
    lab = Lab(LATENCY)
    lab.swap(options=Options(opening=opening))
    return [method for method, _, _ in lab.wire.sent]


def turns(opening: Opening) -> range:
    """The numbers of the requests before which somebody writes."""
    methods = requests_of(opening)
    return range(methods.index("PUT") + 1, len(methods) + 1)


def before_request(lab: Lab, number: int, do: Callable[[], object]) -> None:
    """Do something just before the client's request of that number reaches ARM."""

    def before(request: requests.PreparedRequest) -> None:
        if lab.wire.count == number:
            do()

    lab.wire.before = before


def swapped_and(deed: Deed | None, id: str) -> dict[str, Body]:
    """What there is when the deed is done after a swap, in peace."""
    lab = Lab(LATENCY)
    lab.swap()
    if deed:
        assert deed(lab, id)
    lab.rest()
    return lab.snapshot()


@pytest.mark.parametrize("id", [PRODUCTION_LB, STAGING_LB], ids=["production's", "staging's"])
@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS.keys())
@pytest.mark.parametrize("opening", Opening)
def test_an_outsiders_change_and_the_goal_are_both_there(opening: Opening, deed: Deed, id: str) -> None:
    wanted = {True: swapped_and(deed, id), False: swapped_and(None, id)}
    superseded = 0
    for number in turns(opening):
        lab = Lab(LATENCY)
        done: list[bool] = []
        before_request(lab, number, lambda lab=lab, done=done: done.append(deed(lab, id)))

        report = lab.swap(options=Options(opening=opening))

        superseded += any(event["event"] == "operation_canceled" for event in lab.timeline())
        lab.rest()
        told = f"before request {number}: {report.outcome}, {report.error}"
        assert len(done) == 1, told
        assert report.exit_code == 0, told
        assert lab.unsettled() == [], told
        assert lab.snapshot() == wanted[done[0]], told
    # Some of them must have come while an operation of ours ran.
    assert superseded or deed is tag or opening is Opening.NATIVE


def undo(lab: Lab, held_by: str, wanted: str, times: int) -> list[int]:
    """Whenever a swap has put another address on this load balancer, put the `wanted` one back, so many times.

    Gives a list that holds, for each time, the number of the request before which it was done.
    """
    done: list[int] = []

    def before(request: requests.PreparedRequest) -> None:
        found = next(body for body in lab.resources() if body["id"] == held_by)
        settled = found["properties"]["provisioningState"] == "Succeeded"
        if len(done) < times and settled and not same(lab.holds(held_by), wanted):
            body = without_server_set(found)
            body["properties"]["frontendIPConfigurations"][0]["properties"]["publicIPAddress"] = {"id": wanted}
            if lab.outsider("PUT", held_by, body, **{"if-match": found["etag"]}) == 200:
                done.append(lab.wire.count)

    lab.wire.before = before
    return done


UNDOINGS = {
    "staging's way to the float": (Opening.FLOAT_ON_STAGING, STAGING_LB, STAGING_IP),
    "production's way to staging's address": (Opening.FLOAT_ON_STAGING, PRODUCTION_LB, PRODUCTION_IP),
    "production's way to the float": (Opening.FLOAT_ON_PRODUCTION, PRODUCTION_LB, PRODUCTION_IP),
}


@pytest.mark.parametrize(("opening", "load_balancer", "address"), UNDOINGS.values(), ids=UNDOINGS.keys())
def test_a_change_that_somebody_undoes_once_is_made_again(opening: Opening, load_balancer: str, address: str) -> None:
    lab = Lab(LATENCY)
    original = lab.snapshot()
    done = undo(lab, load_balancer, address, times=1)

    report = lab.swap(options=Options(opening=opening))

    assert len(done) == 1
    assert report.exit_code == 0, report.error
    assert lab.snapshot() == exchanged(original)


@pytest.mark.parametrize(("opening", "load_balancer", "address"), UNDOINGS.values(), ids=UNDOINGS.keys())
def test_who_undoes_a_change_twice_is_left_alone_and_told(opening: Opening, load_balancer: str, address: str) -> None:
    lab = Lab(LATENCY)
    original = lab.snapshot()
    done = undo(lab, load_balancer, address, times=20)

    report = lab.swap(options=Options(opening=opening))

    assert len(done) == 2
    assert report.exit_code == 6, report
    assert "undid" in str(report.error)
    lab.heal()
    lab.rest()
    assert lab.recover(Recovery.ROLLBACK).exit_code == 0
    assert lab.snapshot() == original
