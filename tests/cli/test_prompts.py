"""Each prompt there is, on a real terminal: answered, and interrupted once and twice, by Ctrl-C and by SIGTERM."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import PAIR, PRODUCTION_IP, PRODUCTION_LB, STAGING_IP, STAGING_LB, Arm
from tests.cli.terminal import CTRL_C, Terminal, environment

ROOT = Path(__file__).resolve().parents[2]
SWAP = ("-m", "vipswap_rest", "swap", *PAIR, "--no-probe")
EXPERIMENT = ("-m", "vipswap_rest", "experiment", *PAIR, "--trials", "2", "--allow-few", "--out", "out")
SCRIPT = (str(ROOT / "scripts" / "vip_swap.py"), "-g", "vipswap", "-1", "vipswap1lb", "-2", "vipswap2lb")
PROMPTS = {"swap": SWAP, "experiment": EXPERIMENT, "scripts/vip_swap.py": SCRIPT}
ASKS = "[y/N]"


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """Where the commands run: the script reads its settings there."""
    told = {
        "tenantId": "t",
        "appId": "a",
        "appSecret": "s",
        "subscriptionId": environment(Arm(""))["AZURE_SUBSCRIPTION_ID"],
    }
    (tmp_path / "azurermconfig.json").write_text(json.dumps(told))
    return str(tmp_path)


@pytest.fixture(params=PROMPTS.values(), ids=PROMPTS.keys())
def asking(request: pytest.FixtureRequest, arm: Arm, folder: str) -> Iterator[Terminal]:
    terminal = Terminal(*request.param, env={**environment(arm), "PYTHONPATH": str(ROOT)}, cwd=folder)
    with terminal:
        terminal.until(ASKS)
        yield terminal


def unchanged(arm: Arm) -> bool:
    return arm.writes() == [] and (arm.holds(PRODUCTION_LB), arm.holds(STAGING_LB)) == (PRODUCTION_IP, STAGING_IP)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_ctrl_c_at_a_prompt_ends_it_with_130(asking: Terminal, times: int, arm: Arm) -> None:
    asking.type(CTRL_C * times)

    assert asking.end(10) == 130, asking.said
    assert "Interrupted by SIGINT." in asking.said
    assert "Traceback" not in asking.said
    assert unchanged(arm)


@pytest.mark.parametrize("times", [1, 2])
def test_sigterm_at_a_prompt_ends_it_with_130(asking: Terminal, times: int, arm: Arm) -> None:
    for _ in range(times):
        os.kill(asking.process.pid, signal.SIGTERM)

    assert asking.end(10) == 130, asking.said
    assert "Interrupted by SIGTERM." in asking.said
    assert "Traceback" not in asking.said
    assert unchanged(arm)


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x04", "yess\n"], ids=["no", "nothing", "Ctrl-D", "a slip"])
def test_what_is_no_yes_changes_nothing(asking: Terminal, answer: str, arm: Arm) -> None:
    asking.type(answer)

    assert asking.end(10) == 1, asking.said
    assert "Traceback" not in asking.said
    assert unchanged(arm)


@pytest.mark.parametrize("answer", ["y\n", "YES\n"])
def test_yes_at_the_prompt_swaps(answer: str, arm: Arm) -> None:
    with Terminal(*SWAP, env=environment(arm)) as terminal:
        terminal.until(ASKS)
        terminal.type(answer)

        assert terminal.end() == 0, terminal.said
    assert (arm.holds(PRODUCTION_LB), arm.holds(STAGING_LB)) == (STAGING_IP, PRODUCTION_IP)
