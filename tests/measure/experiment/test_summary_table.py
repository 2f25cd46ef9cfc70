"""The table of an experiment, for people: the words for what is open, not different, invalid, not complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.measure.experiment.bench import FakeBench, Swapped, manifest
from tests.measure.experiment.test_runner import Goes, run
from vipswap_rest.cli.main import main
from vipswap_rest.measure.experiment.design import Way


def table(directory: Path, goes: Goes, capsys: pytest.CaptureFixture[str], **more: object) -> str:
    run(directory, goes, **more)  # type: ignore[arg-type]
    assert main(["experiment", "--report", str(directory)]) == 0
    return capsys.readouterr().out


def test_an_open_outage_is_at_least_and_no_difference_a_tilde(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def goes(number: int, strategy: str, way: Way) -> Swapped:
        jitter = (number * 7 % 11) / 20
        length = 2 + 2 * jitter if strategy == "native" else 1 + jitter
        return Swapped(length=length, still_down=number == 5)

    out = table(tmp_path, goes, capsys)

    assert ">=" in out
    assert "native less float        10  ~ " in out
    assert "20 of 20 trials" in out
    assert "NOT COMPLETE" not in out
    assert "p95" in out


def test_an_invalid_trial_is_listed_with_its_reason_and_what_is_missing_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def goes(number: int, strategy: str, way: Way) -> Swapped:
        return Swapped(after_s=1.0 if number == 4 else 3.5)

    out = table(tmp_path, goes, capsys, stop_after=6)

    assert "NOT COMPLETE" in out
    assert "swap 4 does not count: " in out
    assert "3 of 20 trials" in out
    assert "1 invalid" in out


def test_what_is_emulated_says_so_first_and_what_is_not_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = {"strategies": ("float",), "trials": 2}
    emulated = table(tmp_path / "emulated", lambda *_: Swapped(), capsys, bench=FakeBench(), **alone)
    real = table(tmp_path / "real", lambda *_: Swapped(), capsys, emulated=False, **alone)

    assert emulated.startswith("All of it is emulated")
    assert "emulated" not in real
    assert manifest().emulated
