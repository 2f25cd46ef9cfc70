"""A swap that ARM throttles finishes, waits as long as it is told to, and never hammers.

The suite leaves out what is alike; VIPSWAP_LONG=1 leaves out nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from tests.methods.vip_swap.lab import PRODUCTION_IP, ROUND_TRIP_S, STAGING_LB, Lab, exchanged, same
from tests.methods.vip_swap.moments import LONG, moments
from vipswap_rest.emulator import Request, Settings
from vipswap_rest.emulator.settings import SUBSCRIPTION
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.run import Options
from vipswap_rest.switchover.decide import AHEAD_LIMIT_S
from vipswap_rest.switchover.streak import SHORTEST_S

LATENCY = Settings(latency="blog") if LONG else Settings(latency="standard", time_scale=0.1, seed=3)
# The same request in any one second: the polls of an outage's beginning; and all requests together, one after another.
SAME_IN_A_SECOND, ALL_IN_A_SECOND = 11, 60
ROUNDING = 1e-6


@dataclass(frozen=True)
class Refusal:
    """A 429, and the seconds for which the same request must not come again; `off_s` is what counts for a write while
    production is off.
    """

    effect: dict[str, Any]
    wait_s: float
    off_s: float = 1.0


def _retryable(code: str, message: str) -> dict[str, Any]:
    details = [{"code": code, "message": message}]
    return {"error": {"code": "RetryableError", "message": "A retryable error occurred.", "details": details}}


# Bodies as recorded, the last one as users reported it. Where ARM names no wait, the client's own is at least a second.
REFUSALS = {
    "Retry-After": Refusal({"status": 429, "headers": {"Retry-After": "7"}}, 7.0),
    "no wait": Refusal(
        {
            "status": 429,
            "body": _retryable(
                "ReferencedResourceNotProvisioned",
                "Cannot proceed with operation because resource x used by resource y is not in Succeeded state.",
            ),
        },
        1.0,
        SHORTEST_S,
    ),
    "a wait in the message": Refusal(
        {
            "status": 429,
            "body": _retryable(
                "RetryableErrorDueToAnotherOperation",
                "Operation PutLoadBalancerOperation (x) is updating resource y. The call can be retried in 14 seconds.",
            ),
        },
        14.0,
        SHORTEST_S,
    ),
    "no pause": Refusal({"status": 429, "headers": {"Retry-After": "0"}}, 0.1),
    "an empty bucket": Refusal(
        {
            "status": 429,
            "body": {
                "error": {
                    "code": "SubscriptionRequestsThrottled",
                    "message": "Number of 'read' requests for subscription 'x' actor 'y' exceeded. Please try again "
                    "after '3' seconds after additional tokens are available.",
                }
            },
        },
        3.0,
    ),
}


def ours(lab: Lab) -> list[dict[str, Any]]:
    """The swap's own requests, as they arrived."""
    return [entry for entry in lab.core.requests if str(entry["user_agent"]).startswith("vipswap_rest/")]


def is_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return (one["method"], one["path"]) == (other["method"], other["path"])


def sent_again(lab: Lab) -> Iterator[tuple[dict[str, Any], float]]:
    """Each refused request, and the seconds until the same was sent again; one that never was is left out."""
    requests_ = ours(lab)
    for index, refused in enumerate(requests_):
        later = next((entry for entry in requests_[index + 1 :] if is_same(entry, refused)), None)
        if refused["status"] == 429 and later is not None:
            yield refused, later["t"] - refused["t"]


def outage(lab: Lab) -> tuple[float, float]:
    """From the acceptance of the write that releases production's address to its attachment's success."""
    events = [event for event in lab.timeline() if same(event["public_ip"], PRODUCTION_IP)]
    begun = next(event["t"] for event in events if event["event"] == "request_accepted")
    return begun, next(event["t"] for event in events if event["event"] == "operation_succeeded")


def most_in_a_second(times: list[float]) -> int:
    return max(sum(start <= time < start + 1 for time in times) for start in times)


def check_finished(lab: Lab, original: dict[str, dict[str, Any]], opening: Opening, told: str) -> None:
    report = lab.swap(options=Options(opening=opening))

    assert report.exit_code == 0, f"{told}: {report.error}"
    assert lab.snapshot() == exchanged(original), told
    assert (lab.floats(), lab.unsettled()) == ([], []), told


def check_polite(lab: Lab, wait_s: float, told: str, off_s: float = 1.0, *, early: bool = False) -> None:
    """early: the first write of staging's load balancer in the outage waits for the operation that runs, and no longer
    or shorter than that."""
    begun, ended = outage(lab)
    for refused, seconds in sent_again(lab):
        if early and refused["method"] == "PUT" and begun <= refused["t"] <= ended and STAGING_LB in refused["path"]:
            early = False
            continue
        if refused["method"] != "GET" and begun <= refused["t"] <= ended:
            # What ends the outage waits for no hint of ARM's, unless with --polite.
            assert seconds >= off_s - ROUNDING, f"{told}: {refused['path']} after {seconds} s"
            assert seconds <= 1 + 3 * ROUND_TRIP_S, f"{told}: {refused['path']} after {seconds} s"
            continue
        # Inside the outage nothing waits for what is only read ahead: where ARM asks for longer than there is time, it
        # is given up; what is read later is read then. The operation may end meanwhile.
        # Where ARM names no wait, ours doubles, and several are longer than there is time.
        several = sum(entry["status"] == 429 for entry in ours(lab)) > 1
        waits_long = wait_s > AHEAD_LIMIT_S or (several and wait_s == 1.0)
        ahead = refused["method"] == "GET" and "/operation" not in refused["path"] and waits_long
        least = 0.0 if ahead and begun <= refused["t"] <= ended + AHEAD_LIMIT_S else wait_s
        assert seconds >= least - ROUNDING, f"{told}: {refused['method']} {refused['path']} after {seconds} s"
    by_request = defaultdict(list)
    for entry in ours(lab):
        by_request[entry["method"], entry["path"]].append(entry["t"])
    for request, times in by_request.items():
        assert most_in_a_second(times) <= SAME_IN_A_SECOND, f"{told}: {request}"
    assert most_in_a_second([entry["t"] for entry in ours(lab)]) <= ALL_IN_A_SECOND, told


