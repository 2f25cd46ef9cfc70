"""An application gateway's body after a PUT: ids, back references, and what ARM adds. As recorded at 2023-11-01.

Whatever no rule here speaks of is kept as it was sent, so that a property that nobody knows survives a GET and a PUT.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from ...arm.state import listed, named, properties, properties_of
from ...messages import Json

NAME = "Microsoft.Network/applicationGateways"
FRONTENDS = "frontendIPConfigurations"
LISTENERS = "httpListeners"
POOLS = "backendAddressPools"
SETTINGS = "backendHttpSettingsCollection"
RULES = "requestRoutingRules"
PATH_MAPS = "urlPathMaps"
PATH_RULES = "pathRules"
CERTIFICATES = "sslCertificates"

# The collections that ARM shows although nothing is in them; recorded of v1 and v2, and of v2 alone.
_SHOWN = (
    *("gatewayIPConfigurations", CERTIFICATES, FRONTENDS, "frontendPorts", POOLS, SETTINGS, LISTENERS, PATH_MAPS),
    *(RULES, "probes", "rewriteRuleSets", "redirectConfigurations"),
)
_SHOWN_V2 = (
    *("trustedRootCertificates", "trustedClientCertificates", "sslProfiles", "loadDistributionPolicies", "listeners"),
    *("backendSettingsCollection", "routingRules", "privateLinkConfigurations", "privateEndpointConnections"),
)
# What ARM adds to the members of a collection where a PUT does not say it.
_ADDED: dict[str, Json] = {
    FRONTENDS: {"privateIPAllocationMethod": "Dynamic"},
    POOLS: {"backendAddresses": []},
    SETTINGS: {
        "cookieBasedAffinity": "Disabled",
        "connectionDraining": {"enabled": False, "drainTimeoutInSec": 1},
        "pickHostNameFromBackendAddress": False,
        "requestTimeout": 30,
    },
    LISTENERS: {"hostNames": [], "requireServerNameIndication": False, "enableHttp3": False},
    "rewriteRuleSets": {"rewriteRules": []},
}
# Whose back references are shown, by collection.
_REFERRERS = (LISTENERS, PATH_MAPS, PATH_RULES, RULES, SETTINGS)
# Written, and never shown again (documented); what ARM makes of it stays.
_SECRETS = {CERTIFICATES: ("data", "password"), "authenticationCertificates": ("data",)}
_KEPT = {CERTIFICATES: ("publicCertData",), POOLS: ("backendIPConfigurations",)}
# Only the server says these of the gateway itself.
_SERVERS = ("provisioningState", "operationalState", "resourceGuid", "defaultPredefinedSslPolicy")


def is_v2(body: Json) -> bool:
    """Whether its SKU is of the second generation."""
    tier = (properties_of(body).get("sku") or {}).get("tier")
    return str(tier).lower().endswith("_v2")


def complete(given: Json, previous: Json | None, identity: str, guid: Callable[[], str]) -> Json:
    """The body of the gateway `identity` after a PUT of `given`; its state and etags are still to be set."""
    before = properties_of(previous or {})
    body: Json = {"name": identity.rsplit("/", 1)[1], "id": identity, "etag": "", "type": NAME}
    body.update({key: value for key, value in given.items() if key not in (*body, "properties")})
    asked = copy.deepcopy(properties_of(given))
    made = {key: value for key, value in asked.items() if key not in _SERVERS}
    sku = dict(made["sku"]) if isinstance(made.get("sku"), dict) else {}
    body["properties"] = {
        "provisioningState": "Succeeded",
        "resourceGuid": before.get("resourceGuid") or guid(),
        "operationalState": before.get("operationalState", "Stopped"),
        "defaultPredefinedSslPolicy": before.get("defaultPredefinedSslPolicy", "AppGwSslPolicy20150501"),
        **dict.fromkeys(_SHOWN, ()),
        **(dict.fromkeys(_SHOWN_V2, ()) if is_v2(given) else {}),
        **made,
    }
    made = body["properties"]
    if sku:
        made["sku"] = {**sku, "family": sku.get("family", "Generation_1")}
    for kind in (key for key, value in made.items() if isinstance(value, (list, tuple))):
        made[kind] = [_child(kind, one, named(before, kind), identity, NAME) for one in made[kind]]
    _refer_back(body)
    return body


def finish(body: Json) -> None:
    """What a write that has succeeded leaves: the gateway runs, and ARM shows the public half of each certificate."""
    made = properties(body)
    made["operationalState"] = "Running"
    if is_v2(body):
        made["sku"]["family"] = "Generation_2"
    for one in listed(made, CERTIFICATES):
        if "keyVaultSecretId" not in properties(one):
            # A word that stands for it.
            properties(one).setdefault("publicCertData", "EMULATED")


def _child(kind: str, given: Any, before: dict[str, Json], parent: str, type: str) -> Any:
    """A member of a collection: it is a child if it has a name, and so are the rules of a path map."""
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        return given
    old = properties_of(before.get(given["name"].lower(), {}))
    identity, type = f"{parent}/{kind}/{given['name']}", f"{type}/{kind}"
    found = {key: value for key, value in properties_of(given).items() if key not in _SECRETS.get(kind, ())}
    own = (PATH_RULES,) if kind == PATH_MAPS else ()
    found = {key: value for key, value in found.items() if key not in _REFERRERS or key in own}
    for key in _KEPT.get(kind, ()):
        found.pop(key, None)
        if key in old:
            found[key] = old[key]
    made: Json = {**copy.deepcopy(_ADDED.get(kind, {})), **found, "provisioningState": "Succeeded"}
    if kind == PATH_MAPS:
        rules, known = listed(made, PATH_RULES), named(old, PATH_RULES)
        made[PATH_RULES] = [_child(PATH_RULES, one, known, identity, type) for one in rules]
    rest = {key: value for key, value in given.items() if key not in ("name", "id", "etag", "type", "properties")}
    return {"name": given["name"], "id": identity, "etag": "", "properties": made, "type": type, **rest}


def _refer_back(body: Json) -> None:
    """Let each child list what refers to it; recorded: only where anything does."""
    targets = {child["id"].lower(): child for _, child in walk(body)}
    for kind, user in walk(body):
        if kind not in _REFERRERS:
            continue
        for target in dict.fromkeys(identity.lower() for identity in references(user)):
            child = targets.get(target)
            if child is not None:
                properties(child).setdefault(kind, []).append({"id": user["id"]})


def walk(body: Json) -> Iterator[tuple[str, Json]]:
    """Every child with the collection that it is in, the rules of path maps behind their map."""
    for kind, value in list(properties_of(body).items()):
        for child in value if isinstance(value, list) else ():
            if isinstance(child, dict) and isinstance(child.get("id"), str) and "name" in child:
                yield kind, child
                yield from ((PATH_RULES, rule) for rule in listed(properties_of(child), PATH_RULES) if "name" in rule)


def references(child: Json) -> Iterator[str]:
    """The ids that the child's properties refer to, one by one or in a list; back references are none."""
    for value in (value for key, value in properties_of(child).items() if key not in _REFERRERS):
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and isinstance(one.get("id"), str) and "name" not in one:
                yield one["id"]
