"""Load balancers and addresses of every shape, and parts of them missing, null, in odd case, foreign or repeated."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.methods.vip_swap.lab import GROUP, NETWORK, PRODUCTION_IP, PRODUCTION_LB, STAGING_IP, STAGING_LB, Lab
from vipswap_rest.emulator.settings import SUBSCRIPTION
from vipswap_rest.methods.vip_swap.preflight import CODES
from vipswap_rest.methods.vip_swap.preflight.finding import ERRORS

Json = dict[str, Any]

ELSEWHERE = "00000000-0000-0000-0000-0000000000aa"
ADDRESSES = {PRODUCTION_LB: PRODUCTION_IP, STAGING_LB: STAGING_IP}
FOREIGN = [
    f"/subscriptions/{ELSEWHERE}/resourceGroups/other/providers/Microsoft.Network/publicIPAddresses/vipswap1pip",
    f"{NETWORK}/publicIPAddresses/nobody",
    PRODUCTION_IP,
    STAGING_IP,
    f"{PRODUCTION_LB}/frontendIPConfigurations/LoadBalancerFrontEnd",
    f"{STAGING_LB}/frontendIPConfigurations/LoadBalancerFrontEnd",
    f"{NETWORK}/loadBalancers/gateway/frontendIPConfigurations/front",
    f"{GROUP}/providers/Microsoft.Compute/virtualMachineScaleSets/vipswap1",
    "/subscriptions/not-one/x",
    "westus2",
]
ODD_VALUES: list[Any] = ["", 0, -1, True, [], {}, [None], [{}], {"id": None}, {"id": 5}, "Basic", "IPv6", "Dynamic"]
# A part of a body that is left as it was made: by these the emulator itself finds a resource.
_KEPT = ({("id",), ("properties",)}, {("name",), ("type",)})


@dataclass(frozen=True)
class Case:
    """What is seeded, and what is asked for."""

    bodies: list[Json]
    verbs: list[str]
    options: list[str]


def _yes(draw: st.DrawFn, chance: int = 3) -> bool:
    return draw(st.integers(0, chance)) == 0


def _shape(draw: st.DrawFn, lab: Lab) -> dict[str, Json]:
    """The article's environment, and parts that it does not have; all of it as ARM might show it."""
    bodies = {id: copy.deepcopy(lab.get(id)) for pair in ADDRESSES.items() for id in pair}
    edge = {"name": "microsoftlosangeles1", "type": "EdgeZone"} if _yes(draw, 6) else None
    for balancer, address in ADDRESSES.items():
        body, ip = bodies[balancer], bodies[address]
        frontends = body["properties"]["frontendIPConfigurations"]
        if _yes(draw):
            id = f"{NETWORK}/publicIPAddresses/{ip['name']}".replace(SUBSCRIPTION, ELSEWHERE)
            ip["id"] = id
            frontends[0]["properties"]["publicIPAddress"] = {"id": id}
            if _yes(draw, 1):
                bodies[f"namesake of {id}"] = _address(id.replace(ELSEWHERE, SUBSCRIPTION))
        for number in range(draw(st.integers(0, 2))):
            name = f"more{number}"
            refers = draw(st.sampled_from(["public", "prefix", "subnet", "nothing"]))
            frontends.append(_frontend(balancer, name, refers))
            if refers == "public":
                bodies[f"{balancer} {name}"] = _address(
                    f"{NETWORK}/publicIPAddresses/{body['name']}{name}", frontends[-1]["id"], six=_yes(draw, 1)
                )
        if edge:
            body["extendedLocation"] = ip["extendedLocation"] = edge
        if _yes(draw):
            frontends[0]["properties"]["gatewayLoadBalancer"] = {"id": draw(st.sampled_from(FOREIGN))}
        if _yes(draw):
            ip["zones"] = frontends[0]["zones"] = draw(st.sampled_from([["1"], ["1", "2", "3"]]))
        if _yes(draw):
            ip["properties"]["ipTags"] = [{"ipTagType": "RoutingPreference", "tag": "Internet"}]
        if _yes(draw):
            body["properties"]["outboundRules"] = [_outbound(body)]
    return bodies


