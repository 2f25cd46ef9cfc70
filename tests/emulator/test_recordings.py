"""Recorded conversations with ARM, held again with the emulator: it answers as ARM did, but for what is listed here."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.emulator.conversation import Talk, resource_of
from tests.wire import cassettes
from tests.wire.cassettes import Line

pytestmark = pytest.mark.skipif(not cassettes.FOLDER.is_dir(), reason=cassettes.ABSENT)

STANDARD = "lb_frontend_ip_swap_standard_2023-04-01"
GLOBAL = "lb_frontend_ip_swap_global_updating_2021-02-01"
BACKENDS = "lb_frontend_ip_swap_real_backends_retry_after_2019-09-01"
THROTTLED = "lb_put_429_retryable_2018-11-01"
HICCUP = "pip_put_503_then_201_2020-07-01"

# Lines that are not asked: calls outside the file caused their answers.
LEFT_OUT = {
    (THROTTLED, 13): "429: an availability set, which no recorded call wrote, was being updated",
    (HICCUP, 0): "503: a moment's failure of ARM's gateway; the call did not happen",
}
_NOTIFIED = (
    "Azure-AsyncNotification came up at the end of 2020 by date, not by api-version; the emulator speaks of today"
)
# Conversation, line, difference (a pattern), reason.
DIFFERENCES = [
    (GLOBAL, 10, "header + azure-asyncnotification", "sent by 3 of this load balancer's 4 updates; by all since then"),
    *((BACKENDS, n, "header + azure-asyncnotification", _NOTIFIED) for n in (0, 3, 9, 12, 18)),
    (BACKENDS, 20, "header + azure-asyncnotification", "results have it since 2022"),
    *((THROTTLED, n, "header + azure-asyncnotification", _NOTIFIED) for n in (1, 5, 9)),
    (
        STANDARD,
        35,
        "value properties*.provisioningState: Succeeded -> Updating",
        "where a frontend in a subnet was added, removed or changed: 13 of 14 recorded updates are Updating, not this",
    ),
]


def is_ours(line: Line) -> bool:
    """Whether a line is about no resource at all, or one of a kind that the emulator has rules for."""
    kinds = ("/loadbalancers/", "/publicipaddresses/", "/virtualnetworks/")
    about = resource_of(line)
    return about is None or any(kind in about for kind in kinds)


def conversations() -> list[Path]:
    found = sorted(cassettes.FOLDER.glob("*.jsonl")) if cassettes.FOLDER.is_dir() else []
    return [path for path in found if path.stem != "errors_single" and all(map(is_ours, cassettes.read(path)))]


@pytest.mark.parametrize("path", conversations(), ids=lambda path: str(path.stem))
def test_the_emulator_answers_a_recorded_conversation_as_arm_did(path: Path) -> None:
    talk = Talk(cassettes.read(path))

    found = list(talk.differences({n for stem, n in LEFT_OUT if stem == path.stem}))

    listed = [(n, pattern) for stem, n, pattern, _ in DIFFERENCES if stem == path.stem]
    new = [(n, one) for n, one in found if not any(n == line and matches(one, like) for line, like in listed)]
    unused = [(line, like) for line, like in listed if not any(n == line and matches(one, like) for n, one in found)]
    assert (new, unused) == ([], [])


@pytest.mark.parametrize(("stem", "n"), LEFT_OUT)
def test_every_line_that_is_left_out_was_refused(stem: str, n: int) -> None:
    assert cassettes.read(cassettes.FOLDER / f"{stem}.jsonl")[n].status in (429, 503)


def test_most_of_what_is_compared_was_not_seeded_from_the_line_itself() -> None:
    seeded, asked = 0, 0
    for path in conversations():
        talk = Talk(cassettes.read(path))
        list(talk.differences({n for stem, n in LEFT_OUT if stem == path.stem}))
        seeded += talk.seeded
        asked += len(talk.lines)
    assert seeded * 8 < asked


def matches(one: str, pattern: str) -> bool:
    return fnmatchcase(re.sub(r"[\[\]]", "|", one), re.sub(r"[\[\]]", "|", pattern))
