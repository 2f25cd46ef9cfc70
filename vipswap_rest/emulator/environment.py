"""The environments: `blog`, the article's as it can be had today: production and staging, each behind its own load
balancer; and `roads`, which has what the other ways to switch need beside them.

Basic load balancers and addresses can no longer be made, so both are Standard and the addresses Static. The scale
sets' instances are the pools' members.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .arm.state import group_body
from .arm.world import World
from .messages import Json
from .settings import SUBSCRIPTION, Settings
from .types import public_ips
from .types.application_gateways import body as gateway_body
from .types.load_balancers import body as load_balancer_body
from .types.scale_sets import model as scale_sets

GROUP = "vipswap"
LOCATION = "westus"
LOAD_BALANCERS = ("vipswap1lb", "vipswap2lb")
POOLS_LB = "poolslb"
COLOURS = ("blue", "green")
# Of the image of the rolling scale set.
VERSIONS = ("1.0.0", "2.0.0")
_IMAGE = {"publisher": "Canonical", "offer": "ubuntu-24_04-lts", "sku": "server"}
GATEWAY = "gateway"
ROLL_SET, ROLL_LB, ROLL_SIZE = "rollset", "rolllb", 4
_BASE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
_NETWORK = f"{_BASE}/providers/Microsoft.Network"
_SCALE_SETS = f"{_BASE}/providers/Microsoft.Compute/virtualMachineScaleSets"
_SUBNET = f"{_NETWORK}/virtualNetworks/vipswapvnet/subnets/subnet"


def build(world: World, settings: Settings) -> None:
    """Fill the world with what the settings' environment holds."""
    world.state.add_subscription(SUBSCRIPTION)
    if settings.env == "none":
        return
    world.state.put(group_body(_BASE, LOCATION))
    _store(world, "Microsoft.Network/virtualNetworks", "vipswapvnet", _network())
    for number, name in enumerate(LOAD_BALANCERS, 1):
        side = f"vipswap{number}"
        _add_address(world, f"{side}pip", f"{side}lb")
        _add_pair_half(world, name, side)
        pools = ("natpool", "natpool2")
        _store(world, "Microsoft.Compute/virtualMachineScaleSets", side, _scale_set(name, side, "bepool", pools))
    if settings.env == "roads":
        _add_address(world, f"{POOLS_LB}pip", POOLS_LB)
        _add_balancer(world, POOLS_LB, f"{POOLS_LB}pip", _two_pools(POOLS_LB), {one: f"pools{one}" for one in COLOURS})
        for colour in COLOURS:
            side = f"pools{colour}"
            _store(world, "Microsoft.Compute/virtualMachineScaleSets", side, _scale_set(POOLS_LB, side, colour))
        _add_address(world, f"{GATEWAY}pip", GATEWAY)
        _add_gateway(world)
        _add_address(world, f"{ROLL_LB}pip", ROLL_LB)
        _add_balancer(world, ROLL_LB, f"{ROLL_LB}pip", _one_pool(ROLL_LB), {})
        _add_scale_set(world)
    for number in range(1, settings.pairs + 1):
        for half in "ab":
            name = f"pair{number:04}{half}"
            _add_address(world, f"{name}pip", name)
            _add_pair_half(world, name, name)


def targets(settings: Settings, files: Sequence[str]) -> Json:
    """What an experiment may switch in the environment, as `vipswap experiment --targets` reads it.

    files: those that hold the `models`.
    """
    if settings.env != "roads":
        return {}
    one, other = LOAD_BALANCERS
    return {
        "vip": {"lb1": one, "lb2": other},
        "pool": {"lb": POOLS_LB, "rules": ["http"], "pools": list(COLOURS)},
        "gateway": {"gateway": GATEWAY, "rules": ["http"], "pools": list(COLOURS)},
        "rolling": {"scale_set": ROLL_SET, "models": list(files)},
    }


def _add_address(world: World, name: str, label: str) -> None:
    given: Json = {
        "location": LOCATION,
        "properties": {"publicIPAllocationMethod": "Static", "dnsSettings": {"domainNameLabel": label}},
        "sku": {"name": "Standard", "tier": "Regional"},
    }
    body = public_ips.complete(given, None, f"{_NETWORK}/publicIPAddresses/{name}", world.identifiers.guid)
    body["properties"]["provisioningState"] = "Succeeded"
    body["properties"]["ipAddress"] = world.addresses.allocate("IPv4")
    world.state.touch(body)
    world.state.put(body)


def _add_pair_half(world: World, name: str, side: str) -> None:
    _add_balancer(world, name, f"{side}pip", _balancer(f"{_NETWORK}/loadBalancers/{name}", side), {"bepool": side})