def _frontend(balancer: str, name: str, refers: str) -> Json:
    references = {
        "public": {"publicIPAddress": {"id": f"{NETWORK}/publicIPAddresses/{balancer.rpartition('/')[2]}{name}"}},
        "prefix": {"publicIPPrefix": {"id": f"{NETWORK}/publicIPPrefixes/prefix"}},
        "subnet": {"subnet": {"id": f"{NETWORK}/virtualNetworks/vipswapvnet/subnets/subnet"}},
    }
    made: Json = {"name": name, "id": f"{balancer}/frontendIPConfigurations/{name}", "zones": ["1", "2", "3"]}
    return {**made, "properties": {"provisioningState": "Succeeded", **references.get(refers, {})}}


def _address(id: str, holder: str | None = None, *, six: bool = False) -> Json:
    properties: Json = {
        "provisioningState": "Succeeded",
        "publicIPAddressVersion": "IPv6" if six else "IPv4",
        "publicIPAllocationMethod": "Static",
        "idleTimeoutInMinutes": 4,
        "ipTags": [],
    }
    if holder:
        properties["ipConfiguration"] = {"id": holder}
    return {
        "name": id.rpartition("/")[2],
        "id": id,
        "type": "Microsoft.Network/publicIPAddresses",
        "location": "westus",
        "sku": {"name": "Standard", "tier": "Regional"},
        "properties": properties,
    }


def _outbound(body: Json) -> Json:
    id = body["id"]
    properties = {
        "frontendIPConfigurations": [{"id": f"{id}/frontendIPConfigurations/LoadBalancerFrontEnd"}],
        "backendAddressPool": {"id": f"{id}/backendAddressPools/bepool"},
        "protocol": "All",
        "allocatedOutboundPorts": 1024,
    }
    return {"name": "out", "id": f"{id}/outboundRules/out", "properties": properties}


def _places(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a body, from the outside in."""
    items = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from _places(value, (*path, key))


def _damage(draw: st.DrawFn, body: Json) -> None:
    """Make one part of a body odd."""
    places = [place for place in _places(body) if place not in _KEPT[0] | _KEPT[1]]
    *outer, last = draw(st.sampled_from(places))
    holder: Any = body
    for key in outer:
        holder = holder[key]
    value = holder[last]
    how = draw(st.sampled_from(["missing", "null", "case", "foreign", "repeated", "odd"]))
    if how == "missing":
        del holder[last]
    elif how == "null":
        holder[last] = None
    elif how == "case" and isinstance(value, str):
        holder[last] = draw(st.sampled_from([value.upper(), value.lower(), value.swapcase(), f" {value} "]))
    elif how == "foreign":
        foreign = draw(st.sampled_from(FOREIGN))
        holder[last] = {"id": foreign} if isinstance(value, dict) else foreign
    elif how == "repeated" and isinstance(holder, list):
        holder.append(copy.deepcopy(value))
    else:
        holder[last] = copy.deepcopy(draw(st.sampled_from(ODD_VALUES)))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A world with up to four odd parts, and a plan and a swap of it by some options."""
    bodies = _shape(draw, Lab())
    names = list(bodies)
    for _ in range(draw(st.integers(0, 4))):
        _damage(draw, bodies[draw(st.sampled_from(names))])
    ignored = draw(st.one_of(st.just([]), st.just(list(ERRORS)), st.lists(st.sampled_from(list(CODES)), max_size=4)))
    options = [f"--ignore={code}" for code in ignored]
    options += draw(st.sampled_from([[], ["--float-on=production"], ["--strategy=native"], ["--allow-address-change"]]))
    options += draw(st.sampled_from([[], ["--vip=vipswap1pip"], ["--vip=vipswap2pip"], [f"--vip={FOREIGN[0]}"]]))
    if _yes(draw, 1):
        options += ["--frontend1=LoadBalancerFrontEnd", "--frontend2=LoadBalancerFrontEnd"]
    options += draw(st.sampled_from([["-o=json"], ["-o=table"]]))
    return Case(list(bodies.values()), ["plan", "swap"], options)
