"""`vipswap replay FILE`: the run of an events file, folded again without a network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Arm, Vipswap

PAIR = ("-g", "vipswap", "--lb1", "vipswap1lb", "--lb2", "vipswap2lb")


@pytest.fixture
def recorded(arm: Arm, vipswap: Vipswap, tmp_path: Path) -> tuple[Path, dict[str, object]]:
    """The events file of a swap, and what the swap printed."""
    path = tmp_path / "events.jsonl"
    told = vipswap("swap", *PAIR, "--yes", "--no-probe", "-o", "json", "--events", str(path)).json()
    return path, told


def test_it_prints_the_report_that_the_run_printed(recorded: tuple[Path, dict[str, object]], vipswap: Vipswap) -> None:
    path, told = recorded

    ran = vipswap("replay", str(path), "-o", "json")

    replayed = ran.json()
    assert (ran.code, ran.err) == (0, "")
    decisions = replayed.pop("decisions")
    assert replayed == told
    assert all(one["same"] and one["why"] for one in decisions)


def test_it_prints_each_decision_with_its_reason(recorded: tuple[Path, dict[str, object]], vipswap: Vipswap) -> None:
    ran = vipswap("replay", str(recorded[0]))

    assert ran.code == 0
    assert "perform create_float: there is no journal" in ran.out
    assert "finish: the goal is reached" in ran.out
    assert "Swapped (float)." in ran.out


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_file_cut_short_is_read_as_far_as_it_goes(
    share: float, recorded: tuple[Path, dict[str, object]], vipswap: Vipswap
) -> None:
    """It never says that a run which it does not see the end of has swapped, and tells how to go on."""
    text = recorded[0].read_text(encoding="utf-8")
    recorded[0].write_text(text[: int(share * len(text))], encoding="utf-8")

    ran = vipswap("replay", str(recorded[0]), "-o", "json")

    assert ran.code == 0
    assert "is cut short" in ran.err
    assert ran.json()["outcome"] == "needs_recovery"
    assert "vipswap recover" in ran.json()["error"]["hint"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"event": "begun"}', '{"event": "begun", "method": "vip_swap"}'])
def test_a_file_of_no_run_is_a_usage_error(content: str, vipswap: Vipswap, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(content + "\n", encoding="utf-8")

    ran = vipswap("replay", str(path))

    assert ran.code == 2
    assert "Traceback" not in ran.err
    assert str(path) in ran.err


def test_a_second_run_is_not_written_into_the_file_of_the_first(
    recorded: tuple[Path, dict[str, object]], arm: Arm, vipswap: Vipswap
) -> None:
    before = recorded[0].read_bytes()

    ran = vipswap("swap", *PAIR, "--yes", "--no-probe", "--events", str(recorded[0]))

    assert ran.code == 2
    assert "is not empty" in ran.err
    assert recorded[0].read_bytes() == before


def test_a_decision_that_this_version_would_not_make_is_told(
    recorded: tuple[Path, dict[str, object]], vipswap: Vipswap
) -> None:
    lines = [json.loads(line) for line in recorded[0].read_text(encoding="utf-8").splitlines()]
    other = next(line for line in lines if line.get("action") == "perform")
    other["name"] = "something_else"
    recorded[0].write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    ran = vipswap("replay", str(recorded[0]))

    assert ran.code == 0
    assert "decides differently" in ran.err
