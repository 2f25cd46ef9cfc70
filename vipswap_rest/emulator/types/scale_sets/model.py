"""A scale set's body after a write, and its instances. As recorded at 2020-06-01 to 2024-07-01.

Whatever no rule here speaks of is kept as it was sent.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from ...arm.instances import Instance, Model
from ...arm.state import listed, named, properties, properties_of, reference
from ...arm.world import World
from ...messages import Json

NAME = "Microsoft.Compute/virtualMachineScaleSets"
INSTANCES = f"{NAME}/virtualMachines"
# A scale set with this tag, `instance`, has a web server that answers with the instance's name and model.
ANSWERS_TAG = "vipswap-answers"
# Written, and never shown again.
_SECRETS = ("customData", "adminPassword")
_POOLS = ("loadBalancerBackendAddressPools", "applicationGatewayBackendAddressPools")
_ROLLING: Json = {
    "maxBatchInstancePercent": 20,
    "maxUnhealthyInstancePercent": 20,
    "maxUnhealthyUpgradedInstancePercent": 20,
    "pauseTimeBetweenBatches": "PT0S",
}
_MODES = ("Manual", "Automatic", "Rolling")
# What a probe does by itself: every 5 s, and down after two failures (documented).
_INTERVAL_S, _COUNT = 5, 2


def complete(given: Json, previous: Json | None, identity: str, guid: str) -> Json:
    """The body after a PUT or a PATCH of `given`: what is not sent stays, as recorded of the image."""
    before = previous or {}
    body: Json = {
        "name": identity.rsplit("/", 1)[1],
        "id": identity,
        "etag": before.get("etag", '"0"'),
        "type": NAME,
        "location": before.get("location"),
        "tags": before.get("tags", {}),
        "sku": before.get("sku", {}),
    }
    rest = {key: value for key, value in given.items() if key not in ("name", "id", "etag", "type", "properties")}
    body = {**copy.deepcopy({key: value for key, value in before.items() if key != "properties"}), **body, **rest}
    asked = {key: value for key, value in properties_of(given).items() if key not in ("provisioningState", "uniqueId")}
    made: Json = merged(properties_of(before), copy.deepcopy(asked))
    body["properties"] = {
        "singlePlacementGroup": True,
        "orchestrationMode": "Uniform",
        "upgradePolicy": {"mode": "Manual"},
        "virtualMachineProfile": {},
        "overprovision": True,
        "doNotRunExtensionsOnOverprovisionedVMs": False,
        **made,
        "provisioningState": "Updating" if previous else "Creating",
        "uniqueId": properties_of(before).get("uniqueId", guid),
    }
    _say(body["properties"])
    return body


def merged(old: Any, new: Any) -> Any:
    """`old` with `new` in it (RFC 7396, whose nulls are gone by now): objects are merged, all else is replaced."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}
    return new


def _say(made: Json) -> None:
    """What ARM adds where it was not sent, and how it spells the mode."""
    policy = made["upgradePolicy"]
    mode = str(policy.get("mode", "Manual"))
    policy["mode"] = next((one for one in _MODES if one.lower() == mode.lower()), mode)
    if policy["mode"] == "Rolling":
        policy["rollingUpgradePolicy"] = {**_ROLLING, **policy.get("rollingUpgradePolicy", {})}
    profile = made["virtualMachineProfile"]
    system = profile.get("osProfile")
    if isinstance(system, dict):
        for key, value in (("secrets", []), ("allowExtensionOperations", True), ("requireGuestProvisionSignal", True)):
            system.setdefault(key, value)
        if isinstance(system.get("linuxConfiguration"), dict):
            system["linuxConfiguration"].setdefault("provisionVMAgent", True)
    for nic in _interfaces(made):
        for key in ("disableTcpStateTracking", "enableIPForwarding"):
            nic.setdefault(key, False)
        nic.setdefault("dnsSettings", {"dnsServers": []})
        for one in listed(nic, "ipConfigurations"):
            properties(one).setdefault("privateIPAddressVersion", "IPv4")


def hide(world: World, body: Json) -> Json:
    """The body as ARM shows it: without what is written and never shown, which the world keeps apart."""
    shown = copy.deepcopy(body)
    system = (properties_of(shown).get("virtualMachineProfile") or {}).get("osProfile")
    found = {key: system.pop(key) for key in _SECRETS if key in system} if isinstance(system, dict) else {}
    world.secrets[shown["id"].lower()] = found
    return shown


def reveal(world: World, body: Json) -> Json:
    """A copy of the body with what `hide` took away."""
    whole = copy.deepcopy(body)
    system = (properties_of(whole).get("virtualMachineProfile") or {}).get("osProfile")
    if isinstance(system, dict):
        system.update(world.secrets.get(body["id"].lower(), {}))
    return whole


def latest_of(world: World, body: Json) -> Model:
    """The scale set's model as an instance would have it."""
    return model_of(reveal(world, body))


