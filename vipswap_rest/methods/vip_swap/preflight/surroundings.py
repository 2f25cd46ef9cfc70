"""Findings about what lies around: who owns the resources, the health of the backends, quota and write budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vipswap_rest.arm.ids import same_id
from vipswap_rest.arm.words import word_key
from vipswap_rest.methods.vip_swap.model import LoadBalancer, Observed, Pair, PublicIp
from vipswap_rest.methods.vip_swap.placement import SKU
from vipswap_rest.methods.vip_swap.survey import Health, Survey
from vipswap_rest.switchover.findings import Finding, error, information, warning
from vipswap_rest.switchover.report import Side
from vipswap_rest.switchover.survey import Unknown

# What the Azure provider of Kubernetes writes on load balancers and addresses, and AKS on all that it makes
# (k8s-azure-cluster-name, k8s-azure-service, kubernetes-cluster-name, aks-managed-cluster-name, ...). The provider
# puts everything it owns back as its Services say (https://cloud-provider-azure.sigs.k8s.io/topics/loadbalancer/).
_KUBERNETES = ("k8s-azure-", "kubernetes-", "aks-managed-")

# A swap takes five writes, and with repairs and a way back some more.
WRITES_WANTED = 20


def owners(observed: Observed, pair: Pair, survey: Survey) -> Iterator[Finding]:
    """Resources that something else keeps as it wants them: it would undo the swap, or forbid it.

    Changing what AKS made in its node resource group is not supported
    (https://learn.microsoft.com/azure/aks/faq); a group's `managedBy` also names managed applications, Databricks and
    their like, which deny others' writes.
    """
    resources: list[LoadBalancer | PublicIp] = [*observed.load_balancers.values(), *observed.addresses.values()]
    marks = {
        str(item.id): str(item.body.get("managedBy") or "") or _kubernetes(item.body.get("tags") or {})
        for item in resources
    }
    managed = [f"{id} ({by})" for id, by in marks.items() if by]
    unread = []
    ids = [*map(pair.load_balancer, Side), *(pair.originals[side] for side in Side)]
    for scope, owner in survey.owners.items():
        inside = [id.name for id in ids if same_id(id.group, scope)]
        if isinstance(owner, Unknown):
            unread.append(f"{scope}: {owner.why}")
        elif inside and (by := owner.managed_by or _node_group(scope, owner.tags)):
            managed.append(f"the resource group {scope}, with {', '.join(inside)} in it ({by})")
    if managed:
        yield error(
            "ManagedResource",
            f"Something else manages {'; '.join(managed)}, and would put the addresses back or forbid the swap.",
            "Let the owner move the address (in AKS: the Service's annotations), or --ignore ManagedResource if the "
            "mark is a leftover.",
        )
    if unread:
        yield information(
            "OwnerUnknown",
            f"Whether something manages a resource group is not known: {'; '.join(unread)}",
            "Microsoft.Resources/subscriptions/resourceGroups/read lets this login see.",
        )


def _kubernetes(tags: Mapping[str, Any]) -> str:
    marks = [key for key in tags if word_key(key).startswith(_KUBERNETES)]
    return f"tag {marks[0]}: {tags[marks[0]]}" if marks else ""


def _node_group(scope: str, tags: Mapping[str, Any]) -> str:
    """AKS's node resource groups are named MC_group_cluster_region, and tagged; a name alone proves nothing."""
    return _kubernetes(tags) if word_key(scope.rpartition("/")[2]).startswith("mc_") else ""


def health(survey: Survey) -> Iterator[Finding]:
    """https://learn.microsoft.com/azure/load-balancer/load-balancer-manage-health-status"""
    unread = [found.why for found in survey.health if isinstance(found, Unknown)]
    known = [found for found in survey.health if isinstance(found, Health)]
    idle = [found for found in known if not found.up]
    some = [found for found in known if found.up and found.down]
    if idle:
        told = ", ".join(f"{found.rule} ({f'{found.down} down' if found.down else 'no backend'})" for found in idle)
        yield error(
            "NoHealthyBackend",
            f"No backend of these rules of staging's is healthy: {told}.",
            "Start what serves there, or repair its health probe, and check that it is up.",
        )
    if some:
        told = ", ".join(f"{found.rule} ({found.down} of {found.up + found.down})" for found in some)
        yield warning(
            "BackendsUnhealthy",
            f"Some backends behind these rules of staging's are down: {told}.",
            "Check that the rest can bear production's load, or repair them first.",
        )
    if unread:
        yield warning(
            "HealthUnknown",
            f"Whether anything healthy stands behind staging's rules is not known: {'; '.join(dict.fromkeys(unread))}",
            "Check that staging answers. To ask for the health, this login needs "
            "Microsoft.Network/loadBalancers/loadBalancingRules/health/action.",
        )


def quota(observed: Observed, survey: Survey) -> Iterator[Finding]:
    """The float is one address more, for a while; where ARM says nothing of the quota, nothing is said here."""
    if observed.float is not None or isinstance(survey.usages, Unknown):
        return
    sku = word_key(SKU.of(observed.addresses[Side.STAGING].body))
    names = {"publicipaddresses", f"{sku}skupublicipaddresses", f"ipv4{sku}skupublicipaddresses"}
    full = [usage for usage in survey.usages if word_key(usage.name) in names and usage.current >= usage.limit]
    if full:
        told = ", ".join(f"{usage.current} of {usage.limit} {usage.name}" for usage in full)
        yield error(
            "QuotaExhausted",
            f"The subscription has {told} in this region: there is no room for the float.",
            "Delete an address that nobody uses, or ask for more (https://learn.microsoft.com/azure/quotas).",
        )


def budget(survey: Survey) -> Iterator[Finding]:
    """https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling"""
    left = survey.remaining_writes
    if left is not None and left < WRITES_WANTED:
        yield warning(
            "WriteBudgetLow",
            f"ARM has {left} writes left for this login before it makes it wait, and a swap that waits is an outage "
            "that lasts.",
            "Wait some minutes: 10 writes come back every second, unless something else spends them.",
        )
