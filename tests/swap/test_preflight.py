"""Each finding, made to appear in the emulator: its code, its severity, and that an error writes nothing."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.swap.lab import GROUP, NETWORK, PRODUCTION_IP, PRODUCTION_LB, STAGING_IP, STAGING_LB, TARGET, Lab
from tests.swap.test_refusals import answer, interrupted, refuse
from vipswap_rest.emulator import Answer
from vipswap_rest.emulator.settings import SUBSCRIPTION
from vipswap_rest.errors import Refused, UsageError
from vipswap_rest.swap.preflight import CODES, STRUCTURAL, Finding, Severity, checked_codes
from vipswap_rest.swap.preflight.finding import ERRORS, INFORMATION, WARNINGS
from vipswap_rest.swap.reconcile import Opening
from vipswap_rest.swap.report import Outcome
from vipswap_rest.swap.run import Options

World = Callable[[Lab], object]
NAMED = replace(TARGET, frontends=("LoadBalancerFrontEnd", None))
SUB = f"/subscriptions/{SUBSCRIPTION}"
SCALE_SET = f"{GROUP}/providers/Microsoft.Compute/virtualMachineScaleSets/vipswap2"


def properties(lab: Lab, id: str) -> dict[str, Any]:
    found: dict[str, Any] = lab.get(id)["properties"]
    return found


def frontend(lab: Lab, id: str) -> dict[str, Any]:
    found: dict[str, Any] = properties(lab, id)["frontendIPConfigurations"][0]["properties"]
    return found


def rule(lab: Lab, id: str) -> dict[str, Any]:
    found: dict[str, Any] = properties(lab, id)["loadBalancingRules"][0]["properties"]
    return found


def lock(scope: str, level: str) -> World:
    body = {"id": f"{scope}/providers/Microsoft.Authorization/locks/keep", "properties": {"level": level}}
    return lambda lab: lab.put(body)


def grant(scope: str, *actions: str, without: tuple[str, ...] = (), name: str = "role") -> World:
    """A role, which as every built-in one lets its holder see what he may do."""
    body = {
        "id": f"{scope}/providers/Microsoft.Authorization/permissions/{name}",
        "properties": {"actions": ["Microsoft.Authorization/*/read", *actions], "notActions": list(without)},
    }
    return lambda lab: lab.put(body)


def put(id: str, **fields: Any) -> World:
    return lambda lab: lab.get(id).update(copy.deepcopy(fields))


def group(**fields: Any) -> World:
    return lambda lab: lab.get(GROUP).update(fields)


def serve(id: str, **fields: Any) -> World:
    """Change the one rule of a load balancer."""
    return lambda lab: rule(lab, id).update(fields)


def without_nat(lab: Lab) -> None:
    properties(lab, STAGING_LB)["inboundNatPools"] = []


def nat_only(lab: Lab) -> None:
    """The article's own environment: no rule, and NAT pools for everything; staging has lost one of them."""
    properties(lab, PRODUCTION_LB)["loadBalancingRules"] = []
    without_nat(lab)


def floating_nat(lab: Lab) -> None:
    properties(lab, STAGING_LB)["inboundNatPools"][0]["properties"]["enableFloatingIP"] = True


def chained(*ids: str) -> World:
    def change(lab: Lab) -> None:
        for id in ids:
            frontend(lab, id)["gatewayLoadBalancer"] = {"id": f"{NETWORK}/loadBalancers/gw/frontendIPConfigurations/f"}

    return change


def no_members(lab: Lab) -> None:
    properties(lab, STAGING_LB)["backendAddressPools"][0]["properties"]["backendIPConfigurations"] = []


def down(numbers: str) -> World:
    return lambda lab: lab.get(SCALE_SET).update(tags={"emulator-down": numbers})


def limited(name: str, limit: int) -> World:
    id = f"{SUB}/providers/Microsoft.Network/locations/westus/usages/{name}"
    return lambda lab: lab.put({"id": id, "properties": {"limit": limit}})


