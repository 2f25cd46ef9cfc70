"""Where the addresses of an experiment lie, and what a swap of either way is asked for."""

from __future__ import annotations

import pytest

from vipswap_rest.arm.errors import Refused
from vipswap_rest.arm.ids import ResourceId
from vipswap_rest.cli.bench import Home
from vipswap_rest.measure.experiment.design import Way
from vipswap_rest.methods.vip_swap.model import Pair
from vipswap_rest.switchover.report import Side

NETWORK = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g/providers/Microsoft.Network"
FRONTENDS = [f"{NETWORK}/loadBalancers/lb{number}/frontendIPConfigurations/fe{number}" for number in (1, 2)]
ADDRESSES = [f"{NETWORK}/publicIPAddresses/ip{number}" for number in (1, 2)]


def pair(*addresses: str) -> Pair:
    return Pair(
        {side: ResourceId.parse(id) for side, id in zip(Side, FRONTENDS, strict=True)},
        {side: ResourceId.parse(id) for side, id in zip(Side, addresses, strict=True)},
        ResourceId.parse(f"{NETWORK}/publicIPAddresses/float"),
    )


def test_the_way_follows_from_where_productions_address_lies() -> None:
    home = Home.of(pair(*ADDRESSES))

    assert home.way(pair(*ADDRESSES)) is Way.THERE
    assert home.way(pair(*reversed(ADDRESSES))) is Way.BACK
    assert home.way(pair(*(address.upper().replace("MICROSOFT", "Microsoft") for address in ADDRESSES))) is Way.THERE


def test_a_swap_back_is_asked_for_with_the_sides_exchanged() -> None:
    home = Home.of(pair(*ADDRESSES))
    there, back = home.target(Way.THERE), home.target(Way.BACK)

    assert (there.production, there.staging) == (back.staging, back.production)
    assert there.frontends == back.frontends[::-1] == tuple(FRONTENDS)


def test_other_addresses_than_the_experiment_began_with_are_refused() -> None:
    home = Home.of(pair(*ADDRESSES))
    strange = f"{NETWORK}/publicIPAddresses/ip3"

    with pytest.raises(Refused, match="ip3") as refused:
        home.way(pair(ADDRESSES[0], strange))

    assert refused.value.exit_code == 4
