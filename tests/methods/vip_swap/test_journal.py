"""The float as journal: its name, its body, its tags."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.methods.vip_swap.conftest import FLOAT, LOAD_BALANCERS, PAIR, network_id, public_ip_body
from vipswap_rest.arm.errors import Refused
from vipswap_rest.arm.ids import ResourceId
from vipswap_rest.methods.vip_swap import journal as journals
from vipswap_rest.methods.vip_swap.journal import Journal
from vipswap_rest.methods.vip_swap.model import Pair, PublicIp
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.switchover.report import Side
from vipswap_rest.switchover.steps import Direction

JOURNAL = Journal(PAIR, Direction.EXCHANGED, Opening.FLOAT_ON_STAGING, "run-1", "2026-01-31T08:15:30.123Z", 60)


def tagged(tags: dict[str, str]) -> PublicIp:
    return PublicIp.read({**public_ip_body(FLOAT, None), "tags": tags})


names = st.from_regex(r"[a-zA-Z0-9][-a-zA-Z0-9_]{0,78}[a-zA-Z0-9_]", fullmatch=True)
groups = st.from_regex(r"[-a-zA-Z0-9_()]{1,90}", fullmatch=True)


@given(
    data=st.data(),
    direction=st.sampled_from(Direction),
    opening=st.sampled_from(Opening),
    done=st.booleans(),
)
def test_a_journal_survives_the_way_through_tags_in_any_case_among_foreign_ones(
    data: st.DataObject, direction: Direction, opening: Opening, done: bool
) -> None:
    load_balancers = [network_id("loadBalancers", data.draw(names), data.draw(groups)) for _ in Side]
    frontends = {
        side: item.child("frontendIPConfigurations", data.draw(names))
        for side, item in zip(Side, load_balancers, strict=True)
    }
    addresses = {side: network_id("publicIPAddresses", data.draw(names), data.draw(groups)) for side in Side}
    pair = Pair(frontends, addresses, journals.float_id((load_balancers[0], load_balancers[1])))
    journal = Journal(pair, direction, opening, "run", "now", 60, done)
    tags = {key.upper(): value for key, value in journal.tags().items()}
    assert all(len(value) <= 256 for value in tags.values())
    assert len(tags) <= 40, "a resource holds 50 tags, and policies add some"

    body = {**public_ip_body(pair.float, None), "tags": {**tags, "cost-centre": "42", "vip": "x"}}

    assert journals.read(PublicIp.read(body)) == journal


@given(st.data())
def test_a_change_to_any_tag_of_ours_is_noticed(data: st.DataObject) -> None:
    tags = JOURNAL.tags()
    key = data.draw(st.sampled_from(sorted(tags)))
    value = data.draw(st.one_of(st.none(), st.text(max_size=20)))
    changed = {k: v for k, v in tags.items() if k != key} | ({} if value is None else {key: value})
    if changed == tags:
        return

    with pytest.raises(Refused) as refused:
        journals.read(tagged(changed))

    assert refused.value.code == "FloatDamaged"


def test_a_float_without_a_tag_of_ours_is_somebody_elses() -> None:
    with pytest.raises(Refused) as refused:
        journals.read(tagged({"owner": "someone"}))

    assert refused.value.code == "FloatForeign"


def test_the_floats_name_is_the_same_for_any_order_and_case_of_the_load_balancers() -> None:
    first, second = LOAD_BALANCERS.values()
    shouted = ResourceId.parse(str(first).upper().replace("/SUBSCRIPTIONS", "/subscriptions"))

    assert journals.float_id((first, second)) == journals.float_id((second, shouted))


def test_the_float_lives_in_the_group_of_the_first_load_balancer_by_id() -> None:
    one, other = network_id("loadBalancers", "x", "zz"), network_id("loadBalancers", "x", "aa")

    assert journals.float_id((one, other)).resource_group == "aa"


def test_a_plan_of_another_pair_is_damage() -> None:
    body = {**public_ip_body(network_id("publicIPAddresses", "vipswap-float-0"), None), "tags": JOURNAL.tags()}

    with pytest.raises(Refused, match="another pair"):
        journals.read(PublicIp.read(body))


def test_the_float_copies_what_a_frontend_must_agree_on_and_nothing_else() -> None:
    source = public_ip_body(PAIR.originals[Side.STAGING], None)
    source["zones"] = ["1", "2", "3"]
    source["tags"] = {"owner": "x"}
    source["extendedProperty"] = 1
    source["properties"].update(  # type: ignore[attr-defined]
        {
            "dnsSettings": {"domainNameLabel": "x"},
            "ddosSettings": {"protectionMode": "Enabled"},
            "publicIPPrefix": {"id": "/prefix"},
            "idleTimeoutInMinutes": 30,
            "ipTags": [
                {"ipTagType": "RoutingPreference", "tag": "Internet"},
                {"ipTagType": "FirstPartyUsage", "tag": "/Sql"},
            ],
        }
    )

    body = journals.float_body(PublicIp.read(source), {"vipswap-run": "1"})

    assert body == {
        "location": "westus",
        "sku": {"name": "Standard", "tier": "Regional"},
        "zones": ["1", "2", "3"],
        "tags": {"vipswap-run": "1"},
        "properties": {
            "publicIPAllocationMethod": "Static",
            "publicIPAddressVersion": "IPv4",
            "ipTags": [
                {"ipTagType": "RoutingPreference", "tag": "Internet"},
                {"ipTagType": "FirstPartyUsage", "tag": "/Sql"},
            ],
        },
    }


def test_a_float_stands_in_for_an_address_that_says_nothing_of_itself() -> None:
    source = public_ip_body(FLOAT, None)
    source["properties"]["publicIPAddressVersion"] = ""

    body = journals.float_body(PublicIp.read(source), {})

    assert body["properties"] == {"publicIPAllocationMethod": "Static"}