def outbound_rule(lab: Lab) -> None:
    for id in (PRODUCTION_LB, STAGING_LB):
        rule(lab, id)["disableOutboundSnat"] = True
    reference = {"id": f"{PRODUCTION_LB}/FrontendIPConfigurations/LoadBalancerFrontEnd"}
    properties(lab, PRODUCTION_LB)["outboundRules"] = [
        {
            "name": "out",
            "id": f"{PRODUCTION_LB}/outboundRules/out",
            "properties": {"frontendIPConfigurations": [reference]},
        }
    ]


def twin(lab: Lab) -> None:
    address = {"id": f"{NETWORK}/publicIPAddresses/six"}
    properties(lab, PRODUCTION_LB)["frontendIPConfigurations"].append(
        {
            "name": "six",
            "id": f"{PRODUCTION_LB}/frontendIPConfigurations/six",
            "properties": {"publicIPAddress": address, "privateIPAddressVersion": "IPv6"},
        }
    )


def budget(left: int) -> World:
    """ARM says with the answer to a write how many are left."""

    def change(lab: Lab) -> None:
        def before(request: requests.PreparedRequest) -> Answer | None:
            if not (request.url or "").split("?")[0].endswith("/health"):
                return None
            headers = {"Content-Type": "application/json", "x-ms-ratelimit-remaining-subscription-writes": str(left)}
            return Answer(200, headers, b'{"up": 2, "down": 0}')

        lab.wire.before = before

    return change


def basic(lab: Lab) -> None:
    for id in (PRODUCTION_LB, STAGING_LB, PRODUCTION_IP, STAGING_IP):
        lab.get(id)["sku"] = {"name": "Basic", "tier": "Regional"}


def refused_read(words: str, status: int = 403, code: str = "AuthorizationFailed") -> World:
    def change(lab: Lab) -> None:
        method = "POST" if words == "/health" else "GET"
        refuse(lab, method, words, answer(status, code))

    return change


def prefixed(lab: Lab) -> None:
    found = frontend(lab, STAGING_LB)
    del found["publicIPAddress"]
    found["publicIPPrefix"] = {"id": f"{NETWORK}/publicIPPrefixes/prefix"}


