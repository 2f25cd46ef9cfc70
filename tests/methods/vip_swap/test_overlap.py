"""Overlap: production's address is attached while the operation still runs that takes it off the other side."""

from __future__ import annotations

import json
import tempfile
from typing import Any

import pytest

from tests.methods.vip_swap.lab import (
    PRODUCTION_IP,
    PRODUCTION_LB,
    STAGING_IP,
    STAGING_LB,
    Crash,
    Lab,
    same,
)
from vipswap_rest.emulator import Settings
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.run import Options
from vipswap_rest.switchover.report import Report, Side

OVERLAP, FLOAT = Options(opening=Opening.OVERLAP), Options()
# Longer than what the polls of the two, and the requests, add to an operation (seconds).
A_POLL_S = 0.3


def lab_of(updates: list[float], **settings: Any) -> Lab:
    """A laboratory whose load balancers' updates take so many seconds, one after another."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"load_balancer_update": updates}, file)
        file.flush()
        return Lab(Settings(latency=file.name, **settings))


def outage_of(lab: Lab) -> float:
    """Production's outage as the emulator's timeline has it, in seconds."""
    times = {
        event["event"]: event["t"]
        for event in lab.timeline()
        if same(event["public_ip"], PRODUCTION_IP) and event["event"] in ("address_attached", "request_accepted")
    }
    accepted = min(
        event["t"]
        for event in lab.timeline()
        if event["event"] == "request_accepted" and same(event["public_ip"], PRODUCTION_IP)
    )
    return float(times["address_attached"] - accepted)


def puts(lab: Lab) -> list[str]:
    return [path.split("?")[0] for method, path, _ in lab.wire.sent if method == "PUT"]


def check_swapped(lab: Lab, report: Report) -> None:
    assert report.exit_code == 0, report.error
    assert lab.find(PRODUCTION_IP)["properties"]["ipConfiguration"]["id"].startswith(STAGING_LB)  # type: ignore[index]
    assert lab.find(STAGING_IP)["properties"]["ipConfiguration"]["id"].startswith(PRODUCTION_LB)  # type: ignore[index]
    assert not [one for one in lab.resources() if "vipswap-float" in one["id"]]


@pytest.mark.parametrize(("ends", "expected"), [("both", 20.0), ("attach", 8.0)])
def test_taken_the_outage_is_one_operation(ends: str, expected: float) -> None:
    lab = lab_of([5.0, 20.0, 8.0], release="accept", overlap_ends=ends)

    report = lab.swap(options=OVERLAP)

    check_swapped(lab, report)
    assert report.as_json()["overlap"] == {"taken": True, "refused_by": None}
    assert report.strategy == "overlap"
    assert expected - 1e-6 <= outage_of(lab) <= expected + A_POLL_S
    told = report.addresses[Side.PRODUCTION].control_plane_outage_s
    assert told is not None
    assert expected - 1e-6 <= told <= expected + A_POLL_S
    assert len(puts(lab)) == 4


@pytest.mark.parametrize(("refusal", "code"), [("in-use", "PublicIPAddressInUse"), ("retryable", "RetryableError")])
def test_refused_it_is_a_float_run_with_one_put_more(refusal: str, code: str) -> None:
    lab = lab_of([5.0, 20.0, 8.0], release="complete", release_refusal=refusal)
    plain = lab_of([5.0, 20.0, 8.0], release="complete")
    told = plain.swap(options=FLOAT)

    report = lab.swap(options=OVERLAP)

    check_swapped(lab, report)
    assert report.as_json()["overlap"] == {"taken": False, "refused_by": code}
    assert "overlap" not in told.as_json()
    assert outage_of(lab) == pytest.approx(outage_of(plain), rel=0.01)
    assert len(puts(lab)) == len(puts(plain)) + 1


def test_the_early_write_is_sent_once_whatever_becomes_of_it() -> None:
    lab = lab_of([5.0, 20.0, 8.0], release="complete")
    lab.strike({"match": {"method": "PUT", "path": STAGING_LB, "nth": 2}, "effect": {"status": 503, "body": {}}})

    report = lab.swap(options=OVERLAP)

    check_swapped(lab, report)
    assert report.as_json()["overlap"]["taken"] is False
    assert len([path for path in puts(lab) if same(path, STAGING_LB)]) == 3


def test_an_early_write_whose_answer_is_lost_is_not_sent_again_where_it_was_done() -> None:
    lab = lab_of([5.0, 20.0, 8.0], release="accept")
    lab.strike({"match": {"method": "PUT", "path": STAGING_LB, "nth": 2}, "effect": {"lose_response": True}})

    report = lab.swap(options=OVERLAP)

    check_swapped(lab, report)
    assert len([path for path in puts(lab) if same(path, STAGING_LB)]) == 2


@pytest.mark.parametrize("ends", ["both", "attach"])
@pytest.mark.parametrize("restore", [False, True], ids=["stays", "goes back"])
@pytest.mark.parametrize("failing", [PRODUCTION_LB, STAGING_LB])
@pytest.mark.parametrize("effect", ["fail_operation", "cancel_operation"])
def test_an_operation_that_fails_is_mended_forward(effect: str, failing: str, restore: bool, ends: str) -> None:
    """Of the two that overlap either may fail: both are waited for, and the goal is PUT."""
    lab = lab_of([5.0, 20.0, 8.0], release="accept", overlap_ends=ends)
    how: Any = True if effect == "cancel_operation" else {"code": "InternalServerError", "message": "It failed."}
    nth = 1 if failing == PRODUCTION_LB else 2
    lab.strike({"match": {"method": "PUT", "path": failing, "nth": nth}, "effect": {effect: how, "restore": restore}})

    report = lab.swap(options=OVERLAP)

    check_swapped(lab, report)
    assert report.as_json()["overlap"] == {"taken": True, "refused_by": None}


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_crash_at_any_request_is_recovered(done: bool) -> None:
    whole = Lab(Settings(latency="standard", time_scale=0.1, seed=3, release="accept"))
    whole.swap(options=OVERLAP)
    for number in range(1, whole.wire.count + 1):
        lab = Lab(Settings(latency="standard", time_scale=0.1, seed=3, release="accept"))
        lab.crash_at(number, done=done)
        with pytest.raises(Crash):
            lab.swap(options=OVERLAP)
        lab.heal()

        report = lab.recover()

        assert report.exit_code == 0, (number, report.error)
        assert not [one for one in lab.resources() if "vipswap-float" in one["id"]], number
        held = {
            str(lab.find(address)["properties"]["ipConfiguration"]["id"]).split("/frontend")[0].lower()  # type: ignore[index]
            for address in (PRODUCTION_IP, STAGING_IP)
        }
        assert held == {PRODUCTION_LB.lower(), STAGING_LB.lower()}, number
