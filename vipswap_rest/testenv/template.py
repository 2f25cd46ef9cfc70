"""The test environment as one literal template: no expression in it but parameters, every id computed here.

What the article had, as it can be had today: Standard load balancers and static addresses with a rule and a probe, a
network whose security group lets port 9000 in, and scale sets on a current Ubuntu.
https://learn.microsoft.com/azure/azure-resource-manager/templates/syntax
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vipswap_rest.arm.clouds import API_VERSIONS
from vipswap_rest.testenv.machines import BY_INSTANCE, PORT, custom_data

Json = dict[str, Any]

TAG = "vipswap-testenv"
# On the scale set whose machines answer with their own names; the emulator's machines read it, too.
_ANSWERS = {"vipswap-answers": "instance"}
EXTRAS = ("pool", "gateway", "rolling")
COLOURS = ("blue", "green")
SIDES = ("vipswap1", "vipswap2")
POOLS_LB, GATEWAY, ROLL_LB, ROLL_SET = "poolslb", "gateway", "rolllb", "rollset"
SIZE = "Standard_B2ats_v2"
# The image's two kinds, between which a rolling upgrade goes to and fro: both have Python.
IMAGES = ("server", "minimal")
_IMAGE = {"publisher": "Canonical", "offer": "ubuntu-24_04-lts", "version": "latest"}
_INSTANCES, _ROLLING = 2, 4
_SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to make in the resource group `scope` (its id): the article's pair, and what `extras` name beside it."""

    scope: str
    extras: Sequence[str] = ()

    def id(self, kind: str, name: str, *child: str) -> str:
        """The id of a resource, such as of `loadBalancers`, or of a child of one."""
        provider = "Microsoft.Compute" if kind == "virtualMachineScaleSets" else "Microsoft.Network"
        return "/".join((self.scope, "providers", provider, kind, name, *child))


def template(wanted: Wanted) -> Json:
    """The whole template. Its parameters: `location`, `size`, `sshKey`."""
    return {
        "$schema": _SCHEMA,
        "contentVersion": "1.0.0.0",
        "parameters": {name: {"type": "string"} for name in ("location", "size", "sshKey")},
        "resources": [*_base(wanted), *_pair(wanted), *_extras(wanted)],
    }


def parameters(location: str, size: str, ssh_key: str) -> Json:
    """The parameters' values as a deployment takes them."""
    return {name: {"value": value} for name, value in (("location", location), ("size", size), ("sshKey", ssh_key))}


def targets(names: Iterable[str], models: Sequence[str]) -> Json:
    """What an experiment may switch, of what is there (names of load balancers, gateways and scale sets).

    models: files with the two models of the rolling scale set.
    """
    there = set(names)
    found: Json = {}
    if {f"{side}lb" for side in SIDES} <= there:
        found["vip"] = {"lb1": f"{SIDES[0]}lb", "lb2": f"{SIDES[1]}lb"}
    if POOLS_LB in there:
        found["pool"] = {"lb": POOLS_LB, "rules": ["http"], "pools": list(COLOURS)}
    if GATEWAY in there:
        found["gateway"] = {"gateway": GATEWAY, "rules": ["http"], "pools": list(COLOURS)}
    if ROLL_SET in there:
        found["rolling"] = {"scale_set": ROLL_SET, "models": list(models)}
    return found


def models() -> dict[str, Json]:
    """The two models of the rolling scale set, as merge patches, by a name for each."""
    return {
        f"{ROLL_SET}-{sku}": {
            "properties": {"virtualMachineProfile": {"storageProfile": {"imageReference": {**_IMAGE, "sku": sku}}}}
        }
        for sku in IMAGES
    }


def _resource(kind: str, name: str, properties: Json, after: Iterable[str] = (), **more: Any) -> Json:
    api = "compute" if kind.startswith("Microsoft.Compute") else "network"
    tags = {TAG: "1", **more.pop("tags", {})}
    return {
        "type": kind,
        "apiVersion": API_VERSIONS[api],
        "name": name,
        "location": "[parameters('location')]",
        "tags": tags,
        "dependsOn": list(after),
        **more,
        "properties": properties,
    }


def _base(wanted: Wanted) -> Iterator[Json]:
    """The security group, and the network with a subnet for machines and one for the gateway."""
    rules = [_inbound("web", 100, str(PORT), "Internet")]
    gateway_rules = [*rules, _inbound("manager", 110, "65200-65535", "GatewayManager")]
    subnets = [_subnet(wanted, "subnet", "10.0.0.0/24", "vipswapnsg")]
    # Machines need no way out: nothing is installed.
    subnets[0]["properties"]["defaultOutboundAccess"] = False
    groups = {"vipswapnsg": rules}
    if "gateway" in wanted.extras:
        subnets.append(_subnet(wanted, "gateway", "10.0.1.0/24", "gatewaynsg"))
        groups["gatewaynsg"] = gateway_rules
    for name, inbound in groups.items():
        yield _resource("Microsoft.Network/networkSecurityGroups", name, {"securityRules": inbound})
    network = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": subnets}
    before = [wanted.id("networkSecurityGroups", name) for name in groups]
    yield _resource("Microsoft.Network/virtualNetworks", "vipswapvnet", network, before)