def _add_balancer(world: World, name: str, public_ip: str, given: Json, sets: Mapping[str, str]) -> None:
    """sets: the scale set whose two instances are a pool's members, by the pool's name."""
    identity = f"{_NETWORK}/loadBalancers/{name}"
    body = load_balancer_body.complete(given, None, identity, world.identifiers.guid, world.spelled)
    for pool in body["properties"]["backendAddressPools"]:
        side = sets.get(pool["name"])
        if side is None:
            continue
        nic = f"networkInterfaces/{side}nic/ipConfigurations/{side}ipconfig"
        pool["properties"]["backendIPConfigurations"] = [
            {"id": f"{_SCALE_SETS}/{side}/virtualMachines/{instance}/{nic}"} for instance in (0, 1)
        ]
    world.state.touch(body)
    world.state.put(body)
    address = world.state.get(f"{_NETWORK}/publicIPAddresses/{public_ip}")
    assert address is not None
    address["properties"]["ipConfiguration"] = {"id": f"{identity}/frontendIPConfigurations/LoadBalancerFrontEnd"}
    world.routes.adopt(identity)


def _balancer(identity: str, side: str) -> Json:
    frontend = {"id": f"{identity}/frontendIPConfigurations/LoadBalancerFrontEnd"}
    return {
        "location": LOCATION,
        "sku": {"name": "Standard", "tier": "Regional"},
        "properties": {
            "frontendIPConfigurations": [
                {
                    "name": "LoadBalancerFrontEnd",
                    "properties": {"publicIPAddress": {"id": f"{_NETWORK}/publicIPAddresses/{side}pip"}},
                }
            ],
            "backendAddressPools": [{"name": "bepool"}],
            "probes": [{"name": "tcp9000", "properties": {"protocol": "Tcp", "port": 9000}}],
            "loadBalancingRules": [
                {
                    "name": "http",
                    "properties": {
                        "frontendIPConfiguration": frontend,
                        "backendAddressPool": {"id": f"{identity}/backendAddressPools/bepool"},
                        "probe": {"id": f"{identity}/probes/tcp9000"},
                        "protocol": "Tcp",
                        "frontendPort": 9000,
                        "backendPort": 9000,
                    },
                }
            ],
            "inboundNatPools": [
                _nat_pool("natpool", frontend, 50000, 50120, 22),
                _nat_pool("natpool2", frontend, 9200, 9320, 9000),
            ],
        },
    }


def _two_pools(name: str) -> Json:
    """One load balancer with a pool for each colour, whose rules have the same backend port."""
    identity = f"{_NETWORK}/loadBalancers/{name}"
    made = _balancer(identity, name)
    (rule,) = made["properties"]["loadBalancingRules"]
    rules = {"http": (9000, COLOURS[0]), "http-staging": (9001, COLOURS[1])}
    made["properties"]["loadBalancingRules"] = [
        {
            "name": each,
            "properties": {
                **rule["properties"],
                "frontendPort": port,
                "backendAddressPool": {"id": f"{identity}/backendAddressPools/{pool}"},
            },
        }
        for each, (port, pool) in rules.items()
    ]
    made["properties"]["backendAddressPools"] = [{"name": colour} for colour in COLOURS]
    del made["properties"]["inboundNatPools"]
    return made


def _one_pool(name: str) -> Json:
    """A load balancer whose probe looks every 5 s, and gives up after two failures."""
    made = _balancer(f"{_NETWORK}/loadBalancers/{name}", name)
    made["properties"]["probes"][0]["properties"] |= {"intervalInSeconds": 5, "numberOfProbes": 2}
    del made["properties"]["inboundNatPools"]
    return made


def _add_scale_set(world: World) -> None:
    """Instances of their own, that answer with their name and model; nothing upgrades them but a request."""
    given = _scale_set(ROLL_LB, ROLL_SET, "bepool")
    given["tags"] = {scale_sets.ANSWERS_TAG: "instance"}
    given["sku"]["capacity"] = ROLL_SIZE
    profile = given["properties"]["virtualMachineProfile"]
    profile["storageProfile"] = {"imageReference": {**_IMAGE, "version": VERSIONS[0]}}
    profile["osProfile"] = {"computerNamePrefix": ROLL_SET, "adminUsername": "azureuser"}
    probe = {"id": f"{_NETWORK}/loadBalancers/{ROLL_LB}/probes/tcp9000"}
    profile["networkProfile"]["healthProbe"] = probe
    identity = f"{_SCALE_SETS}/{ROLL_SET}"
    body = scale_sets.hide(world, scale_sets.complete(given, None, identity, world.identifiers.guid()))
    body["properties"]["provisioningState"] = "Succeeded"
    world.state.touch(body)
    world.state.put(body)
    scale_sets.staff(world, body)


