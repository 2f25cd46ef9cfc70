"""--throttle: ARM's buckets, counted truly, and the 429 of an empty one.

https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
"""

from __future__ import annotations

import base64
import itertools
import json
import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emulator.stage import FLOAT, IP1, LB1, NATIVE, SUB, VERSION, Stage, error, said
from tests.emulator.wire import PATIENCE_S, Connection, once, process
from vipswap_rest.emulator import Answer, Settings
from vipswap_rest.emulator.arm.throttle import Buckets, Interval, Purpose, TokenBucket, principal

often = settings(max_examples=300, deadline=None, derandomize=True, database=None)
# Many calls at once, calls in a row, and pauses long enough to fill any bucket.
GAPS = st.lists(st.one_of(st.just(0.0), st.floats(0, 2), st.floats(0, 1000)), max_size=60)
CAPACITIES, RATES = st.integers(1, 20), st.floats(0.01, 50)
ROUNDING = 1e-6
GUID = "12345678-1234-1234-1234-123456789012"


# --- a bucket ---------------------------------------------------------------------------------------------------------


@often
@given(capacity=CAPACITIES, rate=RATES, gaps=GAPS)
def test_a_bucket_never_grants_more_than_it_holds_and_what_flowed_in(
    capacity: int, rate: float, gaps: list[float]
) -> None:
    bucket, granted = TokenBucket(capacity, rate), []
    for now in itertools.accumulate(gaps, initial=1000.0):
        if bucket.wait(now) == 0:
            bucket.take(now)
            granted.append(now)

    for first, last in itertools.combinations_with_replacement(range(len(granted)), 2):
        assert last - first + 1 <= capacity + rate * (granted[last] - granted[first]) + ROUNDING


@often
@given(capacity=CAPACITIES, rate=RATES, gaps=GAPS)
def test_what_a_bucket_says_is_left_is_what_it_grants(capacity: int, rate: float, gaps: list[float]) -> None:
    bucket, now = TokenBucket(capacity, rate), 1000.0
    for gap in gaps:
        now += gap
        if bucket.wait(now) == 0:
            bucket.take(now)

    left, granted = bucket.left(now), 0
    while bucket.wait(now) == 0:
        bucket.take(now)
        granted += 1

    assert granted == left <= capacity


@often
@given(capacity=CAPACITIES, rate=RATES)
def test_an_empty_bucket_has_a_token_after_the_wait_that_it_tells_and_not_before(capacity: int, rate: float) -> None:
    bucket, now = TokenBucket(capacity, rate), 1000.0
    for _ in range(capacity):
        bucket.take(now)
    wait = bucket.wait(now)

    assert wait == pytest.approx(1 / rate)
    assert bucket.wait(now + 0.99 * wait) > 0
    assert bucket.wait(now + 1.01 * wait) == 0
    assert bucket.left(now + 1.01 * capacity * wait) == capacity == bucket.left(now + 1000 * capacity * wait)


@often
@given(most=st.integers(1, 20), seconds=st.floats(0.1, 300), gaps=GAPS)
def test_an_interval_grants_so_many_calls_and_the_next_one_as_many_again(
    most: int, seconds: float, gaps: list[float]
) -> None:
    interval, begun, count = Interval(most, seconds), -math.inf, 0
    for now in itertools.accumulate(gaps, initial=1000.0):
        if now >= begun + seconds:
            begun, count = now, 0
        assert interval.left(now) == most - count
        if count < most:
            assert interval.wait(now) == 0
            interval.take(now)
            count += 1
        else:
            assert interval.wait(now) == pytest.approx(begun + seconds - now)


# --- all of them ------------------------------------------------------------------------------------------------------


def granted(buckets: Buckets, purpose: Purpose, now: float = 0.0) -> int:
    """How many such calls are taken at once; far more are asked."""
    return sum(buckets.draw(purpose, now) is None for _ in range(11_000))


@pytest.mark.parametrize(("kind", "most", "rate"), [("reads", 250, 25), ("writes", 200, 10), ("deletes", 200, 10)])
@pytest.mark.parametrize("subscription", [SUB, None])
def test_a_principals_bucket_is_as_large_and_as_quick_as_documented(
    subscription: str | None, kind: str, most: int, rate: int
) -> None:
    buckets, purpose = Buckets(), Purpose("somebody", kind, subscription)

    assert granted(buckets, purpose) == most
    assert granted(buckets, purpose, 2.0) == 2 * rate
    assert granted(buckets, purpose, 1000.0) == most


