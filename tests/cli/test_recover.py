"""`vipswap status` and `vipswap recover`, from a process that knows nothing but the resource group."""

from __future__ import annotations

import pytest
import requests

from tests.cli.conftest import PAIR, PRODUCTION_IP, PRODUCTION_LB, STAGING_IP, STAGING_LB, Arm, Vipswap
from vipswap_rest.arm.errors import without_ids


@pytest.fixture
def stranded(arm: Arm, vipswap: Vipswap) -> str:
    """A swap stopped with production on no load balancer; gives the float's id."""
    # From the second write on, neither load balancer may be written: no way forward, and none back.
    faults = [
        {"match": {"method": "PUT", "path": f"{name}$", "nth": 2}, "effect": {"status": 403}, "times": 10**6}
        for name in ("vipswap1lb", "vipswap2lb")
    ]
    requests.post(f"{arm.endpoint}/emulator/faults", json=faults, timeout=10).raise_for_status()
    ran = vipswap("swap", *PAIR, "--yes", "--request-timeout", "1")
    requests.delete(f"{arm.endpoint}/emulator/faults", timeout=10).raise_for_status()
    assert ran.code == 6
    assert "vipswap recover" in ran.err
    return next(id for id in arm.state() if "vipswap-float-" in id)


def test_status_tells_who_holds_what_and_that_production_is_off(stranded: str, vipswap: Vipswap) -> None:
    ran = vipswap("status", "-g", "vipswap", "-o", "json")

    (swap,) = ran.json()["swaps"]
    assert ran.code == 0
    assert swap["float"] == stranded
    assert swap["production_attached"] is False
    assert swap["production"]["load_balancer"] == PRODUCTION_LB
    assert swap["production"]["holds"] == STAGING_IP
    assert swap["production"]["held_by"] is None
    assert swap["staging"]["holds"] == stranded
    assert swap["started_at"].endswith("Z")


def test_status_says_in_words_that_production_is_off(stranded: str, vipswap: Vipswap) -> None:
    assert "production is on NO load balancer" in vipswap("status", "-g", "vipswap").out


def test_status_of_a_group_without_interrupted_swaps_is_an_empty_list(vipswap: Vipswap) -> None:
    assert vipswap("status", "-g", "vipswap", "-o", "json").json() == {"swaps": []}


@pytest.mark.parametrize(
    ("way", "outcome", "on"),
    [
        (("--resume",), "swapped", (STAGING_IP, PRODUCTION_IP)),
        (("--rollback",), "rolled_back", (PRODUCTION_IP, STAGING_IP)),
        ((), "swapped", (STAGING_IP, PRODUCTION_IP)),
    ],
    ids=["resume", "rollback", "neither"],
)
def test_recover_needs_nothing_but_the_group(
    way: tuple[str, ...], outcome: str, on: tuple[str, str], stranded: str, arm: Arm, vipswap: Vipswap
) -> None:
    ran = vipswap("recover", "-g", "vipswap", *way, "-o", "json")

    assert ran.code == 0
    assert ran.json()["outcome"] == outcome
    assert (arm.holds(PRODUCTION_LB), arm.holds(STAGING_LB)) == on
    assert stranded not in arm.state()


def test_recover_by_the_names_of_the_pair_in_any_order(stranded: str, arm: Arm, vipswap: Vipswap) -> None:
    ran = vipswap("recover", "-g", "vipswap", "--lb1", "vipswap2lb", "--lb2", "VIPSWAP1LB", "--resume")

    assert ran.code == 0
    assert arm.holds(STAGING_LB) == PRODUCTION_IP


def test_recover_with_nothing_to_do_says_so_and_exits_0(arm: Arm, vipswap: Vipswap) -> None:
    ran = vipswap("recover", "-g", "vipswap", "-o", "json")

    assert ran.code == 0
    assert ran.json()["outcome"] == "nothing_to_do"
    assert arm.writes() == []


@pytest.mark.parametrize("verb", ["status", "recover"])
@pytest.mark.parametrize("group", ["a/b", "..", "a b"])
def test_a_group_that_is_none_is_a_usage_error(verb: str, group: str, vipswap: Vipswap) -> None:
    ran = vipswap(verb, "-g", group)

    assert ran.code == 2
    assert f"{group!r} is an invalid name for a resource group" in ran.err


@pytest.mark.parametrize(
    ("where", "code", "outcome", "error"),
    [
        (("-g", "nogroup"), 3, "refused", "ResourceGroupNotFound"),
        (("-g", "a/b"), 2, "refused", "UsageError"),
        ((), 2, "refused", "UsageError"),
        (
            ("-g", "vipswap", "--subscription", "66666666-6666-6666-6666-666666666666"),
            3,
            "refused",
            "SubscriptionNotFound",
        ),
    ],
)
def test_a_recovery_that_cannot_begin_says_why_as_json_too(
    where: tuple[str, ...], code: int, outcome: str, error: str, vipswap: Vipswap
) -> None:
    ran = vipswap("recover", *where, "-o", "json")

    assert ran.code == code
    told = ran.json()
    assert told["outcome"] == outcome
    assert told["error"]["code"] == error
    assert (told["production"], told["staging"], told["steps"]) == (None, None, [])
    words, ids = without_ids(told["error"]["message"])
    assert words in ran.err
    assert ran.err.splitlines()[-len(ids) :] == [f"  {one}" for one in ids] if ids else "[request id" not in ran.err


def test_a_recovery_without_credentials_has_failed(vipswap: Vipswap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_ACCESS_TOKEN", "")

    ran = vipswap("recover", "-g", "vipswap", "-o", "json")

    assert ran.code == 1
    assert (ran.json()["outcome"], ran.json()["error"]["code"]) == ("failed", "CredentialError")


def test_recover_without_a_group_or_a_pair_asks_where_to_look(vipswap: Vipswap) -> None:
    ran = vipswap("recover")

    assert ran.code == 2
    assert "-g" in ran.err


def test_a_float_with_damaged_tags_is_shown_and_not_recovered(stranded: str, arm: Arm, vipswap: Vipswap) -> None:
    arm.change(stranded, lambda body: body["tags"].update({"vipswap-goal": "original"}))

    (shown,) = vipswap("status", "-g", "vipswap", "-o", "json").json()["swaps"]
    ran = vipswap("recover", "-g", "vipswap")

    assert "checksum" in shown["damage"]
    assert ran.code == 4
    assert "damaged" in ran.err


def test_a_recovery_that_is_refused_says_so_in_its_json_too(stranded: str, arm: Arm, vipswap: Vipswap) -> None:
    arm.change(stranded, lambda body: body["tags"].update({"vipswap-goal": "original"}))

    ran = vipswap("recover", "-g", "vipswap", "-o", "json")

    assert ran.code == 4
    assert (ran.json()["outcome"], ran.json()["error"]["code"]) == ("refused", "FloatDamaged")
