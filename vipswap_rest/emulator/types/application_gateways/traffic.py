"""Which of a gateway's ports lead to which of its pools: by listener, rule and path map."""

from __future__ import annotations

from collections.abc import Iterator

from ...arm import paths
from ...arm.routes import Frontend, Pool, Traffic, frontends
from ...arm.state import listed, properties_of, reference
from ...messages import Json
from ...settings import Settings
from . import body as bodies


def lead(gateway: Json) -> Iterator[Frontend]:
    """The gateway's frontends with the ports of its listeners that a rule serves."""
    for identity, public_ip in frontends(gateway):
        yield Frontend(identity, public_ip, _ports(gateway, identity))


def _ports(gateway: Json, frontend: str) -> dict[int, Pool]:
    """Each port with the pool behind it: the default one of a path map; none of a redirection."""
    found: dict[int, Pool] = {}
    made = properties_of(gateway)
    ports = {_key(one): properties_of(one).get("port") for one in listed(made, "frontendPorts")}
    maps = {
        _key(one): reference(properties_of(one), "defaultBackendAddressPool") for one in listed(made, "urlPathMaps")
    }
    rules = {
        (reference(properties_of(rule), "httpListener") or "").lower(): properties_of(rule)
        for rule in listed(made, bodies.RULES)
    }
    # A listener for any host comes before those for one host alone.
    listeners = sorted(listed(made, bodies.LISTENERS), key=lambda one: bool(properties_of(one).get("hostName")))
    for listener in listeners:
        told, rule = properties_of(listener), rules.get(_key(listener), {})
        port = ports.get((reference(told, "frontendPort") or "").lower())
        if (reference(told, "frontendIPConfiguration") or "").lower() != frontend.lower() or not isinstance(port, int):
            continue
        pool = reference(rule, "backendAddressPool") or maps.get((reference(rule, "urlPathMap") or "").lower())
        path = paths.parse_id(pool) if pool is not None else None
        if path is not None and len(path.names) > 1:
            found.setdefault(port, Pool(path.id, path.name))
    return found


def _key(child: Json) -> str:
    return str(child.get("id", "")).lower()


def _established(settings: Settings) -> str:
    """The client's connection ends at the gateway: kept, its next request is answered by the new pool (inferred)."""
    return "follow" if settings.gateway_established == "keep" else "reset"


TRAFFIC = Traffic(lead, _established)
