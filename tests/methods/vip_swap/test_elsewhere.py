"""Addresses in other subscriptions, with namesakes near by: every id is read whole, and the swap works all the same."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.methods.vip_swap.lab import (
    PRODUCTION_IP,
    PRODUCTION_LB,
    STAGING_IP,
    STAGING_LB,
    TARGET,
    Crash,
    Lab,
    exchanged,
    same,
)
from tests.methods.vip_swap.preflight.worlds import SUB, frontend, lock
from vipswap_rest.arm.errors import NotFound, ProtocolError, Refused, UsageError
from vipswap_rest.arm.ids import InvalidResourceId, ResourceId
from vipswap_rest.arm.network import delete_load_balancer, get_public_ip
from vipswap_rest.emulator import Settings
from vipswap_rest.emulator.settings import SUBSCRIPTION
from vipswap_rest.methods.vip_swap import journal as journals
from vipswap_rest.methods.vip_swap.model import PublicIp
from vipswap_rest.methods.vip_swap.preflight.finding import ERRORS
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.recovery import Recovery, find
from vipswap_rest.methods.vip_swap.run import Options
from vipswap_rest.switchover.report import Outcome, Side

OTHER = "00000000-0000-0000-0000-0000000000aa"
ELSEWHERE = PRODUCTION_IP.replace(SUBSCRIPTION, OTHER).replace("/vipswap/", "/net/")


def moved(lab: Lab, load_balancer: str, address: str, new: str, *, namesake: bool = True) -> None:
    """Let an address have another id; the old one's is that of a namesake that nothing holds, or of nothing."""
    body = copy.deepcopy(lab.get(address))
    body["id"], body["name"] = new, new.rpartition("/")[2]
    lab.put(body)
    frontend(lab, load_balancer)["publicIPAddress"] = {"id": new}
    if namesake:
        del lab.get(address)["properties"]["ipConfiguration"]
    else:
        lab.core.world.state.remove(address)


def elsewhere(*, namesake: bool = True, latency: str = "blog") -> Lab:
    """Production's address is in another subscription."""
    lab = Lab(Settings(latency=latency))
    moved(lab, PRODUCTION_LB, PRODUCTION_IP, ELSEWHERE, namesake=namesake)
    return lab


def asked(lab: Lab) -> set[str]:
    """The addresses that were read or written, by their whole ids, the float left out."""
    paths = {path for _, path, _ in lab.wire.sent if "/publicIPAddresses/" in path}
    return {path for path in paths if "vipswap-float-" not in path}


@pytest.mark.parametrize("namesake", [True, False])
@pytest.mark.parametrize("opening", Opening)
def test_a_swap_takes_the_address_from_where_it_is(opening: Opening, namesake: bool) -> None:
    lab = elsewhere(namesake=namesake)

    report = lab.swap(options=Options(opening=opening, ignore=frozenset(ERRORS)))

    assert report.outcome is Outcome.SWAPPED
    assert same(lab.holds(STAGING_LB), ELSEWHERE)
    assert same(lab.holds(PRODUCTION_LB), STAGING_IP)
    assert asked(lab) == {ELSEWHERE, STAGING_IP}
    assert str(report.addresses[Side.PRODUCTION].public_ip) == ELSEWHERE
    assert lab.floats() == []


def test_nothing_is_found_against_it_and_the_namesake_stays_as_it_is() -> None:
    lab = elsewhere()
    before = lab.get(PRODUCTION_IP)

    planned = lab.plan()
    lab.swap()

    assert not {finding.code for finding in planned.findings} & set(ERRORS)
    assert lab.get(PRODUCTION_IP) == before


@pytest.mark.parametrize("way", [Recovery.RESUME, Recovery.ROLLBACK])
@pytest.mark.parametrize("opening", Opening)
def test_a_swap_that_died_after_any_write_is_recovered_from_its_journal_alone(opening: Opening, way: Recovery) -> None:
    undisturbed, options = elsewhere(latency="instant"), Options(opening=opening)
    undisturbed.swap(options=options)
    writes = [number for number, (method, path, _) in enumerate(undisturbed.wire.sent, 1) if method in ("PUT", "POST")]

    for number in writes:
        lab = elsewhere(latency="instant")
        lab.crash_at(number, done=True)
        with pytest.raises(Crash):
            lab.swap(options=options)
        lab.heal()
        lab.rest()
        begun = bool(lab.floats())

        report = lab.recover(way)

        swapped = begun and way is Recovery.RESUME
        assert report.exit_code == 0
        assert lab.holds(STAGING_LB if swapped else PRODUCTION_LB) == ELSEWHERE
        assert lab.holds(PRODUCTION_LB if swapped else STAGING_LB) == STAGING_IP
        assert "ipConfiguration" not in lab.get(PRODUCTION_IP)["properties"]