def model_of(body: Json) -> Model:
    """What of the scale set's model an instance can have; `body` with its secrets."""
    profile = copy.deepcopy(properties_of(body).get("virtualMachineProfile") or {})
    system = profile.get("osProfile")
    data = system.pop("customData", "") if isinstance(system, dict) else ""
    return Model(json.dumps(profile, sort_keys=True), str(data))


def capacity(body: Json) -> int:
    """How many instances it is to have."""
    count = (body.get("sku") or {}).get("capacity", 0)
    return count if isinstance(count, int) and not isinstance(count, bool) else 0


def _interfaces(made: Json) -> Iterator[Json]:
    network = (made.get("virtualMachineProfile") or {}).get("networkProfile") or {}
    yield from (properties(one) for one in listed(network, "networkInterfaceConfigurations"))


def staff(world: World, body: Json) -> None:
    """Let the scale set have as many instances as its capacity says, each in its pools."""
    present, wanted, pools = world.instances.of(body["id"]), capacity(body), pools_of(body)
    for one in present[wanted:]:
        _take_away(world, one.id)
    tags = body.get("tags")
    answers = isinstance(tags, dict) and tags.get(ANSWERS_TAG) == "instance"
    for one in present[:wanted]:
        one.answers = answers
    for number in range(len(present), wanted):
        identity = f"{body['id']}/virtualMachines/{number}"
        name, latest = f"{body['name']}_{number}", latest_of(world, body)
        shown = _machine(world, body, name, identity)
        made = Instance(identity, body["id"], name, str(number), latest, frozenset(pools), shown, answers)
        world.instances.put(made)
        for pool, part in pools.items():
            _join(world, pool, f"{identity}/{part}")
    for pool in pools:
        _watch(world, pool)


def leave(world: World, scale_set: str) -> None:
    """Take all instances of a scale set (its id) away."""
    for one in world.instances.of(scale_set):
        _take_away(world, one.id)


def pools_of(body: Json) -> dict[str, str]:
    """The backend pools of its instances, by their ids in lower case: what follows an instance's id in a member's."""
    network = (properties_of(body).get("virtualMachineProfile") or {}).get("networkProfile") or {}
    return {
        found["id"].lower(): f"networkInterfaces/{nic.get('name')}/ipConfigurations/{one.get('name')}"
        for nic in listed(network, "networkInterfaceConfigurations")
        for one in listed(properties_of(nic), "ipConfigurations")
        for kind in _POOLS
        for found in listed(properties_of(one), kind)
        if isinstance(found.get("id"), str)
    }


def _machine(world: World, body: Json, name: str, identity: str) -> Json:
    return {
        "name": name,
        "id": identity,
        "type": INSTANCES,
        "etag": '"1"',
        "location": body.get("location"),
        "tags": {},
        "instanceId": identity.rsplit("/", 1)[1],
        "sku": {key: value for key, value in (body.get("sku") or {}).items() if key != "capacity"},
        "properties": {"provisioningState": "Succeeded", "vmId": world.identifiers.guid()},
    }


def _pools(world: World) -> Iterator[Json]:
    """Every backend pool there is, of load balancers and gateways."""
    for owner in world.state.all():
        yield from listed(properties_of(owner), "backendAddressPools")


def _join(world: World, pool: str, configuration: str) -> None:
    """Let a pool (its id in lower case) list an ip configuration (its id)."""
    for one in _pools(world):
        if str(one.get("id")).lower() == pool:
            there = properties(one).setdefault("backendIPConfigurations", [])
            if {"id": configuration} not in there:
                there.append({"id": configuration})


def _take_away(world: World, instance: str) -> None:
    """Remove an instance (its id), and what pools list of it."""
    for one in _pools(world):
        there = listed(properties_of(one), "backendIPConfigurations")
        left = [each for each in there if not str(each.get("id")).lower().startswith(f"{instance}/".lower())]
        if there and left:
            properties(one)["backendIPConfigurations"] = left
        elif there:
            del properties(one)["backendIPConfigurations"]
    world.instances.remove(instance)


def _watch(world: World, pool: str) -> None:
    """Note how soon the probe of a pool's rule sees that an instance is down."""
    found = properties_of(world.state.get(pool.split("/backendaddresspools/")[0]) or {})
    probes = named(found, "probes")
    for rule in listed(found, "loadBalancingRules"):
        told = properties_of(rule)
        used = [reference(told, "backendAddressPool"), *(one.get("id") for one in listed(told, "backendAddressPools"))]
        probe = probes.get((reference(told, "probe") or "").rsplit("/", 1)[-1].lower())
        if probe is not None and pool in [str(one).lower() for one in used]:
            said = properties_of(probe)
            interval = world.latency.scaled(float(said.get("intervalInSeconds", _INTERVAL_S)))
            world.instances.notice_s[pool] = (interval * float(said.get("numberOfProbes", _COUNT)), interval)
