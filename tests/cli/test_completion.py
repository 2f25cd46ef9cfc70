"""Completion as a shell asks for it: of verbs, options, their words, and load balancers' names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Arm
from vipswap_rest.emulator.settings import SUBSCRIPTION


def completions(line: str, folder: Path, endpoint: str) -> list[str]:
    """What stands after Tab at the end of a line."""
    out = folder / "completions"
    environment = {
        **os.environ,
        "AZURE_RM_ENDPOINT": endpoint,
        "AZURE_ACCESS_TOKEN": "any",
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(out),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    command = [sys.executable, "-c", "import sys; from vipswap_rest.cli.main import main; sys.exit(main())"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    return sorted(word.strip() for word in out.read_text().split("\n"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("vipswap sw", ["swap"]),
        ("vipswap swap --max-", ["--max-outage"]),
        ("vipswap swap --strategy n", ["native"]),
        ("vipswap swap --ignore Floating", ["FloatingIp"]),
        ("vipswap schema pl", ["plan"]),
        ("vipswap swap -g vipswap --lb1 ", ["vipswap1lb", "vipswap2lb"]),
        ("vipswap swap -g vipswap --lb1 vipswap1lb --lb2 vipswap2", ["vipswap2lb"]),
        ("vipswap swap -g none --lb1 ", [""]),
    ],
)
def test_a_word_is_completed(line: str, words: list[str], arm: Arm, tmp_path: Path) -> None:
    assert completions(line, tmp_path, arm.endpoint) == words


def test_without_an_arm_no_name_is_completed_and_nothing_is_printed(tmp_path: Path) -> None:
    assert completions("vipswap swap --lb1 ", tmp_path, "http://127.0.0.1:9") == [""]
