"""`vipswap experiment` against the emulator and its data plane: measured, interrupted, killed, continued, refused."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.cli.conftest import (
    NETWORK,
    PAIR,
    PRODUCTION_IP,
    PRODUCTION_LB,
    STAGING_IP,
    STAGING_LB,
    Arm,
    Vipswap,
)
from vipswap_rest.emulator.server import EmulatorServer
from vipswap_rest.emulator.settings import SUBSCRIPTION, Settings
from vipswap_rest.measure.recording import load

TOKEN = "very-secret-token"
FAST = ("--interval", "10ms", "--yes")
# Two strategies, one block: 4 trials and 2 swaps before them.
BOTH = ("experiment", *PAIR, *FAST, "--trials", "2", "--allow-few", "--seed", "5")
ALONE = (*BOTH, "--strategies", "float")


@pytest.fixture
def settings() -> Settings:
    return Settings(latency="blog", time_scale=0.004, data_plane=True)


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def lines(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / "trials.jsonl").read_text().splitlines()]


def outages(arm: Arm, address: str) -> list[tuple[float, float]]:
    """When an address was down, by the emulator's own account."""
    events = [item for item in arm.timeline() if str(item["public_ip"]).lower() == address.lower()]
    down = [item["t"] for item in events if item["event"] == "data_plane_down"]
    up = [item["t"] for item in events if item["event"] == "data_plane_up"]
    return [(begin, next(end for end in up if end > begin)) for begin in down]


def float_exists(arm: Arm) -> bool:
    return any(id.startswith(f"{NETWORK}/publicIPAddresses/vipswap-float") for id in arm.state())


def at_home(arm: Arm) -> bool:
    held = (arm.holds(PRODUCTION_LB), arm.holds(STAGING_LB))
    return held == (PRODUCTION_IP, STAGING_IP) and not float_exists(arm)


