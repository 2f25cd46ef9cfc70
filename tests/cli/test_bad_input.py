"""Bad input gets one clear sentence and the contract's exit code, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.cli.conftest import NETWORK, PAIR, PRODUCTION_IP, PRODUCTION_LB, STAGING_IP, STAGING_LB, Arm, Vipswap
from vipswap_rest.arm.ids import ResourceId
from vipswap_rest.methods.vip_swap.journal import float_id

Edit = Callable[[dict[str, Any]], None]
FLOAT = str(float_id((ResourceId.parse(PRODUCTION_LB), ResourceId.parse(STAGING_LB))))


def edit(id: str, *path: str | int, value: Any) -> Callable[[Arm], None]:
    """Seed a resource with one value replaced."""

    def change(body: dict[str, Any]) -> None:
        found: Any = body
        for key in path[:-1]:
            found = found[key]
        found[path[-1]] = value

    return lambda arm: arm.change(id, change)


def both(*changes: Callable[[Arm], None]) -> Callable[[Arm], None]:
    def change(arm: Arm) -> None:
        for one in changes:
            one(arm)

    return change


def two_frontends(arm: Arm) -> None:
    def change(body: dict[str, Any]) -> None:
        front = body["properties"]["frontendIPConfigurations"]
        second = {**front[0], "name": "second", "id": f"{PRODUCTION_LB}/frontendIPConfigurations/second"}
        second["properties"] = {"publicIPAddress": {"id": f"{NETWORK}/publicIPAddresses/thirdpip"}}
        front.append(second)

    arm.change(PRODUCTION_LB, change)


def float_with(tags: dict[str, str] | None) -> Callable[[Arm], None]:
    def change(arm: Arm) -> None:
        body = {**arm.state()[STAGING_IP], "id": FLOAT, "name": FLOAT.rsplit("/", 1)[1], "tags": tags or {}}
        body["properties"] = {**body["properties"]}
        body["properties"].pop("ipConfiguration")
        body["properties"].pop("dnsSettings")
        arm.seed(body)

    return change


INTERNAL = {"privateIPAddress": "10.0.0.4", "subnet": {"id": f"{NETWORK}/virtualNetworks/vipswapvnet/subnets/subnet"}}


@dataclass(frozen=True)
class Case:
    """One bad input: what the world is like, the line, the exit code, and words of the sentence."""

    code: int
    words: str
    arguments: tuple[str, ...] = PAIR
    world: Callable[[Arm], None] = lambda arm: None


CASES = {
    "a load balancer that does not exist": Case(
        3, "ResourceNotFound", ("-g", "vipswap", "--lb1", "nolb", "--lb2", "vipswap2lb")
    ),
    "a resource group that does not exist": Case(
        3, "ResourceGroupNotFound", ("-g", "nogroup", "--lb1", "vipswap1lb", "--lb2", "vipswap2lb")
    ),
    "the same load balancer twice": Case(
        4, "same load balancer", ("-g", "vipswap", "--lb1", "vipswap1lb", "--lb2", "VIPSWAP1LB")
    ),
    "the same load balancer by name and by id": Case(
        4, "same load balancer", ("-g", "vipswap", "--lb1", "vipswap1lb", "--lb2", PRODUCTION_LB.upper())
    ),
    "an internal frontend": Case(
        4,
        "internal frontend",
        world=edit(STAGING_LB, "properties", "frontendIPConfigurations", 0, "properties", value=INTERNAL),
    ),
    "no frontend at all": Case(
        4, "no frontend with a public IP", world=edit(STAGING_LB, "properties", "frontendIPConfigurations", value=[])
    ),
    "two public frontends and none chosen": Case(2, "several public frontends", world=two_frontends),
    "a chosen frontend that is not there": Case(3, "no frontend 'other'", (*PAIR, "--frontend1", "other")),
    "a name with a slash in it": Case(2, "'a/b'", ("-g", "vipswap", "--lb1", "a/b", "--lb2", "vipswap2lb")),
    "a name with dots for a path in it": Case(2, "..", ("-g", "vipswap", "--lb1", "..", "--lb2", "vipswap2lb")),
    "a group with a path in it": Case(2, "..", ("-g", "../x", "--lb1", "vipswap1lb", "--lb2", "vipswap2lb")),
    "an id with a path trick in it": Case(
        2, "..", ("-g", "vipswap", "--lb1", f"{NETWORK}/loadBalancers/..", "--lb2", "vipswap2lb")
    ),
    "the id of something else": Case(2, "not of a load balancer", ("--lb1", PRODUCTION_IP, "--lb2", STAGING_LB)),
    "a name and no group": Case(2, "resource group is needed", ("--lb1", "vipswap1lb", "--lb2", STAGING_LB)),
    "an unknown option": Case(2, "--nonsense", (*PAIR, "--nonsense")),
    "http to a host that is not loopback": Case(2, "http", (*PAIR, "--endpoint", "http://management.azure.com")),
    "an endpoint that is no URL": Case(2, "endpoint", (*PAIR, "--endpoint", "nonsense")),
    "a subscription that is none": Case(2, "subscription", (*PAIR, "--subscription", "../x")),
    "a CA file that is not there": Case(2, "no CA file", (*PAIR, "--ca-file", "/nowhere/ca.pem")),
    "another region": Case(
        4,
        "RegionMismatch",
        world=both(edit(STAGING_LB, "location", value="eastus"), edit(STAGING_IP, "location", value="eastus")),
    ),
    "a SKU mismatch": Case(
        4, "SkuMismatch", world=edit(STAGING_LB, "sku", value={"name": "Basic", "tier": "Regional"})
    ),
    "a tier mismatch": Case(
        4, "SkuMismatch", world=edit(STAGING_LB, "sku", value={"name": "Standard", "tier": "Global"})
    ),
    "a Dynamic address": Case(
        4, "DynamicAllocation", world=edit(STAGING_IP, "properties", "publicIPAllocationMethod", value="Dynamic")
    ),
    "a Failed load balancer": Case(
        4, "LoadBalancerFailed", world=edit(PRODUCTION_LB, "properties", "provisioningState", value="Failed")
    ),
    "a Failed address": Case(
        4, "PublicIpFailed", world=edit(PRODUCTION_IP, "properties", "provisioningState", value="Failed")
    ),
    "an address of another subscription": Case(
        4,
        "another subscription",
        ("-g", "vipswap", "--lb1", "vipswap1lb", "--lb2", STAGING_LB.replace("0000-", "1111-")),
    ),
    "a float with our name and no tags": Case(4, "somebody else's", world=float_with(None)),
    "a float with foreign tags": Case(4, "somebody else's", world=float_with({"team": "x", "cost": "y"})),
    "a float with damaged tags": Case(4, "damaged", world=float_with({"vipswap-version": "1", "vipswap-run": "x"})),
    "a float with tags of another version": Case(4, "damaged", world=float_with({"vipswap-version": "99"})),
    "an address for --vip that neither holds": Case(4, "neither load balancer", (*PAIR, "--vip", "otherpip")),
    "a name for --vip that is none": Case(2, "'a/b'", (*PAIR, "--vip", "a/b")),
    "a name for a frontend that is none": Case(2, "'a/b'", (*PAIR, "--frontend2", "a/b")),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_it_is_refused_in_one_sentence_and_nothing_changes(case: Case, arm: Arm, vipswap: Vipswap) -> None:
    case.world(arm)
    before = arm.state()

    ran = vipswap("swap", *case.arguments, "--yes")

    assert ran.code == case.code
    assert case.words in ran.err
    assert "Traceback" not in ran.err
    assert arm.writes() == []
    assert arm.state() == before


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_plan_exits_as_swap_would(case: Case, arm: Arm, vipswap: Vipswap) -> None:
    case.world(arm)

    ran = vipswap("plan", *case.arguments, "-o", "json")

    assert ran.code == case.code
    assert case.words in ran.err + ran.out
    if ran.code == 4:
        assert any(finding["severity"] == "error" for finding in ran.json()["findings"])


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.code in (3, 4)])
def test_the_refusal_as_json_names_the_error(case: Case, arm: Arm, vipswap: Vipswap) -> None:
    case.world(arm)

    ran = vipswap("swap", *case.arguments, "--yes", "-o", "json")

    told = ran.json()
    assert told["outcome"] == "refused"
    assert set(told["error"]) == {"code", "message", "status", "request_id", "hint"}
    assert told["error"]["message"]
    assert told["error"]["hint"]


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon", ""])
@pytest.mark.parametrize("option", ["--max-outage", "--verify-timeout"])
def test_a_length_of_time_that_is_none_is_refused_in_plain_words(
    option: str, seconds: str, arm: Arm, vipswap: Vipswap
) -> None:
    ran = vipswap("swap", *PAIR, "--yes", option, seconds)

    assert ran.code == 2
    assert f"{seconds!r} is not a number of seconds above 0." in ran.err
    assert arm.writes() == []


@pytest.mark.parametrize("scale", ["0", "-1", "nan", "11"])
def test_a_speed_of_the_demo_that_is_none_is_a_usage_error(scale: str, vipswap: Vipswap) -> None:
    ran = vipswap("demo", "--time-scale", scale)

    assert ran.code == 2
    assert "--time-scale" in ran.err


def test_without_a_verb_it_says_which_there_are(vipswap: Vipswap) -> None:
    ran = vipswap()

    assert ran.code == 2
    assert "VERB" in ran.err


def test_without_a_terminal_and_yes_it_does_not_swap(arm: Arm, vipswap: Vipswap) -> None:
    ran = vipswap("swap", *PAIR, "-o", "json")

    assert ran.code == 2
    assert "--yes" in ran.err
    assert ran.json()["outcome"] == "refused"
    assert arm.writes() == []


def test_without_credentials_it_names_the_ways_to_have_some(
    arm: Arm, vipswap: Vipswap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_ACCESS_TOKEN")
    monkeypatch.setenv("PATH", "/nowhere")

    ran = vipswap("swap", *PAIR, "--yes")

    assert ran.code == 1
    assert "AZURE_CLIENT_ID" in ran.err
    assert "az login" in ran.err
    assert arm.requests() == []


@pytest.mark.parametrize("verb", [("swap",), ("experiment", "--out", "nowhere")], ids=lambda verb: verb[0])
@pytest.mark.parametrize("tag", ["CostCenter", "vipswap-run=x", "n=" + "v" * 257])
def test_a_tag_that_arm_would_refuse_is_refused_before_anything_is_asked(
    arm: Arm, vipswap: Vipswap, verb: tuple[str, ...], tag: str
) -> None:
    ran = vipswap(*verb, *PAIR, "--yes", "--float-tag", tag)

    assert ran.code == 2
    assert "--float-tag" in ran.err
    assert arm.requests() == []


def test_an_address_that_may_change_is_swapped_when_that_is_allowed(arm: Arm, vipswap: Vipswap) -> None:
    edit(STAGING_IP, "sku", value={"name": "Basic", "tier": "Regional"})(arm)
    edit(PRODUCTION_IP, "sku", value={"name": "Basic", "tier": "Regional"})(arm)
    edit(STAGING_LB, "sku", value={"name": "Basic", "tier": "Regional"})(arm)
    edit(PRODUCTION_LB, "sku", value={"name": "Basic", "tier": "Regional"})(arm)
    edit(STAGING_IP, "properties", "publicIPAllocationMethod", value="Dynamic")(arm)

    ran = vipswap("swap", *PAIR, "--yes", "--allow-address-change")

    assert ran.code == 0
    assert arm.holds(PRODUCTION_LB) == STAGING_IP
