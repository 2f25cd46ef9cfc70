"""Single recorded errors: the same situation gets the same error."""

from __future__ import annotations

import re

import pytest

from tests.arm import cassettes
from tests.arm.cassettes import Line
from tests.emulator.conversation import headers_of
from tests.emulator.situations import SITUATIONS
from tests.emulator.stage import Stage
from vipswap_rest.emulator import Settings

FILE = cassettes.FOLDER / "errors_single.jsonl"
LINES = cassettes.read(FILE) if FILE.exists() else []

pytestmark = pytest.mark.skipif(not LINES, reason=cassettes.ABSENT)

# By number of the line; why the emulator has no such error.
NOT_DONE = {
    2: "a provider's own limit on its reads (backup jobs)",
    3: "virtual networks are deleted without a look at what is in their subnets",
    7: "every subscription is registered for every namespace",
    8: "there is one tenant only",
    11: "a provider that fails: what a fault is for",
    12: "there is one tenant only, so no linked subscription outside it",
}


def code_of(line: Line) -> str:
    """The error's code, and its first detail's where it has one."""
    error = line.body["error"]
    return "/".join([error["code"], *(detail["code"] for detail in (error.get("details") or [])[:1])])


@pytest.mark.parametrize("line", [one for one in LINES if one.n not in NOT_DONE], ids=lambda one: f"{one.n}")
def test_a_recorded_error_is_answered_in_the_same_situation(line: Line) -> None:
    stage = Stage(Settings(env="none", latency="blog", reference_provisioning="refuse"))

    answer = SITUATIONS[code_of(line)](stage, line)

    recorded, own = line.body["error"], answer.json()["error"]
    assert (answer.status, own["code"]) == (line.status, recorded["code"])
    assert form(own["message"]) == form(recorded["message"])
    # The gateway's errors have no details, a provider's a list.
    assert ("details" in own) == ("details" in recorded)
    for mine, theirs in zip(own.get("details", []), recorded.get("details", []), strict=False):
        assert (mine["code"], form(mine["message"])) == (theirs["code"], form(theirs["message"]))
    who = {"x-ms-failure-cause"}
    assert headers_of(answer.headers) & who == headers_of(line.headers) & who


def test_every_error_that_is_not_answered_is_one_of_the_recorded_ones() -> None:
    assert set(NOT_DONE) <= {line.n for line in LINES}
    assert not {code_of(line) for line in LINES if line.n in NOT_DONE} & set(SITUATIONS)


def form(message: str) -> str:
    """A message without what is of its occasion: ids, names of operations and states, numbers, places in a text."""
    message = re.sub(r"/subscriptions/[^\s',]+", "<id>", message)
    # Recorded in 2020 with the load balancer's name, and since with its whole id.
    message = re.sub(r"used by resource \w+ ", "used by resource <id> ", message)
    message = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<guid>", message)
    message = re.sub(r"\b\w+Operation\b", "<operation>", message)
    message = re.sub(r"'Microsoft\.\w+/[\w/]+/write'|'user@example.com'|'<guid>'", "<who or what>", message)
    message = re.sub(r", line \d+, position \d+", "", message)
    return re.sub(r"\d+", "<n>", message)