WORLDS: dict[str, list[World]] = {
    "PortNotServed": [
        serve(PRODUCTION_LB, frontendPort=443),
        serve(PRODUCTION_LB, protocol="Udp"),
        serve(PRODUCTION_LB, protocol="All", frontendPort=0),
        serve(STAGING_LB, frontendIPConfiguration={"id": f"{STAGING_LB}/frontendIPConfigurations/other"}),
        nat_only,
    ],
    "NatPortNotServed": [without_nat],
    "FloatingIp": [
        serve(PRODUCTION_LB, enableFloatingIP=True),
        serve(STAGING_LB, enableFloatingIP=True),
        floating_nat,
    ],
    "GatewayLoadBalancer": [chained(PRODUCTION_LB), chained(STAGING_LB)],
    "NoHealthyBackend": [no_members, down("all"), down("0,1")],
    "BackendsUnhealthy": [down("1")],
    "HealthUnknown": [
        refused_read("/health"),
        refused_read("/health", 400, "NotSupported"),
        lambda lab: refuse(lab, "POST", "/health", Answer(200, {}, b'{"what": "this"}')),
    ],
    "ManagedResource": [
        put(STAGING_LB, tags={"k8s-azure-cluster-name": "kubernetes"}),
        put(PRODUCTION_IP, tags={"Kubernetes-Cluster-Name": "blue"}),
        put(STAGING_IP, tags={"aks-managed-type": "aks-slb-managed-outbound-ip"}),
        put(PRODUCTION_LB, managedBy="/subscriptions/x/managedClusters/aks"),
        lambda lab: lab.put({**lab.get(GROUP), "managedBy": f"{SUB}/managedClusters/aks"}),
    ],
    "ReadOnlyLock": [
        lock(scope, "ReadOnly") for scope in (PRODUCTION_LB, STAGING_LB, PRODUCTION_IP, STAGING_IP.upper(), GROUP, SUB)
    ],
    "CanNotDeleteLock": [lock(GROUP, "CanNotDelete"), lock(SUB, "CanNotDelete")],
    "LocksUnknown": [refused_read("Microsoft.Authorization/locks")],
    "PermissionMissing": [
        grant(SUB, "*/read"),
        grant(GROUP, "Microsoft.Network/*", without=("Microsoft.Network/publicIPAddresses/join/action",)),
        grant(GROUP, "Microsoft.Network/*", without=("microsoft.network/loadbalancers/WRITE",)),
        grant(GROUP, "Microsoft.Network/*", without=("Microsoft.Network/publicIPAddresses/delete",)),
        lambda lab: (grant(SUB, "*/read")(lab), grant(PRODUCTION_LB, "*")(lab)),
    ],
    "PermissionsUnknown": [refused_read("Microsoft.Authorization/permissions")],
    "OwnerUnknown": [lambda lab: refuse(lab, "GET", "resourcegroups/vipswap?", answer(403, "AuthorizationFailed"))],
    "QuotaExhausted": [limited("PublicIPAddresses", 2), limited("StandardSkuPublicIpAddresses", 2)],
    "OutboundAddressChanges": [lambda lab: None, outbound_rule],
    "OtherFrontendStays": [twin],
    "WriteBudgetLow": [budget(19), budget(0)],
    "BasicSku": [basic],
    "ZonesDiffer": [put(PRODUCTION_IP, zones=["1", "2", "3"])],
    "DnsLabelMoves": [lambda lab: None],
    "DdosProtectionMoves": [
        lambda lab: properties(lab, PRODUCTION_IP).update(ddosSettings={"protectionMode": "Enabled"})
    ],
    "LoadBalancerFailed": [lambda lab: properties(lab, STAGING_LB).update(provisioningState="Failed")],
    "LoadBalancerBusy": [lambda lab: properties(lab, STAGING_LB).update(provisioningState="Updating")],
    "PublicIpFailed": [lambda lab: properties(lab, STAGING_IP).update(provisioningState="Failed")],
    "PublicIpBusy": [lambda lab: properties(lab, STAGING_IP).update(provisioningState="Updating")],
    "RegionMismatch": [put(STAGING_LB, location="eastus")],
    "SkuMismatch": [
        put(STAGING_LB, sku={"name": "Basic", "tier": "Regional"}),
        put(STAGING_IP, sku={"name": "Standard", "tier": "Global"}),
    ],
    "AddressVersionMismatch": [lambda lab: properties(lab, STAGING_IP).update(publicIPAddressVersion="IPv6")],
    "DynamicAllocation": [lambda lab: properties(lab, STAGING_IP).update(publicIPAllocationMethod="Dynamic")],
    "AddressElsewhere": [lambda lab: properties(lab, STAGING_IP).pop("ipConfiguration")],
}
CASES = [
    pytest.param(code, world, id=f"{code}-{number}")
    for code, worlds in WORLDS.items()
    for number, world in enumerate(worlds, 1)
]


def found(lab: Lab, code: str, options: Options | None = None) -> list[Finding]:
    return [finding for finding in lab.plan(NAMED, options).findings if finding.code == code]


@pytest.mark.parametrize(("code", "world"), CASES)
def test_it_is_found_with_its_severity_a_sentence_and_a_remedy(code: str, world: World) -> None:
    lab = Lab()
    world(lab)

    findings = found(lab, code)

    severity = next(
        severity
        for codes, severity in (
            (ERRORS, Severity.ERROR),
            (WARNINGS, Severity.WARNING),
            (INFORMATION, Severity.INFORMATION),
        )
        if code in codes
    )
    assert {finding.severity for finding in findings} == {severity}
    assert all(finding.message and finding.remedy for finding in findings)
    assert lab.writes() == []


