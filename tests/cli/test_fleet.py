"""`vipswap fleet FILE`: many pairs, each brought to its goal or left as it was, and the same line does what is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.cli.conftest import NETWORK, Arm, Vipswap
from vipswap_rest.emulator.settings import SUBSCRIPTION, Settings

COUNT = 5
QUICK = {"load_balancer_update": 0.3, "public_ip_create": 0.1, "public_ip_delete": 0.1, "retry_after": 0.2}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    latency = tmp_path / "latency.json"
    latency.write_text(json.dumps(QUICK), encoding="utf-8")
    return Settings(latency=str(latency), pairs=COUNT)


def address(number: int, half: str) -> str:
    return f"{NETWORK}/publicIPAddresses/pair{number:04}{half}pip"


def balancer(number: int, half: str) -> str:
    return f"{NETWORK}/loadBalancers/pair{number:04}{half}"


def pair(number: int, **more: Any) -> dict[str, Any]:
    name = f"pair{number:04}"
    return {
        "resource_group": "vipswap",
        "lb1": f"{name}a",
        "lb2": f"{name}b",
        "vip": f"{name}apip",
        "name": name,
    } | more


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., str]:
    def write(*pairs: dict[str, Any]) -> str:
        path = tmp_path / "fleet.json"
        path.write_text(json.dumps({"pairs": pairs}), encoding="utf-8")
        return str(path)

    return write


def outcomes(told: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["outcome"] for one in told["pairs"]}


def swapped(arm: Arm, number: int) -> bool:
    return arm.holds(balancer(number, "b")).lower() == address(number, "a").lower()


def floats(arm: Arm) -> list[str]:
    return [id for id in arm.state() if "vipswap-float" in id]


def break_pair(arm: Arm, number: int, times: int = 1000) -> None:
    """Every write of this pair's second load balancer is rejected permanently."""
    fault = {
        "match": {"method": "PUT", "path": f"loadBalancers/pair{number:04}b"},
        "effect": {"status": 403, "body": {"error": {"code": "AuthorizationFailed", "message": "No."}}},
        "times": times,
    }
    requests.post(f"{arm.endpoint}/emulator/faults", json=fault, timeout=10).raise_for_status()


def test_every_pair_is_swapped_and_the_same_line_does_nothing(
    arm: Arm, vipswap: Vipswap, file: Callable[..., str]
) -> None:
    name = file(*(pair(number) for number in range(1, COUNT + 1)))

    ran = vipswap("fleet", name, "--yes", "-o", "json")
    again = vipswap("fleet", name, "--yes", "-o", "json")

    assert (ran.code, ran.json()["outcome"]) == (0, "swapped"), ran.err
    assert all(swapped(arm, number) for number in range(1, COUNT + 1))
    assert all(one["production"]["control_plane_outage_s"] > 0.5 for one in ran.json()["pairs"])
    assert (again.code, again.json()["outcome"]) == (0, "nothing_to_do")
    assert floats(arm) == []


def test_pairs_of_a_wave_run_side_by_side_and_waves_one_after_the_other(
    arm: Arm, vipswap: Vipswap, file: Callable[..., str]
) -> None:
    name = file(pair(1, wave=1), pair(2, wave=1), pair(3, wave=0), pair(4, wave="0"))

    ran = vipswap("fleet", name, "--yes", "-o", "json")

    times = {
        number: [event["t"] for event in arm.timeline() if f"pair{number:04}" in str(event["resource"])]
        for number in range(1, 5)
    }
    assert ran.code == 0
    for first, second in ((3, 4), (1, 2)):
        assert max(times[first][0], times[second][0]) < min(times[first][-1], times[second][-1])
    assert max(times[3][-1], times[4][-1]) < min(times[1][0], times[2][0])


def test_one_at_a_time_means_one_at_a_time(arm: Arm, vipswap: Vipswap, file: Callable[..., str]) -> None:
    ran = vipswap("fleet", file(pair(1), pair(2)), "--yes", "--max-parallel", "1")

    order = [
        str(event["resource"])[-9:-1] for event in arm.timeline() if "loadBalancers/pair" in str(event["resource"])
    ]
    assert ran.code == 0
    assert order == sorted(order)


def test_a_pair_that_is_refused_changes_nothing_anywhere(arm: Arm, vipswap: Vipswap, file: Callable[..., str]) -> None:
    arm.change(balancer(2, "b"), lambda body: body["properties"].update(loadBalancingRules=[]))

    ran = vipswap("fleet", file(pair(1), pair(2), pair(3)), "--yes", "-o", "json")

    assert (ran.code, ran.json()["outcome"]) == (4, "refused")
    assert outcomes(ran.json()) == dict.fromkeys(("pair0001", "pair0002", "pair0003"), "refused")
    assert "PortNotServed" in ran.err
    assert arm.writes() == []


