"""A signal in the middle of a swap, in a process of its own: no traceback, the truth about the state, exit 130."""

from __future__ import annotations

import os
import random
import shlex
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from tests.cli.conftest import NETWORK, PAIR, PRODUCTION_IP, PRODUCTION_LB, STAGING_IP, STAGING_LB, Arm, unprobed
from vipswap_rest.arm.errors import Interrupted
from vipswap_rest.cli.signals import SignalGuard
from vipswap_rest.emulator.settings import SUBSCRIPTION, Settings
from vipswap_rest.methods.vip_swap.journal import read
from vipswap_rest.methods.vip_swap.model import PublicIp
from vipswap_rest.switchover.report import Side

MOMENTS = {
    "while the float is made": "create the float",
    "while staging goes to the float": "staging's load balancer takes the float",
    "while production is off": "production's load balancer takes staging's address",
    "while production's address comes on": "staging's load balancer takes production's address",
    "while the float is deleted": "delete the float",
}


@pytest.fixture
def settings() -> Settings:
    return Settings(latency="blog", time_scale=0.02)


def environment(arm: Arm) -> dict[str, str]:
    return {
        **os.environ,
        "AZURE_RM_ENDPOINT": arm.endpoint,
        "AZURE_ACCESS_TOKEN": "any",
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
    }


def run_until(arm: Arm, words: str, *numbers: signal.Signals) -> tuple[int, str, str]:
    """Run a swap, send it the signals once its stderr says `words`; returns exit code, stdout and stderr."""
    line = [sys.executable, "-m", "vipswap_rest", *unprobed("swap", *PAIR, "--yes"), "--request-timeout", "1"]
    with subprocess.Popen(
        line, env=environment(arm), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        said = []
        for heard in process.stderr:
            said.append(heard)
            if (words in heard and numbers) or ("Again to stop at once" in heard and numbers):
                # It is said before it is sent.
                while not arm.writes():
                    time.sleep(0.001)
                process.send_signal(numbers[0])
                numbers = numbers[1:]
        out = process.stdout.read()
        return process.wait(timeout=30), out, "".join(said)


def float_of(arm: Arm) -> dict[str, Any] | None:
    return next(
        (body for id, body in arm.state().items() if id.startswith(f"{NETWORK}/publicIPAddresses/vipswap-float")), None
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("words", MOMENTS.values(), ids=MOMENTS.keys())
def test_one_signal_ends_it_with_production_attached_and_130(words: str, number: signal.Signals, arm: Arm) -> None:
    code, out, err = run_until(arm, words, number)

    assert code == 130
    assert "Traceback" not in err
    assert "holds" in err
    assert out.startswith("Interrupted")
    holds = {arm.holds(PRODUCTION_LB), arm.holds(STAGING_LB)}
    assert PRODUCTION_IP in holds


@pytest.mark.parametrize("words", list(MOMENTS.values())[1:4])
def test_the_journal_it_leaves_holds_the_whole_plan(words: str, arm: Arm) -> None:
    run_until(arm, words, signal.SIGTERM)

    left = float_of(arm)
    assert left is not None
    journal = read(PublicIp.read(left))
    assert str(journal.pair.load_balancer(Side.PRODUCTION)) == PRODUCTION_LB
    assert str(journal.pair.load_balancer(Side.STAGING)) == STAGING_LB
    assert {str(id) for id in journal.pair.originals.values()} == {PRODUCTION_IP, STAGING_IP}


@pytest.mark.parametrize("words", MOMENTS.values(), ids=MOMENTS.keys())
def test_the_line_it_prints_finishes_the_swap(words: str, arm: Arm) -> None:
    _, _, err = run_until(arm, words, signal.SIGTERM)
    # The last one it printed; where the signal came before the first write there is only that of the beginning.
    line = [line for line in err.splitlines() if "vipswap swap" in line or "vipswap recover" in line][-1]

    arguments = [*shlex.split(line[line.index("vipswap ") :])[1:]]
    arguments += ["--resume"] if "recover" in arguments else []
    again = subprocess.run(
        [sys.executable, "-m", "vipswap_rest", *arguments], env=environment(arm), timeout=60, check=False
    )

    assert again.returncode == 0
    assert (arm.holds(PRODUCTION_LB), arm.holds(STAGING_LB)) == (STAGING_IP, PRODUCTION_IP)
    assert float_of(arm) is None


def test_a_second_signal_ends_it_at_once_and_says_that_production_is_off(arm: Arm) -> None:
    code, out, err = run_until(arm, MOMENTS["while production is off"], signal.SIGINT, signal.SIGINT)

    assert code == 130
    assert "Traceback" not in err
    assert "vipswap recover" in err
    assert out.startswith("Interrupted")


def test_a_signal_that_comes_while_something_is_held_is_taken_at_the_next_wait() -> None:
    # Raised between any two bytecodes, it could leave a lock of a library's taken for ever.
    lock = threading.Lock()
    with SignalGuard() as guard:
        with lock:
            os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Interrupted):
            guard.sleep(60)
    assert lock.acquire(blocking=False)


def test_a_signal_after_the_one_that_ended_it_does_not_change_how_it_ended() -> None:
    line = (
        "import os, signal, sys\n"
        "from vipswap_rest.cli.signals import SignalGuard\n"
        "with SignalGuard(last=True) as guard:\n"
        "    guard.critical = True\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.exit(130)\n"
    )

    ended = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, timeout=60, check=False)

    assert (ended.returncode, "Traceback" in ended.stderr) == (130, False)


@pytest.mark.parametrize("seed", range(10))
def test_a_signal_at_any_moment_ends_it_soon(seed: int, arm: Arm) -> None:
    line = [sys.executable, "-m", "vipswap_rest", *unprobed("swap", *PAIR, "--yes"), "--request-timeout", "1"]
    delay = random.Random(seed)
    with subprocess.Popen(line, env=environment(arm), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        process.stderr.readline()
        time.sleep(delay.uniform(0, 1.5))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)

    assert process.returncode in (0, 130)
    assert b"Traceback" not in err
    assert PRODUCTION_IP in {arm.holds(PRODUCTION_LB), arm.holds(STAGING_LB)}