@pytest.mark.parametrize(("code", "world"), [case for case in CASES if case.values[0] in ERRORS])
def test_an_error_refuses_the_swap_and_ignored_it_is_a_warning(code: str, world: World) -> None:
    lab = Lab()
    world(lab)
    before = lab.snapshot()

    with pytest.raises(Refused) as told:
        lab.swap()
    others = {finding.code for finding in lab.plan().findings if finding.severity is Severity.ERROR}
    findings = lab.plan(options=Options(ignore=frozenset(others))).findings

    assert code in str(told.value)
    assert lab.writes() == []
    assert lab.snapshot() == before
    assert {finding.severity for finding in findings if finding.code == code} == {Severity.WARNING}
    assert not [finding for finding in findings if finding.severity is Severity.ERROR]


def test_every_code_that_can_be_ignored_or_shown_has_a_world_here() -> None:
    assert set(WORLDS) == set(CODES) - set(STRUCTURAL)


def test_the_default_environment_has_nothing_against_a_swap_and_it_takes_few_reads() -> None:
    lab = Lab()

    findings = lab.plan().findings

    assert {finding.code for finding in findings} == {"OutboundAddressChanges", "DnsLabelMoves"}
    assert len(lab.wire.sent) <= 14
    assert [path for method, path, _ in lab.wire.sent if method == "POST"] == [
        f"{STAGING_LB}/loadBalancingRules/http/health"
    ]


def test_the_readme_explains_every_code() -> None:
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")

    assert set(CODES) <= set(re.findall(r"`(\w+)`", readme))


# What is served, more closely.


@pytest.mark.parametrize(
    "world",
    [
        serve(STAGING_LB, protocol="All", frontendPort=0),
        lambda lab: (
            properties(lab, STAGING_LB).update(loadBalancingRules=[]),
            properties(lab, STAGING_LB)["inboundNatPools"][1]["properties"].update(
                frontendPortRangeStart=8999, frontendPortRangeEnd=9320
            ),
        ),
    ],
    ids=["a rule for all ports", "a NAT pool's range"],
)
def test_a_port_is_served_by_whatever_answers_on_it(world: World) -> None:
    lab = Lab()
    world(lab)

    assert found(lab, "PortNotServed") == []


def test_a_smaller_nat_pool_will_do() -> None:
    lab = Lab()
    properties(lab, STAGING_LB)["inboundNatPools"][0]["properties"]["frontendPortRangeEnd"] = 50010

    assert found(lab, "NatPortNotServed") == []


def test_the_message_names_what_is_missing() -> None:
    lab = Lab()
    serve(PRODUCTION_LB, protocol="All", frontendPort=0)(lab)

    (finding,) = found(lab, "PortNotServed")

    assert "TCP ports 1-8999, TCP ports 9001-9199" in finding.message
    assert "all UDP ports" in finding.message


def test_rules_of_another_frontend_do_not_count() -> None:
    lab = Lab()
    twin(lab)
    other = copy.deepcopy(properties(lab, PRODUCTION_LB)["loadBalancingRules"][0])
    other["name"], other["id"] = "six", f"{PRODUCTION_LB}/loadBalancingRules/six"
    other["properties"] |= {
        "frontendIPConfiguration": {"id": f"{PRODUCTION_LB}/frontendIPConfigurations/six"},
        "frontendPort": 443,
        "enableFloatingIP": True,
    }
    properties(lab, PRODUCTION_LB)["loadBalancingRules"].append(other)

    codes = {finding.code for finding in lab.plan(NAMED).findings}

    assert "OtherFrontendStays" in codes
    assert not codes & {"PortNotServed", "FloatingIp"}


def test_two_chained_frontends_are_alike() -> None:
    lab = Lab()
    chained(PRODUCTION_LB, STAGING_LB)(lab)

    assert found(lab, "GatewayLoadBalancer") == []


# Locks and permissions, more closely.


@pytest.mark.parametrize("scope", [PRODUCTION_LB, STAGING_IP, f"{SUB}/resourceGroups/vipswap2", f"{GROUP}x"])
def test_a_lock_elsewhere_or_against_deletion_does_not_stand_in_the_way(scope: str) -> None:
    lab = Lab()
    lock(scope, "CanNotDelete" if scope.startswith(f"{GROUP}/") else "ReadOnly")(lab)

    assert not found(lab, "ReadOnlyLock")
    assert not found(lab, "CanNotDeleteLock")


