"""Findings about what this login may do: locks and permissions."""

from __future__ import annotations

from collections.abc import Iterator

from vipswap_rest.swap.model import Pair, Side
from vipswap_rest.swap.permissions import covers, granted, group_of, needs
from vipswap_rest.swap.preflight.finding import Finding, error, information, warning
from vipswap_rest.swap.reconcile import Opening
from vipswap_rest.swap.survey import Lock, Survey, Unknown


def locks(survey: Survey, pair: Pair) -> Iterator[Finding]:
    """Locks that stand in the way of a write.

    ReadOnly refuses PUT, DELETE and POST on all that lies below it; CanNotDelete lets a load balancer be written and
    refuses the deletion of the float
    (https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources).
    """
    touched = [str(pair.load_balancer(side)) for side in Side] + [str(pair.originals[side]) for side in Side]
    touched.append(str(pair.float))
    for lock in survey.locks:
        if isinstance(lock, Unknown):
            yield information(
                "LocksUnknown",
                f"Whether a lock forbids the swap is not known: {lock.why}",
                "Microsoft.Authorization/locks/read lets this login see the locks.",
            )
        elif lock.level.lower() == "readonly":
            yield from _read_only(lock, [id for id in touched if covers(lock.scope, id)])
        elif covers(lock.scope, str(pair.float)):
            yield warning(
                "CanNotDeleteLock",
                f"The lock {lock.name} on {lock.scope} forbids deletions, so the float {pair.float.name} would stay "
                "after the swap, tagged as done.",
                f"Remove the lock for the swap (az lock delete --ids {_id(lock)}), or delete the float afterwards; "
                "the next swap of this pair takes it up again.",
            )


def _read_only(lock: Lock, covered: list[str]) -> Iterator[Finding]:
    if covered:
        names = ", ".join(id.rsplit("/", 1)[1] for id in covered)
        yield error(
            "ReadOnlyLock",
            f"The ReadOnly lock {lock.name} on {lock.scope} forbids writing what the swap writes: {names}.",
            f"Remove the lock for the swap: az lock delete --ids {_id(lock)}",
        )


def _id(lock: Lock) -> str:
    return f"{lock.scope}/providers/Microsoft.Authorization/locks/{lock.name}"


def permissions(survey: Survey, pair: Pair, opening: Opening) -> Iterator[Finding]:
    """Actions of the chosen strategy that this login's roles do not grant, one finding for each scope."""
    known = {scope: grants for scope, grants in survey.grants.items() if not isinstance(grants, Unknown)}
    missing: dict[str, list[str]] = {}
    unread: dict[str, str] = {}
    for need in needs(pair, opening):
        if granted(need, known):
            continue
        read = survey.grants.get(need.scope.lower())
        if isinstance(read, Unknown):
            unread[need.scope] = read.why
        elif read is not None:
            missing.setdefault(need.scope, []).append(need.action)
    for scope, actions in missing.items():
        yield error(
            "PermissionMissing",
            f"This login may not do on {scope}: {', '.join(actions)}.",
            f"Give it the role Network Contributor on {group_of(scope)}, or a role with these actions; a role given "
            "in the last minutes may take a while to count.",
        )
    for scope, why in unread.items():
        yield information(
            "PermissionsUnknown",
            f"What this login may do on {scope} is not known: {why}",
            "Microsoft.Authorization/permissions/read lets it see; a missing one shows when the swap begins.",
        )
