"""swap, plan, status and recover stand on nothing that only POSIX has: they run where it is taken away."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.conftest import PAIR, PRODUCTION_LB, STAGING_IP, Arm
from tests.cli.terminal import environment
from vipswap_rest.emulator.settings import Settings

# What Windows' Python has not: whole modules, and names of those that it has.
_WITHOUT = """
import os, select, selectors, signal, socket, subprocess, sys, tempfile, threading
import requests, urllib3
for name in ("fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"):
    sys.modules[name] = None
for module, names in {
    os: ("fork", "getpgid", "getuid", "kill", "killpg", "openpty", "setsid", "uname", "O_NONBLOCK"),
    select: ("epoll", "poll"),
    signal: ("ITIMER_REAL", "SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR1", "alarm", "pthread_sigmask", "setitimer"),
    socket: ("MSG_DONTWAIT", "SO_REUSEPORT"),
}.items():
    for name in names:
        delattr(module, name)
selectors.DefaultSelector = selectors.SelectSelector
from vipswap_rest.cli.main import main
sys.exit(main())
"""
LINES = {
    "swap": ("swap", *PAIR, "--yes"),
    "plan": ("plan", *PAIR),
    "status": ("status", "-g", "vipswap"),
    "recover": ("recover", "-g", "vipswap"),
}


@pytest.fixture
def settings() -> Settings:
    return Settings(latency="blog", time_scale=0.004, data_plane=True)


def run(arm: Arm, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-c", _WITHOUT, *arguments]
    return subprocess.run(line, env=environment(arm), capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
def test_it_runs_without_what_only_posix_has(line: tuple[str, ...], arm: Arm) -> None:
    ran = run(arm, *line)

    assert ran.returncode == 0, ran.stderr
    assert (arm.holds(PRODUCTION_LB) == STAGING_IP) is (line[0] == "swap")


def test_without_it_a_swap_is_probed_all_the_same(arm: Arm) -> None:
    ran = run(arm, *LINES["swap"])

    assert "not probed" not in ran.stdout
    assert "(was on vipswap1lb)" in ran.stdout


def test_help_imports_no_verb() -> None:
    program = "import sys\nfrom vipswap_rest.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    program += "print([name for name in sys.modules if name.split('.')[0] in ('requests', 'msal', 'aiohttp')])"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert ran.stdout.splitlines()[-1] == "[]"
