"""Preflight's findings on locks and permissions."""

from __future__ import annotations

import pytest

from tests.methods.vip_swap.lab import GROUP, PRODUCTION_IP, PRODUCTION_LB, STAGING_IP, STAGING_LB, Lab
from tests.methods.vip_swap.preflight.worlds import SUB, World, Worlds, found, lock, refused_read
from tests.methods.vip_swap.test_refusals import answer, refuse
from vipswap_rest.methods.vip_swap.preflight import Severity
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.run import Options
from vipswap_rest.switchover.report import Outcome


def grant(scope: str, *actions: str, without: tuple[str, ...] = (), name: str = "role") -> World:
    """A role, which as every built-in one lets its holder see what he may do."""
    body = {
        "id": f"{scope}/providers/Microsoft.Authorization/permissions/{name}",
        "properties": {"actions": ["Microsoft.Authorization/*/read", *actions], "notActions": list(without)},
    }
    return lambda lab: lab.put(body)


WORLDS: Worlds = {
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
}


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
