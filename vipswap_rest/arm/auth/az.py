"""The login of the az command."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from vipswap_rest.arm.auth.renewed import Renewed
from vipswap_rest.arm.clock import Clock
from vipswap_rest.arm.clouds import Cloud
from vipswap_rest.arm.errors import CredentialError
from vipswap_rest.arm.presentable import presentable

AZ_TIMEOUT_S = 60.0


class AzLogin(Renewed):
    """The login of the az command: `az account get-access-token`."""

    description = "az's login (az account get-access-token)"

    def __init__(self, az: str, *, cloud: Cloud, subscription: str | None = None, clock: Clock | None = None) -> None:
        super().__init__(clock)
        self._az, self._cloud, self._subscription = az, cloud, subscription
        self.default_subscription: str | None = None

    def _fetch(self, timeout_s: float) -> tuple[str, float]:
        line = [self._az, "account", "get-access-token", "--resource", self._cloud.audience, "--output", "json"]
        if self._subscription:
            line += ["--subscription", self._subscription]
        try:
            code, out, err = _run(line, min(AZ_TIMEOUT_S, timeout_s), self._clock)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CredentialError(
                "az returned no token: it did not run or did not end.", hint="Run `az login` and try again."
            ) from error
        if code != 0:
            raise CredentialError(f"az returned no token: {_complaint(err)}", hint=_advice(err))
        try:
            answer = json.loads(out)
            text, expires = answer["accessToken"], _expiry_in(answer)
            if not isinstance(text, str) or not text:
                raise TypeError("no token")
        except (ValueError, KeyError, TypeError, OverflowError, OSError) as error:
            raise CredentialError("az returned an invalid token.", hint="Update az and try again.") from error
        subscription = answer.get("subscription")
        self.default_subscription = subscription if isinstance(subscription, str) else None
        return text, (expires - self._clock.now()).total_seconds()


def _run(line: list[str], timeout_s: float, clock: Clock) -> tuple[int, str, str]:
    """Run az. Where it hangs, or a signal ends the wait for it, it is ended."""
    with subprocess.Popen(
        line,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            out, err = clock.wait_for(lambda: process.communicate(timeout=timeout_s))
        except BaseException:
            _end(process)
            raise
        return process.returncode, out, err


def _end(process: subprocess.Popen[str]) -> None:
    """End az, which is a script round a Python: what hangs is both, and both must end."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        # Windows has no such groups; its own command ends a process with all that it started.
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)


def _complaint(err: str) -> str:
    """The line of az's stderr that says what is wrong: its first ERROR, else its last."""
    lines = [line.strip() for line in err.splitlines() if line.strip()]
    first = next((line.partition(":")[2].strip() for line in lines if line.startswith("ERROR:")), "")
    return first or (lines[-1] if lines else "no reason given")


def _advice(err: str) -> str:
    """What az itself advises below its ERROR: the login that it asks for may need a tenant, a scope or claims."""
    lines = [line.strip() for line in err.splitlines() if line.strip()]
    begun = next((place for place, line in enumerate(lines) if line.startswith("ERROR:")), len(lines))
    below = [line for line in lines[begun + 1 :] if not line.startswith(("WARNING:", "ERROR:"))]
    if any(re.search(r"\baz [a-z]", line) for line in below):
        # Of commands below one another, each is a line to run.
        lines = [f"{line};" if line.startswith("az ") else line for line in below]
        return presentable(f"az advises: {' '.join(lines).rstrip(';')}")
    return "Run `az login` and try again."


def _expiry_in(answer: Mapping[str, Any]) -> datetime:
    """The end of az's token: `expires_on` in POSIX seconds, or in older versions `expiresOn` in local time."""
    if answer.get("expires_on") is not None:
        return datetime.fromtimestamp(int(answer["expires_on"]), timezone.utc)
    return datetime.fromisoformat(str(answer["expiresOn"])).astimezone(timezone.utc)
