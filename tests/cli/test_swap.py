"""`vipswap swap` and `vipswap plan` as a pipeline sees them: exit code, stdout, stderr."""

from __future__ import annotations

import itertools
import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import PAIR, PRODUCTION_IP, PRODUCTION_LB, STAGING_IP, STAGING_LB, Arm, Vipswap
from vipswap_rest.emulator.settings import Settings

WAYS = list(
    itertools.product(
        (("--strategy", "float"), ("--float-on", "production"), ("--strategy", "native")), ("complete", "accept")
    )
)


def test_the_json_object_has_the_contracts_keys(arm: Arm, vipswap: Vipswap) -> None:
    told = vipswap("swap", *PAIR, "--yes", "-o", "json").json()

    assert list(told) == ["outcome", "strategy", "production", "staging", "steps", "total_s", "error"]
    assert told["outcome"] == "swapped"
    assert told["strategy"] == "float"
    for side, public_ip, source, target in (
        ("production", PRODUCTION_IP, PRODUCTION_LB, STAGING_LB),
        ("staging", STAGING_IP, STAGING_LB, PRODUCTION_LB),
    ):
        found = told[side]
        assert found["public_ip"] == public_ip
        assert found["address"] == arm.state()[public_ip]["properties"]["ipAddress"]
        assert found["from"] == f"{source}/frontendIPConfigurations/LoadBalancerFrontEnd"
        assert found["to"] == f"{target}/frontendIPConfigurations/LoadBalancerFrontEnd"
        assert found["control_plane_outage_s"] > 0
    for step in told["steps"]:
        assert set(step) == {"name", "resource", "started_at", "seconds", "polls", "request_id"}
    assert told["error"] is None


@pytest.mark.parametrize(
    ("way", "settings"), [(way, Settings(latency="blog", time_scale=0.01, release=release)) for way, release in WAYS]
)
def test_every_way_ends_in_the_right_state_and_tells_the_outage(
    way: tuple[str, ...], settings: Settings, arm: Arm, vipswap: Vipswap
) -> None:
    ran = vipswap("swap", *PAIR, *way, "--yes", "-o", "json")

    assert ran.code == 0
    assert (arm.holds(PRODUCTION_LB), arm.holds(STAGING_LB)) == (STAGING_IP, PRODUCTION_IP)
    assert not [id for id in arm.state() if "vipswap-float" in id]
    said, true = ran.json()["production"]["control_plane_outage_s"], outage(arm.timeline(), PRODUCTION_IP)
    # Never less than the truth, but for the milliseconds it is rounded to. How much more depends on this machine, so
    # the in-process tests say that, on a clock of their own.
    assert said >= true - 0.001


def outage(events: list[dict[str, Any]], address: str) -> float:
    released = next(e["t"] for e in events if e["event"] == "request_accepted" and e["public_ip"] == address)
    attached = next(e["t"] for e in events if e["event"] == "operation_succeeded" and e["public_ip"] == address)
    return float(attached - released)


def test_without_latency_nothing_sleeps(arm: Arm, vipswap: Vipswap, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("vipswap_rest.arm.clock.SystemClock.sleep", lambda self, seconds: slept.append(seconds))

    ran = vipswap("swap", *PAIR, "--yes")

    assert ran.code == 0
    assert [seconds for seconds in slept if seconds > 0] == []


def test_the_result_goes_to_stdout_and_all_else_to_stderr(vipswap: Vipswap) -> None:
    ran = vipswap("swap", *PAIR, "--yes")

    assert ran.out.startswith("Swapped (float).\n")
    assert "downtime" in ran.out
    assert "total" in ran.out
    assert "downtime begins" in ran.err


def test_the_line_that_a_plain_swap_prints_is_safe_to_repeat(arm: Arm, vipswap: Vipswap) -> None:
    ran = vipswap("swap", *PAIR, "--yes")
    line = next(line for line in ran.err.splitlines() if "safe to repeat" in line).partition(": ")[2]
    written = len(arm.writes())

    again = vipswap(*shlex.split(line)[1:])

    assert again.code == 0
    assert "Nothing to do" in again.out
    assert len(arm.writes()) == written


def test_the_same_goal_twice_swaps_once(arm: Arm, vipswap: Vipswap) -> None:
    line = ("swap", *PAIR, "--vip", "vipswap1pip", "--yes", "-o", "json")

    first, second = vipswap(*line), vipswap(*line)

    assert (first.code, second.code) == (0, 0)
    assert first.json()["outcome"] == "swapped"
    assert second.json()["outcome"] == "nothing_to_do"
    assert second.json()["production"]["control_plane_outage_s"] is None
    assert [one.json()["production"]["public_ip"] for one in (first, second)] == [PRODUCTION_IP, PRODUCTION_IP]
    assert second.json()["production"]["from"] == second.json()["production"]["to"] == first.json()["production"]["to"]
    assert arm.holds(STAGING_LB) == PRODUCTION_IP


def test_the_goal_can_be_stated_by_id_and_in_any_case(arm: Arm, vipswap: Vipswap) -> None:
    assert vipswap("swap", *PAIR, "--vip", PRODUCTION_IP.upper(), "--yes").code == 0
    assert arm.holds(STAGING_LB) == PRODUCTION_IP


def test_a_plan_names_the_steps_and_writes_nothing(arm: Arm, vipswap: Vipswap) -> None:
    ran = vipswap("plan", *PAIR, "-o", "json")

    assert ran.code == 0
    assert list(ran.json()) == ["findings", "steps"]
    assert [step["name"] for step in ran.json()["steps"]] == [
        "create_float",
        "staging_to_float",
        "production_to_staging_address",
        "staging_to_production_address",
        "delete_float",
    ]
    assert arm.writes() == []


def test_the_audit_trail_holds_every_step_request_id_and_decision(arm: Arm, vipswap: Vipswap, tmp_path: Path) -> None:
    trail = tmp_path / "events.jsonl"

    told = vipswap("swap", *PAIR, "--yes", "-o", "json", "--events", str(trail)).json()

    entries = [json.loads(line) for line in trail.read_text(encoding="utf-8").splitlines()]
    performed = [entry for entry in entries if entry.get("action") == "perform"]
    assert [entry["name"] for entry in performed] == [step["name"] for step in told["steps"]]
    assert [entry["step"] for entry in performed] == ["CreateFloat", "Attach", "Attach", "Attach", "DeleteFloat"]
    assert all(entry["why"] for entry in entries if entry["event"] == "decided")
    ids = {
        answer["headers"].get("x-ms-request-id") for entry in entries for answer in entry.get("answers", []) if answer
    }
    assert {step["request_id"] for step in told["steps"]} <= ids
    assert entries[-1]["event"] == "ended"
    assert entries[-1]["exit_code"] == 0
    times = [entry["monotonic_s"] for entry in entries]
    assert times == sorted(times)


def test_an_events_file_that_cannot_be_written_is_refused_before_anything_changes(arm: Arm, vipswap: Vipswap) -> None:
    ran = vipswap("swap", *PAIR, "--yes", "--events", "/nowhere/events.jsonl")

    assert ran.code == 2
    assert "/nowhere/events.jsonl" in ran.err
    assert arm.writes() == []


@pytest.mark.parametrize("option", ["--max-outage", "--verify-timeout"])
@pytest.mark.parametrize("value", ["0", "-1", "soon", "inf"])
def test_a_time_that_is_none_is_a_usage_error(option: str, value: str, arm: Arm, vipswap: Vipswap) -> None:
    assert vipswap("swap", *PAIR, "--yes", f"{option}={value}").code == 2
    assert arm.requests() == []