def _inbound(name: str, priority: int, ports: str, source: str) -> Json:
    told = {"priority": priority, "direction": "Inbound", "access": "Allow", "protocol": "Tcp"}
    ends = {"sourceAddressPrefix": source, "sourcePortRange": "*", "destinationAddressPrefix": "*"}
    return {"name": name, "properties": {**told, **ends, "destinationPortRange": ports}}


def _subnet(wanted: Wanted, name: str, prefix: str, group: str) -> Json:
    made = {"addressPrefix": prefix, "networkSecurityGroup": {"id": wanted.id("networkSecurityGroups", group)}}
    return {"name": name, "properties": made}


def _pair(wanted: Wanted) -> Iterator[Json]:
    """The article's two sides."""
    for side in SIDES:
        yield _address(wanted, f"{side}pip", f"{side}lb")
        yield _balancer(wanted, f"{side}lb", f"{side}pip", {"http": (PORT, "bepool")}, ["bepool"], nat=True)
        members = _ip_configuration(wanted, side, {f"{side}lb": "bepool"}, nat=True)
        yield _scale_set(wanted, side, members, f"{side}lb\n", [wanted.id("loadBalancers", f"{side}lb")])


def _extras(wanted: Wanted) -> Iterator[Json]:
    """What the other methods need."""
    if "pool" in wanted.extras:
        yield _address(wanted, f"{POOLS_LB}pip", POOLS_LB)
        rules = {"http": (PORT, COLOURS[0]), "http-staging": (PORT + 1, COLOURS[1])}
        yield _balancer(wanted, POOLS_LB, f"{POOLS_LB}pip", rules, COLOURS)
        for colour in COLOURS:
            members = _ip_configuration(wanted, f"pools{colour}", {POOLS_LB: colour})
            yield _scale_set(wanted, f"pools{colour}", members, colour, [wanted.id("loadBalancers", POOLS_LB)])
    if "gateway" in wanted.extras:
        yield _address(wanted, f"{GATEWAY}pip", GATEWAY)
        yield _gateway(wanted)
        for colour in COLOURS:
            pool = wanted.id("applicationGateways", GATEWAY, "backendAddressPools", colour)
            members = _ip_configuration(wanted, f"gateway{colour}", {})
            members["properties"]["applicationGatewayBackendAddressPools"] = [{"id": pool}]
            yield _scale_set(wanted, f"gateway{colour}", members, colour, [wanted.id("applicationGateways", GATEWAY)])
    if "rolling" in wanted.extras:
        yield _address(wanted, f"{ROLL_LB}pip", ROLL_LB)
        yield _balancer(wanted, ROLL_LB, f"{ROLL_LB}pip", {"http": (PORT, "bepool")}, ["bepool"])
        members = _ip_configuration(wanted, ROLL_SET, {ROLL_LB: "bepool"})
        before = [wanted.id("loadBalancers", ROLL_LB)]
        made = _scale_set(wanted, ROLL_SET, members, BY_INSTANCE, before, _ROLLING)
        probe = {"id": wanted.id("loadBalancers", ROLL_LB, "probes", "tcp9000")}
        made["properties"]["virtualMachineProfile"]["networkProfile"]["healthProbe"] = probe
        made["tags"] |= _ANSWERS
        yield made


def _address(wanted: Wanted, name: str, label: str) -> Json:
    # A DNS label is unique in its region.
    unique = hashlib.sha256(wanted.scope.lower().encode()).hexdigest()[:10]
    properties = {"publicIPAllocationMethod": "Static", "dnsSettings": {"domainNameLabel": f"{label}-{unique}"}}
    return _resource("Microsoft.Network/publicIPAddresses", name, properties, sku={"name": "Standard"})


