"""What stands before every call: permissions, then locks; on what a call is about, and on what it refers to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..messages import Json, decode
from ..types.locks import Locks
from ..types.permissions import Permissions
from .addresses import frontends
from .calls import Call, World
from .extensions import Extension
from .paths import Path

_JOIN = "Microsoft.Network/publicIPAddresses/join/action"
_VERBS = {"PUT": "write", "PATCH": "write", "DELETE": "delete"}


class Gate:
    """Refuses what permissions or locks forbid."""

    def __init__(self, world: World, locks: Locks, permissions: Permissions) -> None:
        self._world, self._locks, self._permissions = world, locks, permissions

    def check_extension(self, call: Call, extension: Extension) -> None:
        """A call about a lock or about permissions: no lock forbids it."""
        verb = _VERBS.get(call.request.method, "read")
        self._permissions.check(f"{extension.type}/{verb}", extension.scope)

    def check(self, call: Call) -> None:
        """Any other call below a subscription. Raises ArmError 403, 409."""
        path, method = call.path, call.request.method
        if path.namespace is None and path.group is None:
            return
        if path.is_a("locations/operations", "locations/operationResults"):
            return
        action, scope = _action(method, path), _scope(path)
        self._permissions.check(action, scope)
        if method in ("GET", "HEAD"):
            return
        used, changed = self._linked(call)
        for address in used:
            self._permissions.check_linked(action, scope, _JOIN, address)
        for one in (scope, *changed):
            self._locks.check(method, one)

    def _linked(self, call: Call) -> tuple[list[str], list[str]]:
        """The addresses that a write puts on frontends, and whatever else it changes: addresses that come or go, and
        the native swap's load balancers.

        That a lock on these refuses the write is inferred; nobody recorded it.
        """
        if call.path.is_a("loadBalancers") and call.request.method == "PUT":
            used = list(_addresses(_json(call).get("properties")))
            present = self._world.state.get(call.path.id)
            before = [address for _, address in frontends(present) if address] if present else []
            return used, [*_without(used, before), *_without(before, used)]
        if call.path.is_a("locations/setLoadBalancerFrontendPublicIpAddresses"):
            used = list(_addresses(_json(call)))
            owners = [
                str(item["id"]).split("/frontendIPConfigurations/", 1)[0]
                for item in _json(call).get("frontendIPConfigurations") or ()
                if isinstance(item, dict) and "id" in item
            ]
            return used, used + owners
        return [], []


def _without(some: Sequence[str], others: Sequence[str]) -> list[str]:
    known = {one.lower() for one in others}
    return [one for one in some if one.lower() not in known]


def _action(method: str, path: Path) -> str:
    """The action that a call is, such as `Microsoft.Network/loadBalancers/write`."""
    kind = path.type if path.namespace is not None else "Microsoft.Resources/subscriptions/resourceGroups"
    return f"{kind}/{'action' if method == 'POST' else _VERBS.get(method, 'read')}"


def _scope(path: Path) -> str:
    """What a call is about: of an action or a list, what it is done to."""
    if not path.names:
        return Path(path.subscription, path.group).id
    count = len(path.names)
    return Path(path.subscription, path.group, path.namespace, path.types[:count], path.names).id


def _json(call: Call) -> Json:
    try:
        found = decode(call.request.body)
    except ValueError:
        # The handler refuses it.
        return {}
    return found if isinstance(found, dict) else {}


def _addresses(holder: Any) -> Iterator[str]:
    """The ids of the public IPs in a body's frontendIPConfigurations, whatever else is in it."""
    items = holder.get("frontendIPConfigurations") if isinstance(holder, dict) else None
    for item in items if isinstance(items, list) else ():
        found = item.get("properties") if isinstance(item, dict) else None
        address = found.get("publicIPAddress") if isinstance(found, dict) else None
        if isinstance(address, dict) and isinstance(address.get("id"), str):
            yield address["id"]
