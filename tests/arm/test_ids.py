"""ARM ids: read, written, compared; and nothing that could climb out of its place in a URL."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vipswap_rest.arm.ids import InvalidResourceId, ResourceId, check_group, check_name, check_subscription

SUBSCRIPTION = "8f1bd9a2-0000-4e11-9c35-0123456789ab"
LB = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/My-Group/providers/Microsoft.Network/loadBalancers/lb1"
FRONTEND = f"{LB}/frontendIPConfigurations/LoadBalancerFrontEnd"

NAMES = st.from_regex(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,78}[A-Za-z0-9_])?", fullmatch=True)
GROUPS = st.from_regex(r"[-A-Za-z0-9_.()]{0,89}[-A-Za-z0-9_()]", fullmatch=True)
TYPES = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,20}", fullmatch=True)
CHAINS = st.lists(st.tuples(TYPES, NAMES), min_size=1, max_size=4)
CLIMBERS = [
    *("", ".", "..", "../x", "x/..", "a/b", "a\\b", "/a", "a/", "a b", "a?b", "a#b", "a%2fb", "%2e%2e", "a;b", "a:b"),
    *("a\n", "\na", "a\x00", "a\r\nHost: x", "-a", ".a", "_a", "a.", "a-", "é", "a" * 81),
]


def id_of(group: str, chain: list[tuple[str, str]]) -> str:
    tail = "/".join(f"{kind}/{name}" for kind, name in chain)
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.Network/{tail}"


@given(GROUPS, CHAINS)
def test_an_id_is_written_as_it_was_read(group: str, chain: list[tuple[str, str]]) -> None:
    text = id_of(group, chain)

    assert str(ResourceId.parse(text)) == text


@given(GROUPS, CHAINS, st.sampled_from([str.upper, str.lower, str.swapcase]))
def test_ids_that_differ_in_case_are_one(group: str, chain: list[tuple[str, str]], change: object) -> None:
    assert callable(change)
    one, other = ResourceId.parse(id_of(group, chain)), ResourceId.parse(change(id_of(group, chain)))

    assert one == other
    assert hash(one) == hash(other)
    assert one.key == other.key
    assert {one: 1}[other] == 1


@given(st.text(max_size=60), st.sampled_from(["", "/", LB, f"{LB}/", f"{LB}/frontendIPConfigurations/"]))
def test_any_text_is_an_id_or_is_refused_in_one_sentence(text: str, prefix: str) -> None:
    try:
        said = f"{ResourceId.parse(prefix + text)} is an id."
    except InvalidResourceId as error:
        said = str(error)

    assert said.endswith(".")
    assert "\n" not in said


@given(st.text(max_size=90))
def test_a_name_that_passes_needs_no_quoting_and_is_one_segment(text: str) -> None:
    try:
        check_name(text)
    except InvalidResourceId:
        return
    assert quote(text, safe="") == text
    assert text not in (".", "..")


@given(st.text(max_size=95))
def test_a_group_that_passes_is_one_segment(text: str) -> None:
    try:
        check_group(text)
    except InvalidResourceId:
        return
    assert not re.search(r"[/\\?#%\s]", text)
    assert text not in (".", "..")


@pytest.mark.parametrize("name", CLIMBERS)
def test_a_name_that_is_none_is_refused(name: str) -> None:
    for check in (
        lambda: check_name(name),
        lambda: ResourceId.network(SUBSCRIPTION, "g", "loadBalancers", name),
        lambda: ResourceId.parse(LB).child("frontendIPConfigurations", name),
        lambda: ResourceId.parse(f"{LB}/frontendIPConfigurations/{name}"),
    ):
        with pytest.raises(InvalidResourceId):
            check()


@pytest.mark.parametrize(
    "group", ["", ".", "..", "../x", "a/b", "a\\b", "a b", "a.", "a?b", "a#b", "a%2f", "a" * 91, "a\n"]
)
def test_a_group_that_is_none_is_refused(group: str) -> None:
    with pytest.raises(InvalidResourceId):
        check_group(group)
    with pytest.raises(InvalidResourceId):
        ResourceId.network(SUBSCRIPTION, group, "loadBalancers", "lb")


@pytest.mark.parametrize("group", ["a", "my..group", "(x)", "Ünïcode", "-", "_", "a" * 90])
def test_a_group_that_azure_allows_passes(group: str) -> None:
    assert check_group(group) == group


@pytest.mark.parametrize("name", ["a", "7", "a..b", "vip.swap-1_", "A" * 80])
def test_a_name_that_azure_allows_passes(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "text", ["", "x", f"{SUBSCRIPTION}/..", f" {SUBSCRIPTION}", f"{SUBSCRIPTION}\n", SUBSCRIPTION[:-1]]
)
def test_a_subscription_is_a_guid(text: str) -> None:
    with pytest.raises(InvalidResourceId):
        check_subscription(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "/",
            "lb1",
            LB[1:],
            f"{LB}/",
            f"/{LB}",
            f"{LB}//",
            LB.replace("providers", "provider"),
            f"{LB}/x",
            f"{LB} ",
        ),
        *(LB.replace("Microsoft.Network", name) for name in ("", "..", "Microsoft", "Microsoft.", "a/b")),
        *(LB.replace("loadBalancers", kind) for kind in ("", "..", "a-b", "1a")),
        *(LB.replace("My-Group", group) for group in ("", "..", "a b")),
        *(LB.replace(SUBSCRIPTION, name) for name in ("", "..", "x")),
    ],
)
def test_a_text_that_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidResourceId):
        ResourceId.parse(text)


def test_the_parts_of_an_id() -> None:
    frontend = ResourceId.parse(FRONTEND)

    assert (frontend.subscription, frontend.resource_group, frontend.name) == (
        SUBSCRIPTION,
        "My-Group",
        "LoadBalancerFrontEnd",
    )
    assert frontend.type == "Microsoft.Network/loadBalancers/frontendIPConfigurations"
    assert frontend.is_a("microsoft.network/LOADBALANCERS/frontendipconfigurations")
    assert frontend.parent == ResourceId.parse(LB)
    assert ResourceId.parse(LB).parent is None
    assert ResourceId.parse(LB).child("frontendIPConfigurations", "loadbalancerfrontend") == frontend
    assert ResourceId.network(SUBSCRIPTION, "my-group", "loadBalancers", "LB1") == ResourceId.parse(LB)


def test_an_id_is_no_text_and_no_other_id() -> None:
    assert ResourceId.parse(LB) != LB
    assert ResourceId.parse(LB) != ResourceId.parse(FRONTEND)


def test_the_id_of_a_scale_sets_network_interface_is_read() -> None:
    text = (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Compute/virtualMachineScaleSets/s"
        "/virtualMachines/0/networkInterfaces/nic/ipConfigurations/ip"
    )

    assert ResourceId.parse(text).names == ("s", "0", "nic", "ip")
