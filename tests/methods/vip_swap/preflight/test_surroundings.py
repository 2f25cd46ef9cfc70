"""Preflight's findings on what is around: backends, owners, quotas, budgets, policies."""

from __future__ import annotations

import copy

import requests

from tests.methods.vip_swap.lab import GROUP, PRODUCTION_IP, PRODUCTION_LB, STAGING_IP, STAGING_LB, Lab
from tests.methods.vip_swap.preflight.worlds import SUB, World, Worlds, down, properties, put, refused_read, serve
from tests.methods.vip_swap.test_refusals import answer, refuse
from vipswap_rest.emulator import Answer
from vipswap_rest.methods.vip_swap.run import Options


def no_members(lab: Lab) -> None:
    properties(lab, STAGING_LB)["backendAddressPools"][0]["properties"]["backendIPConfigurations"] = []


def limited(name: str, limit: int) -> World:
    id = f"{SUB}/providers/Microsoft.Network/locations/westus/usages/{name}"
    return lambda lab: lab.put({"id": id, "properties": {"limit": limit}})


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


WORLDS: Worlds = {
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
    "OwnerUnknown": [lambda lab: refuse(lab, "GET", "resourcegroups/vipswap?", answer(403, "AuthorizationFailed"))],
    "QuotaExhausted": [limited("PublicIPAddresses", 2), limited("StandardSkuPublicIpAddresses", 2)],
    "WriteBudgetLow": [budget(19), budget(0)],
}


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
