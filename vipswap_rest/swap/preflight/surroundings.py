"""Findings about what lies around: who owns the resources, the health of the backends, quota and write budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vipswap_rest.swap.model import LoadBalancer, Observed, Pair, PublicIp, Side
from vipswap_rest.swap.permissions import group_of
from vipswap_rest.swap.preflight.finding import Finding, error, information, warning
from vipswap_rest.swap.survey import Survey, Unknown

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
    for item in resources:
        by = str(item.body.get("managedBy") or "") or _kubernetes(item.body.get("tags") or {})
        if by:
            yield _managed(str(item.id), by)
    for scope, owner in survey.owners.items():
        ids = [*(str(pair.load_balancer(side)) for side in Side), *(str(pair.originals[side]) for side in Side)]
        inside = [id.rsplit("/", 1)[1] for id in ids if group_of(id).lower() == scope]
        if isinstance(owner, Unknown):
            yield information(
                "OwnerUnknown",
                f"Whether something manages {scope} is not known: {owner.why}",
                "Microsoft.Resources/subscriptions/resourceGroups/read lets this login see.",
            )
        elif inside and (owner.managed_by or _node_group(scope, owner.tags)):
            by = owner.managed_by or _node_group(scope, owner.tags)
            yield _managed(f"The resource group {scope}, with {', '.join(inside)} in it,", by)


def _managed(what: str, by: str) -> Finding:
    return error(
        "ManagedResource",
        f"{what} is managed by something else ({by}), which would put the addresses back or forbid the swap.",
        "Let the owner move the address (in AKS: the Service's annotations), or --ignore ManagedResource if the mark "
        "is a leftover.",
    )


def _kubernetes(tags: Mapping[str, Any]) -> str:
    marks = [key for key in tags if key.lower().startswith(_KUBERNETES)]
    return f"tag {marks[0]}: {tags[marks[0]]}" if marks else ""


def _node_group(scope: str, tags: Mapping[str, Any]) -> str:
    """AKS's node resource groups are named MC_group_cluster_region, and tagged; a name alone proves nothing."""
    return _kubernetes(tags) if scope.rsplit("/", 1)[1].lower().startswith("mc_") else ""


def health(survey: Survey) -> Iterator[Finding]:
    """https://learn.microsoft.com/azure/load-balancer/load-balancer-manage-health-status"""
    for found in survey.health:
        if isinstance(found, Unknown):
            yield warning(
                "HealthUnknown",
                f"Whether anything healthy stands behind staging's rules is not known: {found.why}",
                "See for yourself that staging answers. To ask for the health, this login needs "
                "Microsoft.Network/loadBalancers/loadBalancingRules/health/action.",
            )
        elif not found.up:
            down = f"all {found.down} of its backends are down" if found.down else "it has no backend"
            yield error(
                "NoHealthyBackend",
                f"Nothing healthy stands behind staging's rule {found.rule}: {down}.",
                "Start what serves there, or mend its health probe, and see that it is up.",
            )
        elif found.down:
            yield warning(
                "BackendsUnhealthy",
                f"{found.down} of {found.up + found.down} backends behind staging's rule {found.rule} are down.",
                "See that the rest can bear production's load, or mend them first.",
            )


def quota(observed: Observed, survey: Survey) -> Iterator[Finding]:
    """The float is one address more, for a while; where ARM says nothing of the quota, nothing is said here."""
    if observed.float is not None or isinstance(survey.usages, Unknown):
        return
    sku = str((observed.addresses[Side.STAGING].body.get("sku") or {}).get("name") or "Basic").lower()
    names = {"publicipaddresses", f"{sku}skupublicipaddresses", f"ipv4{sku}skupublicipaddresses"}
    for usage in survey.usages:
        if usage.name.lower() in names and usage.current >= usage.limit:
            yield error(
                "QuotaExhausted",
                f"The subscription has {usage.current} of {usage.limit} {usage.name} in this region: there is no room "
                "for the float.",
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