def test_a_login_that_sees_no_locks_of_the_subscription_reads_the_groups() -> None:
    lab = Lab()
    lock(GROUP, "ReadOnly")(lab)
    refuse(lab, "GET", f"{SUB}/providers/Microsoft.Authorization/locks", answer(403, "AuthorizationFailed"))

    assert len(found(lab, "ReadOnlyLock")) == 1
    assert found(lab, "LocksUnknown") == []


def test_a_float_that_a_lock_keeps_is_foretold_and_stays_tagged_done() -> None:
    lab = Lab()
    lock(GROUP, "CanNotDelete")(lab)

    report = lab.swap()

    assert (report.outcome, report.exit_code) == (Outcome.SWAPPED, 0)
    assert len(lab.floats()) == 1


@pytest.mark.parametrize("scope", [STAGING_LB, PRODUCTION_IP])
def test_a_lock_that_is_ignored_stops_the_swap_and_all_is_as_before(scope: str) -> None:
    lab = Lab()
    before = lab.snapshot()
    lock(scope, "ReadOnly")(lab)

    report = lab.swap(options=Options(ignore=frozenset({"ReadOnlyLock"})))

    assert report.exit_code in (1, 5)
    assert "ScopeLocked" in str(report.error)
    lab.core.world.state.remove(f"{scope}/providers/Microsoft.Authorization/locks/keep")
    assert lab.snapshot() == before


def test_permissions_on_each_resource_and_the_floats_group_are_enough() -> None:
    lab = Lab()
    for id in (PRODUCTION_LB, STAGING_LB):
        grant(id, "Microsoft.Network/loadBalancers/*")(lab)
    for id in (PRODUCTION_IP, STAGING_IP):
        grant(id, "Microsoft.Network/publicIPAddresses/read", "Microsoft.Network/publicIPAddresses/join/action")(lab)
    grant(GROUP, "Microsoft.Network/publicIPAddresses/*", name="float")(lab)

    findings = lab.plan().findings
    report = lab.swap()

    assert not [finding for finding in findings if finding.severity is Severity.ERROR]
    assert report.outcome is Outcome.SWAPPED


def test_what_one_role_takes_away_another_may_grant() -> None:
    lab = Lab()
    grant(GROUP, "*", without=("Microsoft.Network/loadBalancers/write",))(lab)
    grant(GROUP, "Microsoft.Network/loadBalancers/w*", name="second")(lab)

    assert found(lab, "PermissionMissing") == []


def test_the_native_strategy_needs_its_own_action_on_the_subscription() -> None:
    lab = Lab()
    grant(GROUP, "*")(lab)
    grant(SUB, name="reader")(lab)

    (finding,) = found(lab, "PermissionMissing", Options(opening=Opening.NATIVE))

    assert "setLoadBalancerFrontendPublicIpAddresses/action" in finding.message
    assert found(lab, "PermissionMissing") == []


@pytest.mark.parametrize(
    ("lacking", "code"),
    [
        ("Microsoft.Network/publicIPAddresses/write", "AuthorizationFailed"),
        ("Microsoft.Network/publicIPAddresses/join/action", "LinkedAuthorizationFailed"),
        ("Microsoft.Network/loadBalancers/write", "AuthorizationFailed"),
    ],
)
def test_a_missing_permission_that_is_ignored_stops_the_swap_before_anything_changed(lacking: str, code: str) -> None:
    lab = Lab()
    before = lab.snapshot()
    grant(GROUP, "*", without=(lacking,))(lab)

    report = lab.swap(options=Options(ignore=frozenset({"PermissionMissing"})))

    assert report.exit_code == 1
    assert code in str(report.error)
    lab.core.world.state.remove(f"{GROUP}/providers/Microsoft.Authorization/permissions/role")
    assert lab.snapshot() == before


