"""Recorded conversations with ARM, held again with the emulator: it answers as ARM did, but for what is listed here."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.arm import cassettes
from tests.arm.cassettes import Line
from tests.emulator.conversation import Talk, resource_of

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
RULES = "appgw_rule_update_2023-11-01"
HEALTH = "appgw_backend_health_unhealthy_2019-09-01"
DEPLOYED = "deployment_validate_create_2022-09-01"
WHAT_IF = "deployment_whatif_2022-09-01"
BLOCKED = "rg_delete_blocked_409"
MANUAL = "vmss_manualupgrade_patch_retry_after_2019"
QUOTA = "deployment_quota_exceeded_validate_400"

# Lines that are not asked: calls outside the file caused their answers.
LEFT_OUT = {
    (THROTTLED, 13): "429: an availability set, which no recorded call wrote, was being updated",
    (QUOTA, 0): "400: the region's cores were used up by what is not in the file",
    (HICCUP, 0): "503: a moment's failure of ARM's gateway; the call did not happen",
}


# Conversations about kinds that the emulator stores as they are sent.
WITHOUT_RULES = {
    "nic_join_pool_retry_after_2019-09-01": "network interfaces of machines, which no method here writes",
    "traffic_manager_profile_2018": "Traffic Manager, which no method here writes",
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
_UNIQUE = "what uniqueString makes of an id is Azure's own"
_PLACE = "the emulator does not say where in the text of a template something stands"
_NO_RULES = "the emulator has no rules for {}: it shows what was sent"
_BY_DATE = "shown since later years, by date, not by api-version"
_SUBNET = "where a frontend in a subnet was added, removed or changed nearly all are Updating, this one not"
DIFFERENCES = [
    Known(
        GLOBAL, (10,), "header + azure-asyncnotification", "sent by 3 of this load balancer's 4 updates, by all since"
    ),
    Known(BACKENDS, (0, 3, 9, 12, 18), "header + azure-asyncnotification", _NOTIFIED),
    Known(THROTTLED, (1, 5, 9), "header + azure-asyncnotification", _NOTIFIED),
    Known(BACKENDS, (20,), "header + azure-asyncnotification", "results have it since 2022"),
    *(
        Known(stem, (35,), "value properties*.provisioningState: Succeeded -> Updating", _SUBNET)
        for stem in (STANDARD, AGAIN)
    ),
    Known(
        RULES,
        (57,),
        "value properties*.provisioningState: Succeeded -> Updating",
        "a gateway's PUT is Updating or Succeeded; the emulator's always Updating",
    ),
    Known(HEALTH, (0, 1, 2), "header + azure-asyncnotification", _NOTIFIED),
    *(
        Known(HEALTH, (1, 2), f"value *.servers|0|.{what}: *", "what an unreachable machine says is not seeded")
        for what in ("address", "healthProbeLog")
    ),
    *(
        Known(DEPLOYED, (3, 14), f"value error.{what}: *", _PLACE)
        for what in ("message", "additionalInfo|0|.info.lineNumber", "additionalInfo|0|.info.linePosition")
    ),
    Known(DEPLOYED, (8, 13, 17), "key - properties.outputs.newNSG.value.*", _NO_RULES.format("security groups")),
    Known(DEPLOYED, (19,), "value value|*|.id: *", "an operation's id is its maker's"),
    *(
        Known(DEPLOYED, lines, "key - value|*|.properties.outputs.newNSG.value.*", _NO_RULES.format("security groups"))
        for lines in ((15, 16),)
    ),
    Known(WHAT_IF, (0, 4, 6), "value *store* -> *", _UNIQUE),
    *(
        Known(WHAT_IF, (6,), f"key - properties.changes|0|.{side}.properties.*", _NO_RULES.format("storage"))
        for side in ("before", "after")
    ),
    Known(BLOCKED, (5,), "key - Error.Details|*|.*", "a fault has no details"),
    *(
        Known(MANUAL, (0, 4), f"key + properties.*{what}", _BY_DATE)
        for what in ("orchestrationMode", "disableTcpStateTracking")
    ),
    Known(MANUAL, (0,), "key - *.enableAcceleratedNetworking", "shown at creation then, not by any later recording"),
    Known(MANUAL, (1, 5), "header - retry-after", "a poll's estimate of the time left; most polls have none"),
    Known(MANUAL, (8,), "header + azure-asyncnotification", _NOTIFIED),
    Known(
        POOL,
        (10,),
        "value properties.provisioningState: Succeeded -> Updating",
        "of the recorded PUTs of a pool 104 of 106 are Updating, this one not",
    ),
]


def is_ours(line: Line) -> bool:
    """Whether a line is about no resource at all, or one of a kind that the emulator has rules for."""
    kinds = ("/applicationgateways/", "/loadbalancers/", "/publicipaddresses/", "/virtualnetworks/")
    kinds += ("/virtualmachinescalesets/", "/deployments/")
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
    (path,) = [one for one in conversations() if one.stem == stem]
    assert cassettes.read(path)[n].status in (400, 429, 503)


def test_every_other_conversation_is_about_a_kind_without_rules_here() -> None:
    asked = {path.stem for path in conversations()}

    assert {path.stem for path in cassettes.conversations()} - asked == set(WITHOUT_RULES)


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
