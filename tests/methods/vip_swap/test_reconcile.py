"""next_step, enumerated over everything a half-done swap can look like."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from tests.methods.vip_swap.conftest import (
    ADDRESSES,
    FLOAT,
    FOREIGN,
    FRONTENDS,
    LOAD_BALANCERS,
    PAIR,
    START,
    Arrangement,
    public_ip_body,
)
from vipswap_rest.methods.vip_swap.model import Observed, PublicIp
from vipswap_rest.methods.vip_swap.reconcile import (
    Attach,
    CreateFloat,
    DeleteFloat,
    Opening,
    Repair,
    RepairFloat,
    SwapNatively,
    next_step,
)
from vipswap_rest.switchover.report import Side
from vipswap_rest.switchover.steps import Direction, Done, Refuse, Step, Wait

P, S = Side.PRODUCTION, Side.STAGING
A, B = ADDRESSES[P], ADDRESSES[S]
STATES = ("Succeeded", "Updating", "Failed", "Canceled")

# Every way two frontends can hold the two addresses, the float, a foreign address or none: never one address twice.
PLACES = [
    (production, staging)
    for production, staging in product((A, B, FLOAT, FOREIGN, None), repeat=2)
    if production != staging or production in (FOREIGN, None)
]
ARRANGEMENTS = [
    Arrangement(production, staging, exists)
    for (production, staging), exists in product(PLACES, (True, False))
    if exists or FLOAT not in (production, staging)
]


def apply(observed: Observed, step: Step) -> Observed:
    """What a step leads to, on an ARM that does what it is asked, by ARM's rules and none of the model's."""
    if isinstance(step, CreateFloat):
        assert observed.float is None, "a float cannot be created twice"
        return replace(observed, float=PublicIp.read(public_ip_body(FLOAT, None)))
    if isinstance(step, DeleteFloat):
        assert observed.float is not None
        assert observed.float.holder is None, "ARM refuses to delete an address in use"
        return replace(observed, float=None)
    if isinstance(step, Attach):
        taken = observed.public_ip(step.address)
        assert taken is not None
        assert taken.holder is None, "ARM refuses an address in use"
        return observed.moved(PAIR, step.side, step.address)
    if isinstance(step, SwapNatively):
        for side, address in step.addresses:
            observed = observed.moved(PAIR, side, address)
        return observed
    if isinstance(step, Repair):
        load_balancer = observed.load_balancers[step.side]
        return observed.with_load_balancer(step.side, replace(load_balancer, state="succeeded"))
    if isinstance(step, RepairFloat):
        assert observed.float is not None
        return replace(observed, float=replace(observed.float, state="succeeded"))
    raise AssertionError(f"{step} is no write")


@pytest.mark.parametrize("opening", Opening)
@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("arrangement", ARRANGEMENTS, ids=str)
def test_every_arrangement_reaches_the_goal_in_five_writes_or_is_refused_with_a_reason(
    arrangement: Arrangement, direction: Direction, opening: Opening
) -> None:
    observed, writes = arrangement.observed(), 0
    while not isinstance(step := next_step(observed, PAIR, direction, opening), Done | Refuse):
        observed, writes = apply(observed, step), writes + 1
        assert writes <= 5

    legal = {arrangement.production, arrangement.staging} <= {A, B, FLOAT}
    assert isinstance(step, Done) == legal
    if isinstance(step, Refuse):
        assert writes == 0, "what will be refused is refused before anything is written"
        assert step.reason.endswith(".")
    else:
        goal = PAIR.goal(direction)
        assert {side: observed.held(PAIR, side) for side in Side} == goal
        assert observed.float is None


@pytest.mark.parametrize("opening", Opening)
@pytest.mark.parametrize("direction", Direction)
def test_whatever_the_states_nothing_is_written_while_something_is_in_flight_and_the_broken_is_mended_first(
    direction: Direction, opening: Opening
) -> None:
    legal = [item for item in ARRANGEMENTS if {item.production, item.staging} <= {A, B, FLOAT}]
    for arrangement, balancers, addresses in product(legal, product(STATES, repeat=2), product(STATES, repeat=2)):
        for float_state in STATES if arrangement.float_exists else STATES[:1]:
            case = replace(
                arrangement, load_balancer_states=balancers, address_states=addresses, float_state=float_state
            )
            step = next_step(case.observed(), PAIR, direction, opening)
            everything = (*balancers, *addresses, float_state)
            if "Updating" in everything:
                assert isinstance(step, Wait), case
            elif balancers[0] != "Succeeded":
                assert step == Repair(P), case
            elif balancers[1] != "Succeeded":
                assert step == Repair(S), case
            elif set(addresses) != {"Succeeded"}:
                assert isinstance(step, Refuse), case
            elif float_state != "Succeeded":
                assert step == RepairFloat(), case
            else:
                assert not isinstance(step, Wait | Repair | RepairFloat), case


def test_a_failed_load_balancer_is_mended_and_then_the_goal_is_reached() -> None:
    for arrangement in ARRANGEMENTS:
        if not {arrangement.production, arrangement.staging} <= {A, B, FLOAT}:
            continue
        observed = replace(arrangement, load_balancer_states=("Failed", "Canceled")).observed()
        for _ in range(8):
            step = next_step(observed, PAIR, Direction.EXCHANGED, Opening.FLOAT_ON_STAGING)
            if isinstance(step, Done):
                break
            observed = apply(observed, step)
        assert isinstance(step, Done)


def writes_from(observed: Observed, direction: Direction, opening: Opening) -> list[Step]:
    steps: list[Step] = []
    while not isinstance(step := next_step(observed, PAIR, direction, opening), Done):
        steps.append(step)
        observed = apply(observed, step)
    return steps


def test_staging_goes_to_the_float_first_by_default_as_in_the_seeds_python_script(start: Observed) -> None:
    expected = [CreateFloat(), Attach(S, FLOAT), Attach(P, B), Attach(S, A), DeleteFloat()]

    assert writes_from(start, Direction.EXCHANGED, Opening.FLOAT_ON_STAGING) == expected


def test_production_goes_first_in_the_other_order_as_in_the_seeds_powershell_example(start: Observed) -> None:
    expected = [CreateFloat(), Attach(P, FLOAT), Attach(S, A), Attach(P, B), DeleteFloat()]

    assert writes_from(start, Direction.EXCHANGED, Opening.FLOAT_ON_PRODUCTION) == expected


def test_the_native_swap_keeps_the_float_unattached(start: Observed) -> None:
    expected = [CreateFloat(), SwapNatively(((P, B), (S, A))), DeleteFloat()]

    assert writes_from(start, Direction.EXCHANGED, Opening.NATIVE) == expected


def test_productions_address_goes_first_where_both_are_free() -> None:
    # Both frontends on addresses that can be left: production's is the one that is missed.
    observed = Arrangement(FLOAT, B, True).observed()

    step = next_step(observed, PAIR, Direction.EXCHANGED, Opening.FLOAT_ON_STAGING)

    assert step == Attach(S, A)


def test_an_address_that_something_else_holds_is_not_free() -> None:
    observed = Arrangement(A, FLOAT, True).observed()
    taken = PublicIp.read(public_ip_body(B, "/some/networkInterface/ipConfigurations/x"))
    observed = observed.with_public_ip(taken)

    step = next_step(observed, PAIR, Direction.EXCHANGED, Opening.FLOAT_ON_STAGING)

    assert isinstance(step, Refuse)
    assert "networkInterface" in step.reason


def test_an_address_behind_a_nat_gateway_is_not_free() -> None:
    body = public_ip_body(B, None)
    body["properties"]["natGateway"] = {"id": "/some/natGateway"}  # type: ignore[index]

    assert PublicIp.read(body).holder == "/some/natGateway"


def test_a_frontend_whose_address_does_not_agree_is_waited_for() -> None:
    observed = START.observed().with_public_ip(PublicIp.read(public_ip_body(A, None)))

    step = next_step(observed, PAIR, Direction.EXCHANGED, Opening.FLOAT_ON_STAGING)

    assert isinstance(step, Wait)
    assert step.resource == A


def test_an_address_that_still_shows_a_frontend_that_left_it_is_waited_for() -> None:
    observed = Arrangement(A, FLOAT, True).observed().with_public_ip(PublicIp.read(public_ip_body(B, FRONTENDS[S])))

    step = next_step(observed, PAIR, Direction.EXCHANGED, Opening.FLOAT_ON_STAGING)

    assert isinstance(step, Wait)
    assert step.resource == B


def test_a_frontend_that_is_gone_is_refused() -> None:
    observed = START.observed()
    bare = replace(observed.load_balancers[P], frontends=())

    step = next_step(observed.with_load_balancer(P, bare), PAIR, Direction.EXCHANGED, Opening.NATIVE)

    assert isinstance(step, Refuse)
    assert step.resource == FRONTENDS[P]
    assert FRONTENDS[P].parent == LOAD_BALANCERS[P]
