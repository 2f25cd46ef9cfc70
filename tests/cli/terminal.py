"""A command on a terminal of its own, whose Ctrl-C is the terminal's, as a user's is."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import termios
import time
from types import TracebackType

from tests.cli.conftest import Arm
from vipswap_rest.emulator.settings import SUBSCRIPTION

# The terminal becomes the controlling one of the new session, so that what is typed there becomes signals.
_ON_IT = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
CTRL_C = "\x03"


def environment(arm: Arm) -> dict[str, str]:
    return {
        **os.environ,
        "AZURE_RM_ENDPOINT": arm.endpoint,
        "AZURE_ACCESS_TOKEN": "any",
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
    }


class Terminal:
    """Runs a program of Python's arguments on a terminal; `said` is all that was written to it."""

    def __init__(self, *arguments: str, env: dict[str, str], cwd: str | None = None) -> None:
        self._ours, theirs = os.openpty()
        # A Ctrl-C else takes back what was written and is not read yet.
        attributes = termios.tcgetattr(theirs)
        attributes[3] |= termios.NOFLSH
        termios.tcsetattr(theirs, termios.TCSANOW, attributes)
        line = [sys.executable, "-c", _ON_IT, sys.executable, *arguments]
        self.process = subprocess.Popen(
            line, stdin=theirs, stdout=theirs, stderr=theirs, env=env, cwd=cwd, start_new_session=True
        )
        os.close(theirs)
        self.said = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def until(self, words: str, seconds: float = 60.0) -> None:
        """Read until it has written `words`."""
        end = time.monotonic() + seconds
        while words not in self.said:
            more = self._read(1.0)
            assert more, f"it never said {words!r}: {self.said}"
            assert time.monotonic() < end, f"it did not say {words!r} in time: {self.said}"

    def end(self, seconds: float = 60.0) -> int:
        """Its exit code, once all that it wrote is read."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._read(1.0):
            pass
        return self.process.wait(timeout=max(0.1, end - time.monotonic()))

    def _read(self, seconds: float) -> bool:
        """Whether there may be more to come."""
        ready, _, _ = select.select([self._ours], [], [], seconds)
        if not ready:
            return True
        try:
            told = os.read(self._ours, 65536)
        except OSError:
            # EIO: nobody has the other end any more.
            return False
        self.said += told.decode(errors="replace")
        return bool(told)