def test_a_full_quota_that_is_ignored_stops_the_swap_before_anything_changed() -> None:
    lab = Lab()
    limited("PublicIPAddresses", 2)(lab)
    before = lab.snapshot()

    report = lab.swap(options=Options(ignore=frozenset({"QuotaExhausted"})))

    assert report.exit_code == 1
    assert "PublicIPCountLimitReached" in str(report.error)
    assert lab.snapshot() == before


def test_a_policy_that_denies_the_float_shows_when_it_is_created_and_nothing_changes() -> None:
    lab = Lab()
    before = lab.snapshot()
    denied = "Resource 'vipswap-float' was disallowed by policy."
    refuse(lab, "PUT", "vipswap-float", answer(403, "RequestDisallowedByPolicy", denied))

    report = lab.swap()

    assert report.exit_code == 1
    assert "disallowed by policy" in str(report.error)
    assert lab.snapshot() == before


# When it looks, and what a refused read does.


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
def test_no_refused_read_makes_a_swap_fail(status: int) -> None:
    lab = Lab()
    words = ("Microsoft.Authorization", "/usages", "/health", "resourcegroups/vipswap?")

    def before(request: requests.PreparedRequest) -> Answer | None:
        url = (request.url or "").lower()
        if any(word.lower() in url for word in words):
            return answer(status, "Refused")
        return None

    lab.wire.before = before

    report = lab.swap()

    assert report.outcome is Outcome.SWAPPED


def test_backends_are_not_asked_for_while_something_else_refuses() -> None:
    lab = Lab()
    serve(PRODUCTION_LB, frontendPort=443)(lab)

    lab.plan()

    assert [method for method, _, _ in lab.wire.sent if method != "GET"] == []


def test_rules_that_share_pool_and_probe_are_asked_about_once() -> None:
    lab = Lab()
    rules = properties(lab, STAGING_LB)["loadBalancingRules"]
    for number in range(20):
        another = copy.deepcopy(rules[0])
        another["name"], another["id"] = f"r{number}", f"{STAGING_LB}/loadBalancingRules/r{number}"
        another["properties"]["frontendPort"] = 10000 + number
        rules.append(another)

    lab.plan()

    assert len([method for method, _, _ in lab.wire.sent if method == "POST"]) == 1


def test_a_resumed_swap_is_not_inspected() -> None:
    lab = Lab()
    interrupted(lab)
    serve(PRODUCTION_LB, enableFloatingIP=True)(lab)
    down("all")(lab)

    report = lab.swap(replace(TARGET, vip="vipswap1pip"))

    assert report.outcome is Outcome.SWAPPED


def test_a_goal_that_is_reached_is_left_alone_whatever_else_is_found() -> None:
    lab = Lab()
    target = replace(TARGET, vip="vipswap2pip")
    lock(GROUP, "ReadOnly")(lab)
    down("all")(lab)

    report = lab.swap(target)

    assert report.outcome is Outcome.NOTHING_TO_DO
    assert lab.writes() == []


# Overriding.


def test_a_frontend_with_a_prefix_is_refused_and_says_that_it_cannot_be_ignored() -> None:
    lab = Lab()
    prefixed(lab)

    with pytest.raises(Refused) as plain:
        lab.plan()
    with pytest.raises(Refused) as insisted:
        lab.plan(options=Options(ignore=frozenset({"PublicIpPrefix"})))

    assert plain.value.code == insisted.value.code == "PublicIpPrefix"
    assert "cannot be ignored" not in plain.value.message
    assert "cannot be ignored" in insisted.value.message


def test_codes_are_taken_in_any_case_and_an_unknown_one_names_the_known() -> None:
    assert checked_codes(["floatingip", "PORTNOTSERVED"]) == {"FloatingIp", "PortNotServed"}

    with pytest.raises(UsageError) as told:
        checked_codes(["FloatingIp", "Nonsense"])

    assert "'Nonsense'" in str(told.value)
    assert all(code in told.value.hint for code in ERRORS)