def _balancer(
    wanted: Wanted,
    name: str,
    public_ip: str,
    rules: Mapping[str, tuple[int, str]],
    pools: Iterable[str],
    *,
    nat: bool = False,
) -> Json:
    """rules: the frontend port and the pool of each."""
    address = wanted.id("publicIPAddresses", public_ip)
    frontend = {"id": wanted.id("loadBalancers", name, "frontendIPConfigurations", "LoadBalancerFrontEnd")}
    probe = {"protocol": "Tcp", "port": PORT, "intervalInSeconds": 5, "numberOfProbes": 2}
    made: Json = {
        "frontendIPConfigurations": [
            {"name": "LoadBalancerFrontEnd", "properties": {"publicIPAddress": {"id": address}}}
        ],
        "backendAddressPools": [{"name": pool} for pool in pools],
        "probes": [{"name": "tcp9000", "properties": probe}],
        "loadBalancingRules": [
            {
                "name": rule,
                "properties": {
                    "frontendIPConfiguration": frontend,
                    "backendAddressPool": {"id": wanted.id("loadBalancers", name, "backendAddressPools", pool)},
                    "probe": {"id": wanted.id("loadBalancers", name, "probes", "tcp9000")},
                    "protocol": "Tcp",
                    "frontendPort": port,
                    "backendPort": PORT,
                    "disableOutboundSnat": True,
                },
            }
            for rule, (port, pool) in rules.items()
        ],
    }
    if nat:
        ports = {"frontendPortRangeStart": 50000, "frontendPortRangeEnd": 50120, "backendPort": 22}
        told = {"frontendIPConfiguration": frontend, "protocol": "Tcp", **ports}
        made["inboundNatPools"] = [{"name": "natpool", "properties": told}]
    return _resource("Microsoft.Network/loadBalancers", name, made, [address], sku={"name": "Standard"})


def _ip_configuration(wanted: Wanted, name: str, pools: Mapping[str, str], *, nat: bool = False) -> Json:
    """pools: the pool's name by its load balancer's."""
    made: Json = {"subnet": {"id": wanted.id("virtualNetworks", "vipswapvnet", "subnets", "subnet")}}
    members = [{"id": wanted.id("loadBalancers", lb, "backendAddressPools", pool)} for lb, pool in pools.items()]
    if members:
        made["loadBalancerBackendAddressPools"] = members
    if nat:
        made["loadBalancerInboundNatPools"] = [
            {"id": wanted.id("loadBalancers", lb, "inboundNatPools", "natpool")} for lb in pools
        ]
    return {"name": f"{name}ipconfig", "properties": made}


def _scale_set(
    wanted: Wanted, name: str, members: Json, who: str, after: Iterable[str], count: int = _INSTANCES
) -> Json:
    """Machines that answer with `who`, upgraded by hand."""
    key = {"path": "/home/azureuser/.ssh/authorized_keys", "keyData": "[parameters('sshKey')]"}
    system = {
        "computerNamePrefix": name[:9],
        "adminUsername": "azureuser",
        "customData": custom_data(who),
        "linuxConfiguration": {"disablePasswordAuthentication": True, "ssh": {"publicKeys": [key]}},
    }
    disk = {"createOption": "FromImage", "managedDisk": {"storageAccountType": "Standard_LRS"}}
    nic = {"name": f"{name}nic", "properties": {"primary": True, "ipConfigurations": [members]}}
    profile = {
        "osProfile": system,
        "storageProfile": {"imageReference": {**_IMAGE, "sku": IMAGES[0]}, "osDisk": disk},
        "networkProfile": {"networkInterfaceConfigurations": [nic]},
    }
    made = {"orchestrationMode": "Uniform", "overprovision": False, "upgradePolicy": {"mode": "Manual"}}
    before = [wanted.id("virtualNetworks", "vipswapvnet"), *after]
    sku = {"name": "[parameters('size')]", "tier": "Standard", "capacity": count}
    kind = "Microsoft.Compute/virtualMachineScaleSets"
    return _resource(kind, name, {**made, "virtualMachineProfile": profile}, before, sku=sku)


def _gateway(wanted: Wanted) -> Json:
    """Two pools, one rule, which leads to the first of them; a probe for both."""

    def part(kind: str, name: str) -> Json:
        return {"id": wanted.id("applicationGateways", GATEWAY, kind, name)}

    def named(name: str, **properties: Any) -> Json:
        return {"name": name, "properties": properties}

    address = wanted.id("publicIPAddresses", f"{GATEWAY}pip")
    network = wanted.id("virtualNetworks", "vipswapvnet")
    ends = {"frontendIPConfiguration": part("frontendIPConfigurations", "front")}
    ends["frontendPort"] = part("frontendPorts", "port9000")
    destination = {"backendAddressPool": part("backendAddressPools", COLOURS[0])}
    destination["backendHttpSettings"] = part("backendHttpSettingsCollection", "http")
    rule = {"ruleType": "Basic", "priority": 100, "httpListener": part("httpListeners", "http"), **destination}
    made = {
        "sku": {"name": "Standard_v2", "tier": "Standard_v2", "capacity": 1},
        "gatewayIPConfigurations": [named("subnet", subnet={"id": f"{network}/subnets/gateway"})],
        "frontendIPConfigurations": [named("front", publicIPAddress={"id": address})],
        "frontendPorts": [named("port9000", port=PORT)],
        "backendAddressPools": [named(colour) for colour in COLOURS],
        "backendHttpSettingsCollection": [named("http", port=PORT, protocol="Http", requestTimeout=30)],
        "httpListeners": [named("http", **ends, protocol="Http")],
        "requestRoutingRules": [named("http", **rule)],
    }
    return _resource("Microsoft.Network/applicationGateways", GATEWAY, made, [address, network])