def test_principals_subscriptions_and_kinds_of_calls_have_buckets_of_their_own() -> None:
    buckets = Buckets()
    for purpose in (
        Purpose("somebody", "reads", "one"),
        Purpose("another", "reads", "one"),
        Purpose("somebody", "reads", "two"),
        Purpose("somebody", "reads", None),
    ):
        assert granted(buckets, purpose) == 250
    for kind in ("writes", "deletes"):
        assert granted(buckets, Purpose("somebody", kind, "one")) == 200


def test_all_principals_together_have_fifteen_times_one_principals_bucket() -> None:
    buckets = Buckets()

    taken = [granted(buckets, Purpose(f"somebody {number}", "reads", "one")) for number in range(16)]

    assert taken == [250] * 15 + [0]


@pytest.mark.parametrize(("kinds", "most"), [(["reads"], 10_000), (["writes", "deletes"], 1_000)])
def test_microsoft_network_takes_so_many_calls_of_all_principals_in_five_minutes(kinds: list[str], most: int) -> None:
    buckets, taken = Buckets(), 0
    calls = [
        Purpose(f"somebody {number}", kind, "one", "Microsoft.Network/x/y") for number in range(5) for kind in kinds
    ]
    for second in range(100):
        taken += sum(buckets.draw(call, second) is None for call in calls * 20)

    assert taken == most
    assert buckets.draw(calls[0], 299) == ("network", 1.0)
    assert granted(buckets, calls[0], 300) > 0


def token(**claims: str) -> str:
    return f"Bearer e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.sig"


def test_tokens_of_one_principal_are_known_by_their_claims_and_others_by_themselves() -> None:
    assert principal(token(oid="a", exp="1")) == principal(token(oid="a", exp="2")) != principal(token(oid="b"))
    assert principal(token(appid="c", exp="1")) == principal(token(appid="c", exp="2"))
    assert principal("Bearer any") != principal("Bearer other")
    for strange in ("", "Bearer", "Bearer a.b.c", "Bearer ..", "Bearer a.W10.c", "Bearer a.bnVsbA.c", token()):
        assert principal(strange) == strange


# --- the emulator -----------------------------------------------------------------------------------------------------


def drained(stage: Stage, method: str = "GET", path: str = LB1, calls: int = 250) -> Answer:
    """Calls that are all taken, and the one after them."""
    for _ in range(calls):
        assert stage.call(method, path).status != 429
    return stage.call(method, path)


def remaining(answer: Answer) -> dict[str, int]:
    prefix = "x-ms-ratelimit-remaining-"
    return {name.removeprefix(prefix): int(left) for name, left in answer.headers.items() if name.startswith(prefix)}


def throttled() -> Stage:
    return Stage(Settings(latency="blog", throttle=True))


def test_without_throttling_calls_are_not_counted() -> None:
    stage = Stage()

    answers = [stage.call("GET", LB1) for _ in range(600)]

    assert {answer.status for answer in answers} == {200}
    assert [remaining(answer) for answer in answers] == [{"subscription-global-reads": 16499}] * 600


def test_the_headers_count_down_and_up_again() -> None:
    stage = throttled()

    first, second = (remaining(stage.call("GET", LB1)) for _ in range(2))
    assert first == {"subscription-reads": 249, "subscription-global-reads": 3749}
    assert second == {"subscription-reads": 248, "subscription-global-reads": 3748}
    stage.clock.advance(0.04)
    assert remaining(stage.call("GET", LB1))["subscription-reads"] == 248
    stage.clock.advance(3600)
    assert remaining(stage.call("GET", LB1)) == first
    assert remaining(stage.call("DELETE", FLOAT)) == {"subscription-deletes": 199, "subscription-global-deletes": 2999}
    assert remaining(stage.call("PATCH", LB1, {"tags": {}})) == {
        "subscription-writes": 199,
        "subscription-global-writes": 2999,
    }
    assert remaining(stage.call("GET", "/subscriptions")) == {"tenant-reads": 249}


def test_an_empty_bucket_is_a_429_of_the_gateway_that_says_when() -> None:
    stage = throttled()

    answer = drained(stage)

    assert error(answer) == (429, "SubscriptionRequestsThrottled")
    assert said(answer).startswith(f"Number of 'read' requests for subscription '{SUB.rsplit('/', 1)[1]}' actor ")
    assert "exceeded. Please try again after '1' seconds after additional tokens are available." in said(answer)
    assert (answer.headers["Retry-After"], answer.headers["x-ms-failure-cause"]) == ("1", "gateway")
    assert remaining(answer) == {}
    stage.clock.advance(1)
    # What was refused was not counted.
    assert remaining(stage.call("GET", LB1))["subscription-reads"] == 24


