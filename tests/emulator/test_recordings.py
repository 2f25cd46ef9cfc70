"""Recorded conversations with ARM, held again with the emulator: it answers as ARM did, but for what is listed here."""

from __future__ import annotations

from dataclasses import dataclass
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
NAT_POOL = "aso_lb_nat_pool_nat_rule_crud_2025-03-01"
INVALID = "aso_lb_put_400_invalid_reference_2020-11-01"
ADDRESS = "aso_pip_create_update_delete_2025-03-01"
PREFIX = "aso_pip_put_404_prefix_missing_2024-03-01"
TAGS = "cli_pip_patch_tags_2024-05-01"
POOL = "k8s_lb_pool_crud_404_2025-05-01"
NAT_RULES = "lb_nat_rules_v2"
GATEWAY = "lb_rule_backend_address_pools"
AGAIN = "load_balancer_ip_config"

# Lines that are not asked: calls outside the file caused their answers.
LEFT_OUT = {
    (THROTTLED, 13): "429: an availability set, which no recorded call wrote, was being updated",
    (HICCUP, 0): "503: a moment's failure of ARM's gateway; the call did not happen",
}


@dataclass(frozen=True, slots=True)
class Known:
    """A difference that is known: in these lines of that conversation, the differences of this pattern."""

    stem: str
    lines: tuple[int, ...]
    pattern: str
    reason: str


_NOTIFIED = (
    "Azure-AsyncNotification came up at the end of 2020 by date, not by api-version; the emulator speaks of today"
)
_UPDATING = "missing: a subnet frontend added to a Standard load balancer makes it Updating"
_GATEWAY = "missing: a gateway load balancer is always Updating"
_GONE = "missing: ARM's gateway answers for a load balancer or address that is gone; here the provider does"
_GROUP = "missing: a group's deletion ends in an empty 200 without headers of an operation, here in the provider's 204"
_REFERENCE = "missing: what is referenced in capitals, and the detail NotFound"
_PREFIX = "missing: an address with a prefix that does not exist is refused with 404"
_SECOND = "missing: an inbound NAT rule of the second kind is refused, so that all that follows is otherwise"
DIFFERENCES = [
    Known(
        GLOBAL, (10,), "header + azure-asyncnotification", "sent by 3 of this load balancer's 4 updates, by all since"
    ),
    Known(BACKENDS, (0, 3, 9, 12, 18), "header + azure-asyncnotification", _NOTIFIED),
    Known(THROTTLED, (1, 5, 9), "header + azure-asyncnotification", _NOTIFIED),
    Known(STANDARD, (30,), "value properties*.provisioningState: Updating -> Succeeded", _UPDATING),
    Known(AGAIN, (30,), "value properties*.provisioningState: Updating -> Succeeded", _UPDATING),
    Known(POOL, (5,), "value properties.provisioningState: Updating -> Succeeded", "missing: a pool's PUT is Updating"),
    Known(
        GATEWAY,
        (1, 6, 11, 16, 20, 24, 28, 32, 36, 40),
        "value properties*.provisioningState: Updating -> Succeeded",
        _GATEWAY,
    ),
    Known(GATEWAY, (1, 6, 11, 16), "value properties.tunnelInterfaces*.port: 0 -> 1080[01]", _GATEWAY),
    Known(TAGS, (4,), "header - azure-asyncnotification", "missing: a PATCH is notified of"),
    *(Known(stem, lines, "*", _GONE) for stem, lines in ((NAT_POOL, (15,)), (ADDRESS, (10,)))),
    *(
        Known(stem, lines, "*", _GROUP)
        for stem, lines in ((NAT_POOL, (17,)), (INVALID, (17,)), (ADDRESS, (12,)), (PREFIX, (16,)), (POOL, (21,)))
    ),
    Known(INVALID, (1,), "*error*", _REFERENCE),
    Known(PREFIX, (0, 1, 2, 3, 4, 6), "*", _PREFIX),
    Known(NAT_RULES, tuple(range(1, 9)), "*", _SECOND),
]


def is_ours(line: Line) -> bool:
    """Whether a line is about no resource at all, or one of a kind that the emulator has rules for."""
    kinds = ("/loadbalancers/", "/publicipaddresses/", "/virtualnetworks/")
    about = resource_of(line)
    return about is None or any(kind in about for kind in kinds)


def conversations() -> list[Path]:
    return [path for path in cassettes.conversations() if all(map(is_ours, cassettes.read(path)))]


@pytest.mark.parametrize("path", conversations(), ids=lambda path: str(path.stem))
def test_the_emulator_answers_a_recorded_conversation_as_arm_did(path: Path) -> None:
    talk = Talk(cassettes.read(path))

    found = list(talk.differences({n for stem, n in LEFT_OUT if stem == path.stem}))

    listed = [(n, one.pattern) for one in DIFFERENCES if one.stem == path.stem for n in one.lines]
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
    return fnmatchcase(one.replace("[", "|").replace("]", "|"), pattern)
