"""Other people's clients, installed on first use by scripts/clients into a folder that git ignores."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).with_name("programs")
# Installing the largest took about a minute.
_PATIENCE_S = 900


def client(name: str) -> Path:
    """The folder of the programs that came with the client. Skips the test where it cannot be installed."""
    folder = ROOT / ".clients"
    folder.mkdir(exist_ok=True)
    # The suite's processes may want it at the same moment; it is installed by one, and the others wait.
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = subprocess.run(
            [str(ROOT / "scripts" / "clients"), name],
            # The Python that runs the tests is new enough for all of them.
            env={"PYTHON": sys.executable, **os.environ},
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    if made.returncode != 0:
        said = [line for line in made.stderr.splitlines() if "WARNING" not in line]
        pytest.skip(f"{name} cannot be installed here: {' '.join(said[-2:])}")
    return ROOT / ".clients" / name / "bin"


def versions(name: str, *packages: str) -> dict[str, str]:
    """The versions of some of a client's packages, of those that are installed."""
    file = ROOT / ".clients" / name / "installed"
    lines = file.read_text(encoding="utf-8").splitlines() if packages and file.is_file() else []
    found = dict(line.split("==", 1) for line in lines if "==" in line)
    return {package: found[package] for package in packages if package in found}