@pytest.mark.parametrize(("method", "path"), [("PUT", FLOAT), ("DELETE", LB1), ("POST", NATIVE)])
def test_a_refused_write_changes_nothing(method: str, path: str) -> None:
    stage = throttled()
    # An address that is not there is not there to be deleted, and no body is none to be put.
    drained(stage, method, FLOAT if method != "POST" else NATIVE, 200)
    before = stage.state(), stage.events()

    answer = stage.call(method, path, {"location": "westus", "properties": {}})

    assert answer.status == 429
    assert (stage.state(), stage.events()) == before


def test_polls_are_counted_as_reads() -> None:
    stage = throttled()
    operation = stage.put(LB1, stage.get(LB1))

    left = remaining(stage.follow(operation))

    assert left["subscription-reads"] == 248


def test_another_principal_is_served_while_one_is_throttled() -> None:
    stage = throttled()
    drained(stage)

    assert stage.call("GET", LB1, authorization="Bearer another").status == 200
    assert stage.call("GET", LB1, authorization=token(oid=GUID)).status == 200
    assert stage.call("GET", LB1).status == 429


def test_no_token_is_no_principal_and_costs_nobody_a_call() -> None:
    stage = throttled()
    for _ in range(300):
        assert stage.call("GET", LB1, authorization="").status == 401

    assert remaining(stage.call("GET", LB1))["subscription-reads"] == 249


def test_the_token_is_not_told() -> None:
    stage = throttled()
    for _ in range(251):
        answer = stage.call("GET", LB1, authorization="Bearer s3cr3t")

    assert answer.status == 429
    assert b"s3cr3t" not in answer.body


def test_the_emulators_own_paths_are_not_counted() -> None:
    stage = throttled()
    for _ in range(300):
        stage.admin("timeline")

    assert remaining(stage.call("GET", LB1))["subscription-reads"] == 249


def test_microsoft_networks_own_limit_names_the_action_and_its_interval() -> None:
    stage = throttled()
    for _ in range(5):
        drained(stage, "DELETE", IP1.replace("vipswap1pip", "none"), 200)
        stage.clock.advance(20)

    answer = stage.call("DELETE", FLOAT)

    assert error(answer) == (429, "ResourceRequestsThrottled")
    assert said(answer) == (
        "Number of requests for action 'Microsoft.Network/publicIPAddresses/delete' exceeded the limit of '1000' "
        "for time interval '00:05:00'. Please try again after '200' seconds."
    )
    assert answer.headers["Retry-After"] == "200"
    assert stage.call("GET", IP1).status == 200
    stage.clock.advance(200)
    assert stage.call("DELETE", FLOAT).status == 204


def test_a_reset_fills_the_buckets() -> None:
    stage = throttled()
    drained(stage)

    stage.admin("reset", "POST")

    assert remaining(stage.call("GET", LB1))["subscription-reads"] == 249


def test_the_process_counts_with_the_flag_and_tells_the_truth() -> None:
    with process("--throttle") as emulator, Connection(emulator.endpoint) as connection:
        statuses: list[int] = []
        until = time.monotonic() + PATIENCE_S
        while 429 not in statuses and time.monotonic() < until:
            connection.ask("GET", LB1)
            status, headers, content = connection.answer()
            statuses.append(status)
        listed = once(emulator.endpoint, "GET", "/emulator/requests")[1]

    # A machine so slow that 25 reads a second flow in as quickly as it reads would never get there.
    assert status == 429, f"no 429 in {len(statuses)} reads within {PATIENCE_S} s"
    assert headers["retry-after"] == "1"
    assert json.loads(content)["error"]["code"] == "SubscriptionRequestsThrottled"
    assert [entry["status"] for entry in listed] == statuses
    seconds = listed[-1]["t"] - listed[0]["t"]
    assert 250 <= statuses.count(200) <= 250 + 25 * (seconds + 0.1)


def test_the_process_without_the_flag_does_not_count() -> None:
    with process() as emulator, Connection(emulator.endpoint) as connection:
        connection.ask("GET", f"{LB1}?api-version={VERSION}")
        _, headers, _ = connection.answer()

    assert headers["x-ms-ratelimit-remaining-subscription-global-reads"] == "16499"