def models() -> dict[str, Json]:
    """Two models of the rolling scale set by a name for each, as merge patches; it begins with the first."""
    return {
        f"{ROLL_SET}-{version}": {
            "properties": {"virtualMachineProfile": {"storageProfile": {"imageReference": {"version": version}}}}
        }
        for version in VERSIONS
    }


def _add_gateway(world: World) -> None:
    identity = f"{_NETWORK}/applicationGateways/{GATEWAY}"
    body = gateway_body.complete(_gateway(identity), None, identity, world.identifiers.guid)
    gateway_body.finish(body)
    world.state.touch(body)
    world.state.put(body)
    address = world.state.get(f"{_NETWORK}/publicIPAddresses/{GATEWAY}pip")
    assert address is not None
    address["properties"]["ipConfiguration"] = {"id": f"{identity}/frontendIPConfigurations/front"}
    world.routes.adopt(identity)


def _gateway(identity: str) -> Json:
    """A gateway with a pool for each colour and one rule, which leads to the first of them."""

    def named(name: str, **properties: Any) -> Json:
        return {"name": name, "properties": properties}

    def part(kind: str, name: str) -> Json:
        return {"id": f"{identity}/{kind}/{name}"}

    rule = named(
        "http",
        ruleType="Basic",
        priority=100,
        httpListener=part("httpListeners", "http"),
        backendAddressPool=part("backendAddressPools", COLOURS[0]),
        backendHttpSettings=part("backendHttpSettingsCollection", "http"),
    )
    ends = {"frontendIPConfiguration": part("frontendIPConfigurations", "front")}
    ends["frontendPort"] = part("frontendPorts", "port9000")
    address = {"id": f"{_NETWORK}/publicIPAddresses/{GATEWAY}pip"}
    made: Json = {
        "sku": {"name": "Standard_v2", "tier": "Standard_v2", "capacity": 2},
        "gatewayIPConfigurations": [named("subnet", subnet={"id": _SUBNET})],
        "frontendIPConfigurations": [named("front", publicIPAddress=address)],
        "frontendPorts": [named("port9000", port=9000)],
        "backendAddressPools": [
            named(colour, backendAddresses=[{"ipAddress": f"10.0.{number}.{host}"} for host in (4, 5)])
            for number, colour in enumerate(COLOURS, 1)
        ],
        "backendHttpSettingsCollection": [named("http", port=9000, protocol="Http")],
        "httpListeners": [named("http", **ends, protocol="Http")],
        "requestRoutingRules": [rule],
    }
    return {"location": LOCATION, "properties": made}


def _nat_pool(name: str, frontend: Json, first: int, last: int, backend: int) -> Json:
    return {
        "name": name,
        "properties": {
            "frontendIPConfiguration": frontend,
            "protocol": "Tcp",
            "frontendPortRangeStart": first,
            "frontendPortRangeEnd": last,
            "backendPort": backend,
        },
    }


def _network() -> Json:
    return {
        "location": LOCATION,
        "properties": {
            "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
            "subnets": [{"name": "subnet", "id": _SUBNET, "properties": {"addressPrefix": "10.0.0.0/24"}}],
        },
    }


def _scale_set(balancer: str, side: str, pool: str, nat_pools: Sequence[str] = ()) -> Json:
    identity = f"{_NETWORK}/loadBalancers/{balancer}"
    configuration = {
        "name": f"{side}ipconfig",
        "properties": {
            "subnet": {"id": _SUBNET},
            "loadBalancerBackendAddressPools": [{"id": f"{identity}/backendAddressPools/{pool}"}],
            "loadBalancerInboundNatPools": [{"id": f"{identity}/inboundNatPools/{name}"} for name in nat_pools],
        },
    }
    nic = {"name": f"{side}nic", "properties": {"primary": True, "ipConfigurations": [configuration]}}
    return {
        "location": LOCATION,
        "sku": {"name": "Standard_B1s", "tier": "Standard", "capacity": 2},
        "properties": {"virtualMachineProfile": {"networkProfile": {"networkInterfaceConfigurations": [nic]}}},
    }


def _store(world: World, kind: str, name: str, given: Json) -> None:
    body: Json = {"name": name, "id": f"{_BASE}/providers/{kind}/{name}", "etag": "", "type": kind, **given}
    body["properties"]["provisioningState"] = "Succeeded"
    world.state.touch(body)
    world.state.put(body)