def test_after_a_failure_no_other_pair_is_begun(arm: Arm, vipswap: Vipswap, file: Callable[..., str]) -> None:
    break_pair(arm, 2)

    name = file(pair(1, wave=0), pair(2, wave=1), pair(3, wave=2))
    ran = vipswap("fleet", name, "--yes", "-o", "json")

    assert (ran.code, ran.json()["outcome"]) == (9, "partly")
    assert outcomes(ran.json())["pair0001"] == "swapped"
    assert outcomes(ran.json())["pair0002"] in ("failed", "rolled_back")
    assert ran.json()["pairs"][2]["error"]["code"] == "NotBegun"
    assert [swapped(arm, number) for number in (1, 2, 3)] == [True, False, False]
    assert floats(arm) == []


def test_failures_that_are_allowed_stop_nothing_and_the_line_again_does_the_rest(
    arm: Arm, vipswap: Vipswap, file: Callable[..., str]
) -> None:
    break_pair(arm, 2)
    name = file(pair(1), pair(2, wave=0), pair(3, wave=1))

    ran = vipswap("fleet", name, "--yes", "--max-failures", "1", "-o", "json")
    requests.delete(f"{arm.endpoint}/emulator/faults", timeout=10)
    again = vipswap("fleet", name, "--yes", "-o", "json")

    assert (ran.code, ran.json()["outcome"]) == (9, "partly")
    assert [one["outcome"] for one in ran.json()["pairs"]][::2] == ["swapped", "swapped"]
    assert (again.code, outcomes(again.json())["pair0002"]) == (0, "swapped")


def test_where_none_swapped_and_all_is_as_before_the_exit_code_is_5(
    arm: Arm, vipswap: Vipswap, file: Callable[..., str]
) -> None:
    break_pair(arm, 1)

    ran = vipswap("fleet", file(pair(1)), "--yes", "-o", "json")

    assert (ran.code, ran.json()["outcome"]) == (5, "failed")


def test_resolve_fills_in_what_production_holds_and_changes_nothing(
    arm: Arm, vipswap: Vipswap, file: Callable[..., str]
) -> None:
    open_one = pair(3)
    del open_one["vip"]
    name = file(pair(1), open_one)

    ran = vipswap("fleet", name, "--resolve")

    assert ran.code == 0
    assert [one["vip"] for one in ran.json()["pairs"]] == ["pair0001apip", address(3, "a")]
    assert arm.writes() == []


def test_the_events_of_each_pair_stand_in_a_file_of_their_own_and_replay(
    arm: Arm, vipswap: Vipswap, file: Callable[..., str], tmp_path: Path
) -> None:
    folder = tmp_path / "events"
    folder.mkdir()

    ran = vipswap("fleet", file(pair(1), pair(2)), "--yes", "-o", "json", "--events", str(folder))

    for one in ran.json()["pairs"]:
        replayed = vipswap("replay", str(folder / f"{one['name']}.jsonl"), "-o", "json").json()
        assert replayed["outcome"] == "swapped"
        assert replayed["production"] == one["production"]


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ([], "no pair"),
        ([pair(1), pair(1)], "pair 2"),
        ([pair(1), pair(2, lb2="pair0001a", name="x")], "in common"),
        ([pair(1) | {"colour": "blue"}], "colour"),
        ([pair(1, wave="soon")], "wave"),
        ([{"lb1": "a", "resource_group": "vipswap", "vip": "x"}], "lb2"),
        ([{**pair(1), "vip": ""}], "vip"),
        (["pair0001"], "pair 1"),
        ([pair(1, lb1="a/b")], "pair 1"),
        ([pair(1, lb1="/subscriptions/x")], "pair 1"),
        ([pair(1), pair(2, lb1=balancer(1, "a").upper().replace("/SUBSCRIPTIONS", "/subscriptions"))], "in common"),
    ],
    ids=str,
)
def test_a_file_that_cannot_be_is_one_sentence_and_nothing_is_asked(
    pairs: list[Any], words: str, arm: Arm, vipswap: Vipswap, file: Callable[..., str]
) -> None:
    ran = vipswap("fleet", file(*pairs), "--yes")

    assert ran.code == 2
    assert words in ran.err
    assert "Traceback" not in ran.err
    assert arm.requests() == []


@pytest.mark.parametrize("text", ["", "{", "[]", "no header", "lb1,lb2\na", '{"pairs": {}}'])
def test_what_is_neither_json_nor_csv_is_a_usage_error(text: str, arm: Arm, vipswap: Vipswap, tmp_path: Path) -> None:
    path = tmp_path / "fleet"
    path.write_text(text, encoding="utf-8")

    ran = vipswap("fleet", str(path), "--yes")

    assert ran.code == 2
    assert len(ran.err.splitlines()) <= 2
    assert arm.requests() == []