def test_the_journal_says_the_subscription_and_an_older_vipswap_does_not_read_it() -> None:
    lab = elsewhere()
    journal = lab.plan().journal

    tags = journal.tags()

    assert tags["vipswap-production-address-subscription"] == OTHER
    assert "vipswap-staging-address-subscription" not in tags
    assert tags["vipswap-version"] == "2"
    float_ = {"id": str(journal.pair.float), "etag": 'W/"1"', "properties": {}, "tags": tags}
    assert journals.read(PublicIp.read(float_)) == journal
    assert max(map(len, tags.values())) <= 256


def test_where_all_is_in_one_subscription_the_journal_is_as_ever() -> None:
    tags = Lab().plan().journal.tags()

    assert tags["vipswap-version"] == "1"
    assert not [key for key in tags if key.endswith("subscription")]


@pytest.mark.parametrize("vip", [ELSEWHERE, ELSEWHERE.upper().replace("/SUBSCRIPTIONS", "/subscriptions")])
def test_the_goal_may_be_named_by_its_whole_id(vip: str) -> None:
    lab = elsewhere()

    first, again = (lab.swap(replace(TARGET, vip=vip)) for _ in range(2))

    assert (first.outcome, again.outcome) == (Outcome.SWAPPED, Outcome.NOTHING_TO_DO)


def test_a_bare_name_is_the_address_of_that_name_on_the_load_balancers_not_its_namesake() -> None:
    lab = elsewhere()

    report = lab.swap(replace(TARGET, vip="vipswap1pip"))

    assert report.outcome is Outcome.SWAPPED
    assert same(lab.holds(STAGING_LB), ELSEWHERE)


def test_of_two_addresses_of_one_name_the_one_in_the_group_is_meant_or_an_id_is_asked_for() -> None:
    lab = Lab()
    twin = STAGING_IP.replace(SUBSCRIPTION, OTHER).replace("vipswap2pip", "vipswap1pip")
    moved(lab, STAGING_LB, STAGING_IP, twin)

    assert lab.plan(replace(TARGET, vip="vipswap1pip")).resolved.reached is False

    moved(lab, PRODUCTION_LB, PRODUCTION_IP, ELSEWHERE)
    with pytest.raises(UsageError, match="Both addresses") as told:
        lab.plan(replace(TARGET, vip="vipswap1pip"))
    assert ELSEWHERE in told.value.hint


def test_load_balancers_of_two_subscriptions_stay_refused() -> None:
    other = STAGING_LB.replace(SUBSCRIPTION, OTHER)

    with pytest.raises(Refused) as told:
        Lab().plan(replace(TARGET, staging=other))

    assert told.value.code == "OtherSubscription"


@pytest.mark.parametrize("scope", [ELSEWHERE, ELSEWHERE.split("/providers/")[0], f"/subscriptions/{OTHER}"])
def test_a_lock_in_the_addresss_own_subscription_is_found(scope: str) -> None:
    lab = elsewhere()
    lock(scope, "ReadOnly")(lab)

    assert "ReadOnlyLock" in {finding.code for finding in lab.plan().findings}


def test_a_lock_of_the_namesakes_is_none() -> None:
    lab = elsewhere()
    lock(PRODUCTION_IP, "ReadOnly")(lab)

    assert "ReadOnlyLock" not in {finding.code for finding in lab.plan().findings}


def test_a_login_that_may_not_join_the_address_there_is_refused() -> None:
    lab = elsewhere()
    for scope, actions in ((SUB, ["*"]), (f"/subscriptions/{OTHER}", ["*/read"])):
        role = {"actions": actions, "notActions": []}
        lab.put({"id": f"{scope}/providers/Microsoft.Authorization/permissions/role", "properties": role})

    (finding,) = [finding for finding in lab.plan().findings if finding.code == "PermissionMissing"]

    assert "publicIPAddresses/join/action" in finding.message
    assert ELSEWHERE in finding.message


def test_the_group_of_the_address_is_asked_for_its_owner_where_it_is() -> None:
    lab = elsewhere()
    group = ELSEWHERE.split("/providers/")[0]
    lab.put({"id": group, "name": "net", "location": "westus", "managedBy": "/x/managedClusters/aks"})

    (finding,) = [finding for finding in lab.plan().findings if finding.code == "ManagedResource"]

    assert group in finding.message


def test_status_reads_it_there_too() -> None:
    lab = elsewhere()
    lab.crash_at(25, done=True)
    with pytest.raises(Crash):
        lab.swap()
    lab.heal()
    lab.rest()

    (one,) = find(lab.client(), "vipswap")

    assert one.observed is not None
    assert str(one.observed.addresses[Side.PRODUCTION].id) == ELSEWHERE


# --- what a server or a user says is not trusted ----------------------------------------------------------------------


def test_an_address_that_is_not_there_is_told_by_its_whole_id() -> None:
    lab = elsewhere()
    lab.core.world.state.remove(ELSEWHERE)

    with pytest.raises(NotFound, match=OTHER):
        lab.plan()


