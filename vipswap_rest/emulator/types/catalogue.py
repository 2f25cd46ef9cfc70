"""What ARM itself tells about a tenant and a subscription: tenants, regions, providers, and all resources in one list.

https://learn.microsoft.com/rest/api/resources/tenants/list, .../subscriptions/list-locations, .../providers/get and
.../resources/list. az and Az PowerShell read these before they touch a resource whose api-version they do not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ..arm import errors, extensions, paths
from ..arm.calls import Call, Reply
from ..arm.paths import Path
from ..arm.placement import place
from ..arm.resource_types import Methods
from ..arm.world import World
from ..messages import Json
from ..settings import SUBSCRIPTION, TENANT
from . import groups

# A few regions, so that a choice can be made; the first two are each other's pair.
_REGIONS = {
    "westus": "West US",
    "eastus": "East US",
    "westus2": "West US 2",
    "eastus2": "East US 2",
    "northeurope": "North Europe",
    "westeurope": "West Europe",
}
_NETWORK = ("2026-03-01", "2025-05-01", "2024-05-01", "2024-03-01", "2023-09-01", "2021-02-01", "2018-08-01")
_COMPUTE = ("2025-04-01", "2024-11-01", "2024-07-01", "2019-03-01")
_RESOURCES = ("2025-04-01", "2022-12-01", "2021-04-01")
_LOCKS = ("2020-05-01", "2016-09-01")
# The first api-version of each provider, and of ARM itself.
_FIRST = {"": "2014-01-01", "microsoft.network": "2014-12-01", "microsoft.compute": "2015-05-01"}
_VERSION = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(-[a-zA-Z0-9.]+)?")
# Every later api-version is accepted; these are the ones that are named, the newest first.
_TYPES: dict[str, dict[str, tuple[str, ...]]] = {
    "Microsoft.Network": dict.fromkeys(
        (
            "applicationGateways",
            "loadBalancers",
            "locations",
            "locations/operationResults",
            "locations/operations",
            "locations/setLoadBalancerFrontendPublicIpAddresses",
            "locations/usages",
            "networkInterfaces",
            "networkSecurityGroups",
            "publicIPAddresses",
            "publicIPPrefixes",
            "virtualNetworks",
            "virtualNetworks/subnets",
        ),
        _NETWORK,
    ),
    "Microsoft.Compute": dict.fromkeys(("virtualMachineScaleSets", "virtualMachines"), _COMPUTE),
    "Microsoft.Resources": dict.fromkeys(("resourceGroups", "resources", "subscriptions"), _RESOURCES),
    "Microsoft.Authorization": {"locks": _LOCKS, "permissions": ("2022-04-01",)},
}
# What a list of all resources shows of each.
_SHOWN = ("id", "name", "type", "kind", "managedBy", "location", "tags", "sku", "zones", "plan", "identity")
_EQUAL = re.compile(r"\(?\s*(\w+) eq '([^']*)'\s*\)?")
_WITHIN = re.compile(r"substringof\('([^']*)',\s*name\)")
_FIELDS = ("resourceType", "name", "resourceGroup", "location", "tagName", "tagValue")


def check_version(world: World, path: Path, version: str) -> None:
    """Refuse an api-version that is no date, or older than ARM or than the provider. Raises ArmError 400, 404.

    Every newer one is accepted, those too that do not exist yet.
    """
    known = _TYPES.get(next((one for one in _TYPES if one.lower() == (path.namespace or "").lower()), ""), {})
    first = _FIRST.get((path.namespace or "").lower(), _FIRST[""])
    if _VERSION.fullmatch(version) and version >= first:
        return
    if path.namespace is None or not path.types:
        raise errors.api_version_invalid(version, _RESOURCES)
    kind = "/".join(path.types)
    listed = next((found for name, found in known.items() if name.lower() == kind.lower()), _NETWORK)
    if path.group is None or path.is_list:
        raise errors.type_not_found(kind, path.namespace, version, listed)
    group = world.state.group(path.subscription or "", path.group) or {}
    raise errors.provider_not_registered(kind, version, str(group.get("location") or ""), listed)


def _tenants(world: World, call: Call) -> Reply:
    """The one tenant."""
    found = {
        "id": f"/tenants/{TENANT}",
        "tenantId": TENANT,
        "displayName": "vipswap emulator",
        "defaultDomain": "vipswap.onmicrosoft.com",
        "domains": ["vipswap.onmicrosoft.com"],
        "tenantCategory": "Home",
        "tenantType": "AAD",
    }
    return Reply(200, {"value": [found]}, by_gateway=True)


def _list_subscriptions(world: World, call: Call) -> Reply:
    # Resources of other subscriptions are served too: an address may lie in one. The login's own is this one.
    found = [_subscription(SUBSCRIPTION)]
    count = {"type": "Total", "value": len(found)}
    return Reply(200, {"value": found, "count": count}, by_gateway=True)


def _get_subscription(world: World, call: Call) -> Reply:
    return Reply(200, _subscription(call.path.subscription or ""), by_gateway=True)


def _subscription(identity: str) -> Json:
    return {
        "id": f"/subscriptions/{identity}",
        "subscriptionId": identity,
        "tenantId": TENANT,
        "displayName": "vipswap emulator",
        "state": "Enabled",
        "authorizationSource": "RoleBased",
        "subscriptionPolicies": {"spendingLimit": "Off", "locationPlacementId": "Public_2014-09-01"},
    }


def _locations(world: World, call: Call) -> Reply:
    subscription = call.path.subscription
    found = [
        {
            "id": f"/subscriptions/{subscription}/locations/{name}",
            "name": name,
            "type": "Region",
            "displayName": display,
            "regionalDisplayName": display,
            "metadata": {"regionType": "Physical", "regionCategory": "Recommended"},
        }
        for name, display in _regions(world).items()
    ]
    return Reply(200, {"value": found}, by_gateway=True)


def _regions(world: World) -> dict[str, str]:
    """By name: those that are known, and wherever else something is."""
    present = (str(body["location"]) for body in world.state.all() if isinstance(body.get("location"), str))
    return {**{place(one): one for one in present}, **_REGIONS}


def _providers(world: World, call: Call) -> Reply:
    found = [_describe(world, call.path, namespace) for namespace in _known(world)]
    return Reply(200, {"value": found}, by_gateway=True)


def _provider(world: World, call: Call) -> Reply:
    """One provider; all are registered, so registering one is answered with it."""
    wanted = (call.path.namespace or "").lower()
    for namespace in _known(world):
        if namespace.lower() == wanted:
            return Reply(200, _describe(world, call.path, namespace), by_gateway=True)
    raise errors.namespace_not_found(call.path.namespace or "")


def _known(world: World) -> dict[str, dict[str, tuple[str, ...]]]:
    """Types by provider: the known ones, those that have rules here, and those that are stored."""
    known = {namespace: dict(types) for namespace, types in _TYPES.items()}
    for name, versions in {**{path.type: () for path, _ in _each(world)}, **world.provided}.items():
        given, _, kind = name.partition("/")
        namespace = next((one for one in known if one.lower() == given.lower()), given)
        types = known.setdefault(namespace, {})
        if kind.lower() not in {one.lower() for one in types}:
            types[kind] = tuple(versions or _RESOURCES)
    return known


def _describe(world: World, path: Path, namespace: str) -> Json:
    places = list(_regions(world).values())
    scope = f"/subscriptions/{path.subscription}" if path.subscription else ""
    return {
        "id": f"{scope}/providers/{namespace}",
        "namespace": namespace,
        "registrationPolicy": "RegistrationRequired",
        "registrationState": "Registered",
        "resourceTypes": [
            {"resourceType": kind, "locations": places, "apiVersions": list(versions), "capabilities": "None"}
            for kind, versions in _known(world)[namespace].items()
        ],
    }


def _resources(world: World, call: Call) -> Reply:
    path = call.path
    if path.group is not None and world.state.group(path.subscription or "", path.group) is None:
        raise errors.group_not_found(path.group)
    scope = Path(path.subscription, path.group).key
    accepts = [_condition(part) for part in _parts(call.request.query.get("$filter", ""))]
    found = [
        {key: body[key] for key in _SHOWN if key in body}
        for at, body in _each(world)
        if extensions.covers(scope, body["id"]) and all(accept(at, body) for accept in accepts)
    ]
    return Reply(200, {"value": found}, by_gateway=True)


def _each(world: World) -> Iterator[tuple[Path, Json]]:
    """Every top-level resource of a group."""
    for body in world.state.all():
        path = paths.parse_id(body["id"])
        if path is None or path.namespace is None or path.group is None or len(path.types) != 1:
            continue
        if extensions.parse_id(body["id"]) is None:
            yield path, body


def _parts(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"\s+and\s+", text)] if text.strip() else []


def _condition(part: str) -> Callable[[Path, Json], bool]:
    """One condition of a filter. Raises ArmError 400 for what a filter of resources may not say."""
    within, equal = _WITHIN.fullmatch(part), _EQUAL.fullmatch(part)
    if within:
        return lambda path, body: within[1].lower() in path.name.lower()
    field = next((one for one in _FIELDS if equal and one.lower() == equal[1].lower()), None)
    if equal is None or field is None:
        raise errors.filter_invalid(part)
    wanted = equal[2].lower()
    return lambda path, body: wanted in _values(field, path, body)


def _values(field: str, path: Path, body: Json) -> set[str]:
    found = body.get("tags")
    tags = found if isinstance(found, dict) else {}
    values: dict[str, list[object]] = {
        "resourceType": [path.type],
        "name": [path.name],
        "resourceGroup": [path.group],
        "location": [place(str(body.get("location", "")))],
        "tagName": list(tags),
        "tagValue": list(tags.values()),
    }
    return {str(one).lower() for one in values[field]}


# ARM's own calls, by the path's shape; no permission is needed for them.
TENANTS: Methods = {"GET": _tenants}
ROUTES: dict[str, Methods] = {
    "/subscriptions": {"GET": _list_subscriptions},
    "/subscriptions/*": {"GET": _get_subscription},
    "/subscriptions/*/locations": {"GET": _locations},
    "/subscriptions/*/providers": {"GET": _providers},
    "/subscriptions/*/providers/*": {"GET": _provider},
    "/subscriptions/*/resources": {"GET": _resources},
    "/subscriptions/*/resourcegroups": {"GET": groups.list_all},
    "/subscriptions/*/resourcegroups/*/resources": {"GET": _resources},
    "/subscriptions/*/providers/*/register": {"POST": _provider},
}
