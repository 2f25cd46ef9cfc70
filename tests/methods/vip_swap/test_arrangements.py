"""Every way an interrupted swap can lie there, its tags present, absent or damaged: recovered, or refused with why."""

from __future__ import annotations

import copy
from itertools import permutations, product
from typing import Any

import pytest

from tests.methods.vip_swap.lab import NETWORK, PRODUCTION_IP, PRODUCTION_LB, STAGING_IP, STAGING_LB, Lab
from tests.methods.vip_swap.moments import LONG
from vipswap_rest.arm.errors import Refused
from vipswap_rest.arm.ids import ResourceId
from vipswap_rest.methods.vip_swap.journal import PREFIX, Journal, float_id
from vipswap_rest.methods.vip_swap.model import Pair
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.recovery import Recovery
from vipswap_rest.switchover.report import Side
from vipswap_rest.switchover.steps import Direction

LOAD_BALANCERS = (PRODUCTION_LB, STAGING_LB)
IDS = tuple(ResourceId.parse(text) for text in LOAD_BALANCERS)
FLOAT = str(float_id((IDS[0], IDS[1])))
FOREIGN = f"{NETWORK}/publicIPAddresses/foreign"
# Which address each of the two frontends holds: never one address twice, but production's where of two overlapping
# operations one went back.
PLACES = [*permutations((PRODUCTION_IP, STAGING_IP, FLOAT, FOREIGN), 2), (PRODUCTION_IP, PRODUCTION_IP)]
STATES = list(product(("Succeeded", "Failed"), repeat=2))


def frontend(lab: Lab, load_balancer: str) -> dict[str, Any]:
    found: dict[str, Any] = lab.get(load_balancer)["properties"]["frontendIPConfigurations"][0]
    return found


def tags(lab: Lab, opening: Opening) -> dict[str, str]:
    frontends = {
        side: ResourceId.parse(frontend(lab, text)["id"]) for side, text in zip(Side, LOAD_BALANCERS, strict=True)
    }
    addresses = {side: ResourceId.parse(text) for side, text in zip(Side, (PRODUCTION_IP, STAGING_IP), strict=True)}
    pair = Pair(frontends, addresses, ResourceId.parse(FLOAT))
    return Journal(pair, Direction.EXCHANGED, opening, "a-run", "2026-01-01T00:00:00Z", 1).tags()


def arranged(places: tuple[str, str], states: tuple[str, str], float_tags: dict[str, str]) -> Lab:
    """A lab whose two frontends hold these addresses, in load balancers of these states, with a float of these tags."""
    lab = Lab()
    for id in (FLOAT, FOREIGN):
        body = copy.deepcopy(lab.get(PRODUCTION_IP))
        body.update(id=id, name=id.rpartition("/")[2], tags={})
        body["properties"].pop("dnsSettings", None)
        body["properties"]["ipAddress"] = "127.9.9.9"
        lab.put(body)
    bodies = {id: copy.deepcopy(lab.get(id)) for id in (PRODUCTION_IP, STAGING_IP, FLOAT, FOREIGN)}
    for body in bodies.values():
        body["properties"].pop("ipConfiguration", None)
    bodies[FLOAT]["tags"] = float_tags
    for load_balancer, place, state in zip(LOAD_BALANCERS, places, states, strict=True):
        body = copy.deepcopy(lab.get(load_balancer))
        body["properties"]["provisioningState"] = state
        found = body["properties"]["frontendIPConfigurations"][0]
        found["properties"]["publicIPAddress"] = {"id": place}
        bodies[place]["properties"]["ipConfiguration"] = {"id": found["id"]}
        lab.put(body)
    lab.put(*bodies.values())
    return lab


@pytest.mark.parametrize("way", [Recovery.RESUME, Recovery.ROLLBACK])
@pytest.mark.parametrize("opening", Opening)
def test_every_arrangement_is_recovered_in_five_writes_or_refused_with_the_reason(
    opening: Opening, way: Recovery
) -> None:
    goal = (STAGING_IP, PRODUCTION_IP) if way is Recovery.RESUME else (PRODUCTION_IP, STAGING_IP)
    for number, (places, states) in enumerate(product(PLACES, STATES)):
        if not LONG and number % 5 != list(Opening).index(opening):
            continue  # every fifth one, other ones for each opening
        told = f"{places}, {states}"
        lab = arranged(places, states, tags(Lab(), opening))

        report = lab.recover(way)

        # The first write takes the float over.
        writes = lab.writes()[1:]
        if FOREIGN in places:
            assert report.exit_code == 6, told
            assert "foreign" in str(report.error), told
            assert writes == [], told
        else:
            assert report.exit_code == 0, f"{told}: {report.error}"
            assert (lab.holds(PRODUCTION_LB), lab.holds(STAGING_LB)) == goal, told
            assert lab.floats() == [], told
            assert lab.unsettled() == [], told
            assert len(writes) <= 5 + states.count("Failed"), told


@pytest.mark.parametrize("damage", ["absent", "foreign only", "one changed", "one missing", "no checksum", "a version"])
def test_a_float_whose_tags_cannot_be_trusted_is_left_alone_with_all_the_rest(damage: str) -> None:
    good = tags(Lab(), Opening.FLOAT_ON_STAGING)
    bad = {
        "absent": {},
        "foreign only": {"owner": "somebody"},
        "one changed": good | {PREFIX + "goal": "original"},
        "one missing": {key: value for key, value in good.items() if key != PREFIX + "staging-address"},
        "no checksum": {key: value for key, value in good.items() if key != PREFIX + "checksum"},
        "a version": good | {PREFIX + "version": "2"},
    }[damage]
    for places in PLACES:
        lab = arranged(places, ("Succeeded", "Failed"), bad)

        with pytest.raises(Refused) as by_recover:
            lab.recover()
        with pytest.raises(Refused) as by_swap:
            lab.swap()

        for error in (by_recover.value, by_swap.value):
            assert error.code == ("FloatForeign" if damage in ("absent", "foreign only") else "FloatDamaged")
            assert "vipswap-float-" in error.message
        assert lab.writes() == []
