"""A result that stdout does not take is told on stderr, and is no traceback; a verb that only tells has then failed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.cli.conftest import PAIR, Arm
from vipswap_rest.emulator.settings import SUBSCRIPTION


@pytest.mark.parametrize("buffered", ["buffered", "unbuffered"])
@pytest.mark.parametrize("form", ["json", "table"])
@pytest.mark.parametrize(
    "verb", [("plan", *PAIR), ("status", "-g", "vipswap"), ("login-info",)], ids=lambda verb: verb[0]
)
def test_what_only_tells_has_failed_where_stdout_does_not_take_it(
    verb: tuple[str, ...], form: str, buffered: str, arm: Arm
) -> None:
    environment = {
        **os.environ,
        "AZURE_RM_ENDPOINT": arm.endpoint,
        "AZURE_ACCESS_TOKEN": "any",
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
        "PYTHONUNBUFFERED": "1" if buffered == "unbuffered" else "",
    }

    with open("/dev/full", "w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "vipswap_rest", *verb, "-o", form],
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )

    assert ran.returncode == 1
    assert ran.stderr == "vipswap: the result could not be written to stdout: No space left on device.\n"