class Running:
    """The command in a process of its own."""

    def __init__(self, arm: Arm, *arguments: str) -> None:
        environment = {
            **os.environ,
            "AZURE_RM_ENDPOINT": arm.endpoint,
            "AZURE_ACCESS_TOKEN": TOKEN,
            "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vipswap_rest", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said = ""

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def until(self, words: str) -> None:
        """Read its stderr until it says `words`."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line
            if words in line:
                return
        raise AssertionError(f"it never said {words!r}: {self.said}")

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=120)
        return self.process.returncode, out, self.said + err


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, "it did not come about in a minute"
        time.sleep(0.005)


def slow_down(arm: Arm, number: int) -> Callable[[], None]:
    """Make the first write of swap `number`, of an experiment by the float alone, take 3 s longer; returns what waits
    until it is under way."""
    nth = 3 * (number - 1) + 1
    fault = {"match": {"method": "PUT", "path": "loadBalancers", "nth": nth}, "effect": {"delay_operation_s": 3.0}}
    assert requests.post(f"{arm.endpoint}/emulator/faults", json=fault, timeout=10).status_code < 300

    def under_way() -> bool:
        return sum(line.startswith("PUT") and "loadBalancers" in line for line in arm.writes()) >= nth

    return lambda: wait_for(under_way)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An experiment by the float alone that has come to its end, and what it printed; nobody writes into it."""
    directory = tmp_path_factory.mktemp("finished") / "out"
    with (
        EmulatorServer(Settings(latency="blog", time_scale=0.004, data_plane=True)) as server,
        Running(Arm(server.endpoint), *ALONE, "--out", str(directory), "-o", "json") as running,
    ):
        code, out, err = running.end()
    assert code == 0, err
    return directory, out


@pytest.fixture
def copied(finished: tuple[Path, str], tmp_path: Path) -> Path:
    """A copy of that experiment, without its report."""
    shutil.copytree(finished[0], tmp_path / "out", ignore=shutil.ignore_patterns("report.html", "outages.svg"))
    return tmp_path / "out"


def test_it_measures_each_strategy_both_ways_and_the_truth_lies_within_every_bound(
    vipswap: Vipswap, arm: Arm, tmp_path: Path
) -> None:
    ran = vipswap(*BOTH, "--out", str(tmp_path / "out"), "-o", "json")
    told = ran.json()

    assert ran.code == 0, ran.err
    assert told["complete"]
    assert told["emulated"]
    assert "emulated" in told["warning"]
    assert told["trials"]["valid"] == 4
    assert told["manifest"]["seed"] == 5
    assert "seed 5" in ran.err
    assert "new TCP connections" in told["coverage"]
    assert told["strategies"]["float"]["n"] == told["strategies"]["native"]["n"] == 2
    assert at_home(arm)
    for side, address in (("production", PRODUCTION_IP), ("staging", STAGING_IP)):
        truth = outages(arm, address)
        kept = lines(tmp_path / "out")
        # More than six where a busy machine made a trial be repeated.
        assert len(truth) == len(kept) >= 6
        for (begin, end), line in zip(truth, kept, strict=True):
            assert line[side]["lower_s"] <= end - begin <= line[side]["upper_s"]


def test_every_figure_comes_out_the_same_again_from_the_files_without_any_arm(
    vipswap: Vipswap, finished: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, printed = finished
    for name in ("AZURE_RM_ENDPOINT", "AZURE_ACCESS_TOKEN", "AZURE_SUBSCRIPTION_ID"):
        monkeypatch.delenv(name)
    before = contents(directory)

    again = vipswap("experiment", "--report", str(directory), "-o", "json")
    table = vipswap("experiment", "--report", str(directory))

    assert again.code == table.code == 0, again.err
    assert again.out == printed
    assert again.err == f"the report, for a browser: {directory / 'report.html'}\n"
    assert contents(directory) == before
    assert table.out.startswith("All of it is emulated")
    assert "2 of 2 trials" in table.out
    assert "(50.0 %)" in table.out


def test_without_matplotlib_the_figures_are_told_all_the_same(
    vipswap: Vipswap, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    ran = vipswap("experiment", "--report", str(copied))

    assert ran.code == 0
    assert "2 of 2 trials" in ran.out
    assert "no report.html" in ran.err
    assert "matplotlib" in ran.err
    assert not (copied / "report.html").exists()


def test_the_manifest_says_what_was_measured_and_no_file_holds_the_token(finished: tuple[Path, str]) -> None:
    directory, _ = finished
    manifest = json.loads((directory / "manifest.json").read_text())

    assert manifest["load_balancers"] == [PRODUCTION_LB, STAGING_LB]
    assert manifest["public_ips"] == [PRODUCTION_IP, STAGING_IP]
    assert (manifest["endpoint_host"], manifest["emulated"]) == ("127.0.0.1", True)
    assert (manifest["seed"], manifest["trials"], manifest["interval_s"]) == (5, 2, 0.01)
    assert {"vipswap_rest", "python", "Microsoft.Network"} == set(manifest["versions"])
    assert manifest["cpu_count"] >= 1
    assert not [name for name, data in contents(directory).items() if TOKEN.encode() in data]
    recorded = load(directory / "samples" / "0003")
    assert TOKEN not in json.dumps(recorded.report)


def test_each_trial_has_thirty_clean_samples_of_each_address_before_and_after(finished: tuple[Path, str]) -> None:
    directory, _ = finished
    valid = [line for line in lines(directory) if line["valid"]]
    assert len(valid) == 2
    for line in valid:
        recorded = load(directory / line["samples"])
        began, ended = recorded.operations[0].began, recorded.operations[-2].ended
        for probed in recorded.probed:
            samples = probed.findings.samples
            good = [at for at in samples.in_order() if samples.outcomes[at] == 0]
            assert sum(samples.done[at] <= began for at in good) >= 30
            assert sum(samples.sent[at] >= ended for at in good) >= 30


def test_a_signal_ends_it_after_the_swap_that_runs_and_the_same_line_goes_on(
    vipswap: Vipswap, arm: Arm, tmp_path: Path
) -> None:
    in_that_swap = slow_down(arm, 3)
    with Running(arm, *ALONE, "--out", str(tmp_path / "out")) as running:
        in_that_swap()
        running.process.send_signal(signal.SIGINT)
        code, out, err = running.end()

    assert code == 130
    assert out == ""
    assert "Run the same line again to continue" in err
    assert "Traceback" not in err
    assert [line["number"] for line in lines(tmp_path / "out")] == [1, 2, 3]
    assert {arm.holds(PRODUCTION_LB), arm.holds(STAGING_LB)} == {PRODUCTION_IP, STAGING_IP}

    ran = vipswap(*ALONE, "--out", str(tmp_path / "out"), "-o", "json")
    assert ran.code == 0, ran.err
    assert ran.json()["complete"]
    assert at_home(arm)


def test_a_second_signal_ends_the_swap_too_and_says_how_to_recover_and_go_on(
    vipswap: Vipswap, arm: Arm, tmp_path: Path
) -> None:
    in_that_swap = slow_down(arm, 3)
    with Running(arm, *ALONE, "--out", str(tmp_path / "out"), "--request-timeout", "1") as running:
        in_that_swap()
        running.process.send_signal(signal.SIGINT)
        running.until("Again to stop the swap, too")
        running.process.send_signal(signal.SIGINT)
        code, _, err = running.end()

    assert code == 130
    assert "Traceback" not in err
    assert "same line again" in err
    kept = lines(tmp_path / "out")
    assert [line["valid"] for line in kept[:2]] == [False, False]
    if float_exists(arm):
        assert "vipswap recover" in err
        assert vipswap("recover", *PAIR, "--resume").code == 0
    ran = vipswap(*ALONE, "--out", str(tmp_path / "out"), "-o", "json")
    assert ran.code == 0, ran.err
    assert at_home(arm)


def test_killed_in_the_middle_of_a_swap_it_goes_on_once_that_swap_is_recovered(
    vipswap: Vipswap, arm: Arm, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    in_that_swap = slow_down(arm, 4)
    with Running(arm, *ALONE, "--out", str(out), "--request-timeout", "1") as running:
        in_that_swap()
        running.process.send_signal(signal.SIGKILL)
        code, _, _ = running.end()
    assert code == -signal.SIGKILL
    kept = contents(out)
    assert len(lines(out)) == 3

    held = vipswap(*ALONE, "--out", str(out))
    assert held.code == 7
    assert "vipswap recover" in held.err
    assert contents(out) == kept
    recovered = vipswap("recover", *PAIR, "--resume")
    assert recovered.code == 0, recovered.err
    ran = vipswap(*ALONE, "--out", str(out), "-o", "json")

    assert ran.code == 0, ran.err
    assert ran.json()["complete"]
    # What was kept before the kill is still there, to the letter.
    assert (out / "trials.jsonl").read_bytes().startswith(kept["trials.jsonl"])
    assert {name: data for name, data in contents(out).items() if name in kept} | {"trials.jsonl": b""} == {
        **kept,
        "trials.jsonl": b"",
    }
    assert at_home(arm)


def test_an_experiment_of_another_design_is_refused_before_anything_is_swapped(
    vipswap: Vipswap, arm: Arm, copied: Path
) -> None:
    before, writes = contents(copied), arm.writes()

    for change in (("--seed", "6"), ("--trials", "4"), ("--strategies", "native"), ("--interval", "20ms")):
        ran = vipswap(*ALONE, *change, "--out", str(copied))
        assert ran.code == 2
        assert "An experiment of another design lies in" in ran.err
        assert "swaps on the emulator" not in ran.err
    exchanged = ("--lb1", "vipswap2lb", "--lb2", "vipswap1lb")
    ran = vipswap(*ALONE, *exchanged, "--out", str(copied))
    assert ran.code == 2
    assert contents(copied) == before
    assert arm.writes() == writes


def test_the_finished_line_again_swaps_nothing_and_prints_the_same(vipswap: Vipswap, arm: Arm, tmp_path: Path) -> None:
    # Without --seed: it is drawn once, and then that of the manifest.
    line = ("experiment", *PAIR, *FAST, "--trials", "2", "--allow-few", "--strategies", "native", "-o", "json")
    first = vipswap(*line, "--out", str(tmp_path / "out"))
    writes = arm.writes()

    again = vipswap(*line, "--out", str(tmp_path / "out"))

    assert (first.code, again.code) == (0, 0), first.err + again.err
    assert again.out == first.out
    assert arm.writes() == writes


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--trials", "8"), "at least 10"),
        (("--trials", "11"), "even number"),
        (("--strategies", "fleet"), "'fleet' is not a strategy"),
        (("--seed", "-1"), "--seed"),
        (("--interval", "1ms"), "from 10 ms"),
        (("--interval", "2s"), "to 1 s"),
        (("--probe-url", "https://a"), "https is not supported"),
        (("--ignore", "Nothing"), "Nothing"),
        (("--out", "{file}"), "is a file"),
        (("--out", "{full}"), "holds other files"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_changed(
    arguments: tuple[str, ...], said: str, vipswap: Vipswap, arm: Arm, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    before = contents(tmp_path)
    filled = [word.format(file=tmp_path / "file", full=tmp_path / "full") for word in arguments]

    ran = vipswap("experiment", *PAIR, "--yes", "--out", str(tmp_path / "new"), *filled)

    assert ran.code == 2
    assert said in ran.err
    assert contents(tmp_path) == before
    assert not (tmp_path / "new").exists()
    assert arm.writes() == []


@pytest.mark.parametrize("missing", ["--lb1", "--lb2", "--out"])
def test_what_it_cannot_do_without_is_asked_for(missing: str, vipswap: Vipswap, tmp_path: Path) -> None:
    given = {"--lb1": "vipswap1lb", "--lb2": "vipswap2lb", "--out": str(tmp_path / "new")}
    rest = [word for name, value in given.items() if name != missing for word in (name, value)]
    ran = vipswap("experiment", "-g", "vipswap", "--yes", *rest)

    assert ran.code == 2
    assert f"{missing} is required" in ran.err


def test_without_a_terminal_and_without_yes_nothing_is_swapped(arm: Arm, vipswap: Vipswap, tmp_path: Path) -> None:
    ran = vipswap("experiment", *PAIR, "--out", str(tmp_path / "new"))

    assert ran.code == 2
    assert "--yes" in ran.err
    assert not (tmp_path / "new").exists()


def test_a_report_of_what_is_no_experiment_is_one_sentence(vipswap: Vipswap, tmp_path: Path) -> None:
    ran = vipswap("experiment", "--report", str(tmp_path))

    assert ran.code == 2
    assert "There is no experiment in" in ran.err


def test_where_nothing_answers_nothing_is_swapped_and_it_says_what_to_look_at(
    vipswap: Vipswap, arm: Arm, tmp_path: Path
) -> None:
    address = arm.state()[PRODUCTION_IP]["properties"]["ipAddress"]
    ran = vipswap(*ALONE, "--out", str(tmp_path / "out"), "--probe-url", f"tcp://{address}:1")

    assert ran.code == 1
    assert "3 swaps in a row do not count" in ran.err
    assert "nothing was switched" in ran.err
    assert "--probe-url" in ran.err
    assert arm.writes() == []


class TestWithoutNative:
    """Where ARM does not support the native operation."""

    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(latency="blog", time_scale=0.004, data_plane=True, native="reject")

    def test_it_ends_in_the_warm_up_and_says_what_to_measure_instead(
        self, vipswap: Vipswap, arm: Arm, tmp_path: Path
    ) -> None:
        ran = vipswap(*BOTH, "--out", str(tmp_path / "out"))

        assert ran.code == 1
        assert "does not support the native swap" in ran.err
        assert "--strategies float" in ran.err
        assert len(lines(tmp_path / "out")) == 2
        assert at_home(arm)