def test_load_balancers_may_be_named_by_their_ids(arm: Arm, vipswap: Vipswap, file: Callable[..., str]) -> None:
    named = {"lb1": balancer(1, "a"), "lb2": balancer(1, "b"), "vip": address(1, "a")}

    ran = vipswap("fleet", file(named), "--yes", "-o", "json")

    assert (ran.code, outcomes(ran.json())) == (0, {"pair0001a-pair0001b": "swapped"}), ran.err


def test_csv_is_read_like_json(arm: Arm, vipswap: Vipswap, tmp_path: Path) -> None:
    path = tmp_path / "fleet.csv"
    rows = [f"vipswap,pair{number:04}a,pair{number:04}b,pair{number:04}apip,{number}" for number in (1, 2)]
    path.write_text("resource_group,lb1,lb2,vip,wave\n" + "\n".join(rows) + "\n", encoding="utf-8")

    ran = vipswap("fleet", str(path), "--yes", "-o", "json")

    assert ran.code == 0, ran.err
    assert [one["wave"] for one in ran.json()["pairs"]] == [1, 2]
    assert all(swapped(arm, number) for number in (1, 2))


# --- real processes ---------------------------------------------------------------------------------------------------


def start(arm: Arm, name: str, *more: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "AZURE_RM_ENDPOINT": arm.endpoint,
        "AZURE_ACCESS_TOKEN": "any",
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
    }
    line = [sys.executable, "-m", "vipswap_rest", "fleet", name, "--yes", "-o", "json", *more]
    return subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def await_writes(arm: Arm, count: int) -> None:
    """Wait until so many writes of load balancers were accepted."""
    until = time.monotonic() + 60
    while len([line for line in arm.writes() if "loadBalancers/" in line]) < count:
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize("writes", [1, 4, 6, 9, 12])
def test_a_fleet_that_is_killed_is_finished_by_the_same_line(
    writes: int, arm: Arm, vipswap: Vipswap, file: Callable[..., str]
) -> None:
    """Nothing is swapped back, nothing is left: also of those that were killed inside their outage."""
    name = file(*(pair(number) for number in range(1, COUNT + 1)))
    with start(arm, name, "--max-parallel", "3", "--request-timeout", "1") as process:
        await_writes(arm, writes)
        process.kill()
        process.communicate()

    ran = vipswap("fleet", name, "--yes", "-o", "json", "--request-timeout", "1")

    assert ran.code == 0, ran.err
    assert all(swapped(arm, number) for number in range(1, COUNT + 1))
    assert floats(arm) == []


def test_recover_all_recovers_every_swap_that_a_dead_fleet_left(
    arm: Arm, vipswap: Vipswap, file: Callable[..., str]
) -> None:
    with start(arm, file(*(pair(number) for number in range(1, 4))), "--request-timeout", "1") as process:
        await_writes(arm, 5)
        process.kill()
        process.communicate()

    found = vipswap("status", "-o", "json").json()["swaps"]
    ran = vipswap("recover", "--all", "-o", "json")

    assert len(found) >= 2
    assert ran.code == 0, ran.err
    assert len(ran.json()["pairs"]) == len(found)
    assert {one["outcome"] for one in ran.json()["pairs"]} <= {"swapped", "rolled_back"}
    assert floats(arm) == []
    assert vipswap("status", "-o", "json").json()["swaps"] == []
    assert (again := vipswap("recover", "--all", "-o", "json")).code == 0
    assert again.json() == {"outcome": "nothing_to_do", "pairs": [], "total_s": again.json()["total_s"]}


def test_recover_all_and_a_pair_exclude_each_other(arm: Arm, vipswap: Vipswap) -> None:
    assert vipswap("recover", "--all", "--lb1", "x", "--lb2", "y").code == 2


def test_ctrl_c_begins_no_other_pair_and_ends_those_under_way(arm: Arm, file: Callable[..., str]) -> None:
    name = file(*(pair(number) for number in range(1, COUNT + 1)))
    with start(arm, name, "--max-parallel", "2") as process:
        await_writes(arm, 2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    told = json.loads(out)
    assert (process.returncode, told["outcome"]) == (130, "interrupted")
    assert "Traceback" not in err
    done = [number for number in range(1, COUNT + 1) if swapped(arm, number)]
    assert done == [1, 2]
    assert [one["error"]["code"] for one in told["pairs"][2:]] == ["NotBegun"] * (COUNT - 2)
    assert floats(arm) == []
