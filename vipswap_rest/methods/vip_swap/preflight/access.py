"""Findings about what this login may do: locks and permissions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from vipswap_rest.arm.ids import covers, id_key
from vipswap_rest.arm.words import same_word
from vipswap_rest.methods.vip_swap.model import Pair
from vipswap_rest.methods.vip_swap.permissions import granted, group_of, needs
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.survey import Lock, Survey
from vipswap_rest.switchover.findings import Finding, error, information, warning
from vipswap_rest.switchover.report import Side
from vipswap_rest.switchover.survey import Unknown


def locks(survey: Survey, pair: Pair) -> Iterator[Finding]:
    """Locks that stand in the way of a write.

    ReadOnly refuses PUT, DELETE and POST on all that lies below it; CanNotDelete lets a load balancer be written and
    refuses the deletion of the float
    (https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources).
    """
    known = [lock for lock in survey.locks if isinstance(lock, Lock)]
    unread = [lock.why for lock in survey.locks if isinstance(lock, Unknown)]
    touched = [*map(pair.load_balancer, Side), *(pair.originals[side] for side in Side), pair.float]
    read_only = {
        lock: covered
        for lock in known
        if same_word(lock.level, "ReadOnly") and (covered := [id for id in touched if covers(lock.scope, str(id))])
    }
    kept = [lock for lock in known if not same_word(lock.level, "ReadOnly") and covers(lock.scope, str(pair.float))]
    if read_only:
        named = {id.name: None for covered in read_only.values() for id in covered}
        yield error(
            "ReadOnlyLock",
            f"{_named(list(read_only), 'ReadOnly')} the swap writes: {', '.join(named)}.",
            f"Remove it for the swap: az lock delete --ids {_ids(read_only)}",
        )
    if kept:
        yield warning(
            "CanNotDeleteLock",
            f"{_named(kept, 'CanNotDelete')} the swap deletes: the float {pair.float.name} would stay after it, tagged "
            "as done.",
            f"Remove it for the swap (az lock delete --ids {_ids(kept)}), or delete the float afterwards; "
            "the next swap of this pair takes it up again.",
        )
    if unread:
        yield information(
            "LocksUnknown",
            f"Whether a lock forbids the swap is not known: {'; '.join(unread)}",
            "Microsoft.Authorization/locks/read lets this login see the locks.",
        )


def _named(locks: Sequence[Lock], level: str) -> str:
    """The beginning of a sentence about locks of a level."""
    names = ", ".join(f"{lock.name} on {lock.scope}" for lock in locks)
    return f"The {level} lock {names} forbids what" if len(locks) == 1 else f"The {level} locks {names} forbid what"


def _ids(locks: Iterable[Lock]) -> str:
    return " ".join(f"{lock.scope}/providers/Microsoft.Authorization/locks/{lock.name}" for lock in locks)


def permissions(survey: Survey, pair: Pair, opening: Opening) -> Iterator[Finding]:
    """Actions of the chosen strategy that this login's roles do not grant, and scopes whose roles cannot be read."""
    known = {scope: grants for scope, grants in survey.grants.items() if not isinstance(grants, Unknown)}
    missing: dict[str, list[str]] = {}
    unread: dict[str, str] = {}
    for need in needs(pair, opening):
        if granted(need, known):
            continue
        read = survey.grants.get(id_key(need.scope))
        if isinstance(read, Unknown):
            unread[need.scope] = read.why
        elif read is not None:
            missing.setdefault(need.scope, []).append(need.action)
    if missing:
        told = "; ".join(f"on {scope}: {', '.join(actions)}" for scope, actions in missing.items())
        groups = {group_of(scope): None for scope in missing}
        yield error(
            "PermissionMissing",
            f"This login may not do {told}.",
            f"Give it the role Network Contributor on {' and on '.join(groups)}, or a role with these actions; a role "
            "given in the last minutes may take a while to count.",
        )
    if unread:
        told = "; ".join(f"on {scope}: {why}" for scope, why in unread.items())
        yield information(
            "PermissionsUnknown",
            f"What this login may do is not known {told}",
            "Microsoft.Authorization/permissions/read lets it see; a missing one shows when the swap begins.",
        )