def test_an_answer_with_another_resource_in_it_is_no_answer() -> None:
    lab = Lab()
    lab.get(PRODUCTION_IP)["id"] = ELSEWHERE

    with pytest.raises(ProtocolError, match="another resource"):
        lab.plan(options=Options(ignore=frozenset(ERRORS)))


def foreign_frontend(lab: Lab) -> None:
    found: dict[str, Any] = lab.get(PRODUCTION_LB)["properties"]["frontendIPConfigurations"][0]
    found["id"] = found["id"].replace("vipswap1lb", "vipswap2lb")


def repeated_frontend(lab: Lab) -> None:
    frontends = lab.get(PRODUCTION_LB)["properties"]["frontendIPConfigurations"]
    frontends.append(copy.deepcopy(frontends[0]))


def no_address(lab: Lab) -> None:
    frontend(lab, PRODUCTION_LB)["publicIPAddress"] = {"id": STAGING_LB}


@pytest.mark.parametrize("change", [foreign_frontend, repeated_frontend, no_address])
def test_a_frontend_that_is_another_resources_is_never_written(change: Callable[[Lab], None]) -> None:
    lab = Lab()
    change(lab)

    with pytest.raises(ProtocolError, match="cannot be read"):
        lab.swap(options=Options(ignore=frozenset(ERRORS)))

    assert lab.writes() == []


@pytest.mark.parametrize("etag", [None, "", 7, ["W/1"]])
@pytest.mark.parametrize("resource", [PRODUCTION_LB, STAGING_LB, PRODUCTION_IP, STAGING_IP])
def test_what_has_no_etag_is_never_written(resource: str, etag: object) -> None:
    """If-Match is what guards every write, and without an etag it guards nothing: nothing is begun."""
    lab = Lab()
    lab.get(resource)["etag"] = etag

    with pytest.raises(ProtocolError, match=f"{resource.split('/')[-1]} has no etag"):
        lab.swap(options=Options(ignore=frozenset(ERRORS)))

    assert lab.writes() == []


def test_two_frontends_that_refer_to_one_address_are_refused() -> None:
    lab = Lab()
    frontend(lab, STAGING_LB)["publicIPAddress"] = {"id": PRODUCTION_IP}

    with pytest.raises(Refused) as told:
        lab.swap(options=Options(ignore=frozenset({*ERRORS, "SameAddress"})))

    assert told.value.code == "SameAddress"
    assert lab.writes() == []


def test_a_frontend_is_named_by_its_whole_id_or_by_its_name() -> None:
    mine, its = (f"{lb}/frontendIPConfigurations/LoadBalancerFrontEnd" for lb in (PRODUCTION_LB, STAGING_LB))

    assert Lab().plan(replace(TARGET, frontends=(mine, "loadbalancerfrontend"))).steps
    with pytest.raises(UsageError, match="not a frontend of the load balancer"):
        Lab().plan(replace(TARGET, frontends=(its, None)))


def test_a_load_balancer_that_is_gone_is_not_taken_for_one_whose_name_begins_alike() -> None:
    lab = Lab()
    longer = f"{STAGING_LB}0"
    body = copy.deepcopy(lab.get(PRODUCTION_LB))
    lab.put({**body, "id": longer, "name": "vipswap2lb0"})

    with pytest.raises(NotFound, match="vipswap2lb00"):
        lab.plan(replace(TARGET, staging="vipswap2lb00"))


def test_an_id_of_another_type_is_asked_for_nothing() -> None:
    client = Lab().client()

    with pytest.raises(InvalidResourceId, match="not of a"):
        get_public_ip(client, ResourceId.parse(PRODUCTION_LB))
    with pytest.raises(InvalidResourceId, match="not of a"):
        delete_load_balancer(client, ResourceId.parse(STAGING_IP))


def test_the_emulator_serves_other_subscriptions_and_lists_its_own() -> None:
    lab = elsewhere()
    client = lab.client()

    assert client.get(ELSEWHERE)["id"] == ELSEWHERE
    listed = list(client.list("/subscriptions", api="subscriptions"))
    assert [item["subscriptionId"] for item in listed] == [SUBSCRIPTION]


def test_the_exchange_is_the_same_as_in_one_subscription() -> None:
    lab = elsewhere(namesake=False, latency="instant")
    lab.swap()
    lab.swap()
    before = lab.snapshot()

    lab.swap()

    there = {id.replace(ELSEWHERE, PRODUCTION_IP): body for id, body in before.items()}
    expected = exchanged(there)
    after = lab.snapshot()
    assert after[ELSEWHERE]["properties"]["ipConfiguration"] == expected[PRODUCTION_IP]["properties"]["ipConfiguration"]
    assert after[STAGING_IP] == expected[STAGING_IP]