def cells() -> Iterator[Any]:
    """Opening, refusal, times in a row: all of them with VIPSWAP_LONG=1; else two of the openings once each."""
    for opening in Opening:
        for name in REFUSALS:
            for times in (1, 3):
                if LONG or opening is Opening.FLOAT_ON_STAGING or (name, times) == ("a wait in the message", 1):
                    yield pytest.param(opening, name, times, id=f"{opening.value}-{name}-{times}")


@pytest.mark.parametrize(("opening", "name", "times"), list(cells()))
def test_a_swap_that_is_throttled_at_any_request_finishes_and_waits_as_it_is_told(
    opening: Opening, name: str, times: int
) -> None:
    unhindered = Lab(LATENCY)
    unhindered.swap(options=Options(opening=opening))
    for number in moments([entry["method"] for entry in ours(unhindered)], times):
        lab, told = Lab(LATENCY), f"at request {number}"
        original = lab.snapshot()
        lab.core.faults.add({"match": {"nth": number}, "effect": REFUSALS[name].effect, "times": times})

        check_finished(lab, original, opening, told)

        refused = [entry for entry in ours(lab) if entry["status"] == 429]
        assert len(refused) == times, told
        assert refused[0] in [entry for entry, _ in sent_again(lab)], told
        early = opening is Opening.OVERLAP
        check_polite(lab, REFUSALS[name].wait_s, told, REFUSALS[name].off_s, early=early)


@pytest.mark.parametrize("opening", Opening)
def test_a_swap_of_the_articles_length_fits_into_arms_buckets(opening: Opening) -> None:
    lab = Lab(Settings(latency="blog", throttle=True))
    original = lab.snapshot()

    check_finished(lab, original, opening, "")

    assert [entry for entry in ours(lab) if entry["status"] == 429] == []
    check_polite(lab, 0.0, "")


# --- buckets that others empty ----------------------------------------------------------------------------------------


def empty(lab: Lab, method: str) -> None:
    """Somebody else with the same login takes every token there is for such a call.

    Calls for the subscription itself, so that Microsoft.Network's own limit is not reached.
    """
    target = f"/subscriptions/{SUBSCRIPTION}?api-version=2022-12-01"
    headers = {"authorization": "Bearer any", "host": "127.0.0.1:9"}
    while lab.core.handle(Request(method, target, headers)).status != 429:
        pass


def empty_before_each_request(lab: Lab) -> None:
    """Each request finds its bucket empty, but for the second try of one that did."""

    def before(request: requests.PreparedRequest) -> None:
        sent = ours(lab)
        if not sent or sent[-1]["status"] != 429:
            empty(lab, request.method or "")

    lab.wire.before = before


def throttled_lab() -> Lab:
    return Lab(Settings(latency="standard", time_scale=0.1, seed=3, throttle=True))


@pytest.mark.parametrize("opening", Opening)
def test_a_swap_on_empty_buckets_finishes(opening: Opening) -> None:
    lab = throttled_lab()
    original = lab.snapshot()
    for method in ("GET", "PUT", "DELETE"):
        empty(lab, method)

    check_finished(lab, original, opening, "")

    assert ours(lab)[0]["status"] == 429
    check_polite(lab, 1.0, "")


@pytest.mark.parametrize("opening", Opening)
def test_a_swap_whose_every_request_finds_an_empty_bucket_finishes(opening: Opening) -> None:
    lab = throttled_lab()
    original = lab.snapshot()
    empty_before_each_request(lab)

    check_finished(lab, original, opening, "")

    statuses = [entry["status"] for entry in ours(lab)]
    assert statuses[0::2] == [429] * (len(statuses) // 2)
    assert 429 not in statuses[1::2]
    check_polite(lab, 1.0, "", early=opening is Opening.OVERLAP)


def test_a_plan_whose_every_request_finds_an_empty_bucket_finds_what_it_would_and_that_few_writes_are_left() -> None:
    unhindered, lab = throttled_lab(), throttled_lab()
    expected = unhindered.plan()
    empty_before_each_request(lab)

    found = lab.plan()

    assert [entry["status"] for entry in ours(lab)][0::2] == [429] * len(ours(unhindered))
    more = [finding for finding in found.findings if finding not in expected.findings]
    assert [finding.code for finding in more] == ["WriteBudgetLow"]
    assert [finding for finding in found.findings if finding not in more] == expected.findings
    assert found.steps == expected.steps
