"""What a terminal shows of a swap that a pipe does not: numbered steps and colour; and what forbids colour."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.cli.conftest import PAIR, Arm
from tests.cli.terminal import Terminal, environment
from vipswap_rest.emulator.settings import Settings

LINE = ("-m", "vipswap_rest", "swap", *PAIR, "--yes")
COLOUR = re.compile(r"\x1b\[[\d;]*3[1-7]")


@pytest.fixture
def settings() -> Settings:
    return Settings(latency="blog", time_scale=0.01, data_plane=True)


def shown(arm: Arm, **variables: str) -> str:
    """All that a swap writes on a terminal."""
    bare = {name: text for name, text in environment(arm).items() if name != "NO_COLOR"}
    with Terminal(*LINE, env={**bare, "TERM": "xterm-256color", **variables}) as terminal:
        assert terminal.end() == 0, terminal.said
        return terminal.said


def test_on_a_terminal_steps_are_numbered_and_timed_and_the_outage_is_red(arm: Arm) -> None:
    told = shown(arm)

    plain = re.sub(r"\x1b\[[\d;?]*\w", "", told)
    assert [f"{n}/5" for n in re.findall(r"(\d)/5 ", plain)] == ["1/5", "2/5", "3/5", "4/5", "5/5"]
    assert re.search(
        r"3/5 production's load balancer takes staging's address: vipswap1lb\s+\(last: [\d.]+ m?s\)", plain
    )
    assert "1/5 create the float: vipswap-float-" in plain
    lines = [line for line in told.splitlines() if "accepted: downtime begins" in line]
    assert lines
    assert all(line.count("\x1b[31m") for line in lines)
    # What comes once production's address is on again is not red.
    assert not [line for line in told.splitlines() if "5/5 " in line and COLOUR.search(line)]


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "TERM=dumb"])
def test_colour_can_be_forbidden(variables: dict[str, str], arm: Arm) -> None:
    told = shown(arm, **variables)

    assert "downtime begins" in told
    assert not COLOUR.search(told)
    if "TERM" in variables:
        assert "\x1b" not in told


def test_nothing_of_it_is_piped(arm: Arm) -> None:
    line = [sys.executable, *LINE]
    ran = subprocess.run(line, env=environment(arm), capture_output=True, text=True, timeout=60, check=True)

    assert "downtime begins" in ran.stderr
    assert "\x1b" not in ran.stderr + ran.stdout
    assert not re.search(r"\d/\d|last:|answers", ran.stderr)
