"""Access control of every call: permissions, then locks; of its resource, and of those that it refers to.

Permissions: everything is allowed, unless permissions are seeded. A seeded resource
`{scope}/providers/Microsoft.Authorization/permissions/{any name}` is a role assignment:

    {"id": "...", "properties": {"actions": ["Microsoft.Network/*/read"], "notActions": []}}

As soon as there is one, only what the seeded ones grant is allowed: each on its scope and below, several of them
together, `*` for anything in an action. The status of an operation may always be read.

Locks: https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..messages import Json
from . import errors, extensions
from .calls import Call, ExtensionCall
from .extensions import covers
from .paths import Path
from .resource_types import Links
from .state import State

_JOIN = "Microsoft.Network/publicIPAddresses/join/action"
_VERBS = {"PUT": "write", "PATCH": "write", "DELETE": "delete"}
# The status or the result of an operation, of whatever provider.
_STATUS = ("locations/*/operations/*", "locations/*/operationresults/*", "/operationstatuses/*", "*/operationresults/*")
_EVERYTHING: Json = {"actions": ["*"], "notActions": []}


def check_extension(state: State, call: ExtensionCall) -> None:
    """A call about a lock or about permissions: no lock forbids it. Raises ArmError 403."""
    verb, extension = _VERBS.get(call.request.method, "read"), call.extension
    _check_granted(state, f"{extension.type}/{verb}", extension.scope)


def check(state: State, call: Call, links: Links) -> None:
    """Any other call to a group, or to a provider below a subscription. Raises ArmError 403, 409."""
    path, method = call.path, call.request.method
    if path.shape.endswith(_STATUS):
        return
    action, scope = _action(method, path), _scope(path)
    _check_granted(state, action, scope)
    if method in ("GET", "HEAD"):
        return
    for address in links.used:
        if not _granted(state, _JOIN, address):
            raise errors.linked_authorization_failed(action, scope, _JOIN, address)
    for one in (scope, *links.changed):
        _check_locks(state, method, one)


def granted_on(state: State, scope: str) -> Sequence[Json]:
    """What is granted on a scope: an entry for each role assignment on it or above it."""
    seeded = list(extensions.stored(state, "permissions"))
    if not seeded:
        return [_EVERYTHING]
    return [_entry(body) for at, body in seeded if covers(at, scope)]


def _check_granted(state: State, action: str, scope: str) -> None:
    if not _granted(state, action, scope):
        raise errors.authorization_failed(action, scope)


def _granted(state: State, action: str, scope: str) -> bool:
    return any(
        _any_matches(entry["actions"], action) and not _any_matches(entry["notActions"], action)
        for entry in granted_on(state, scope)
    )


def _entry(body: Json) -> Json:
    found = body.get("properties") or {}
    return {"actions": list(found.get("actions") or ()), "notActions": list(found.get("notActions") or ())}


def _any_matches(patterns: list[str], action: str) -> bool:
    return any(re.fullmatch(re.escape(one).replace(r"\*", ".*"), action, re.IGNORECASE) for one in patterns)


def _check_locks(state: State, method: str, scope: str) -> None:
    """Refuse a write of a scope that a lock forbids (409 ScopeLocked).

    ReadOnly refuses every PUT, PATCH, POST and DELETE at its scope and below; CanNotDelete only DELETE. Recorded:
    a resource group is not deleted while a lock is on anything in it.
    """
    deleting = method == "DELETE"
    locked = []
    for at, body in extensions.stored(state, "locks"):
        level = str((body.get("properties") or {}).get("level")).lower()
        if not deleting and level != "readonly":
            continue
        if covers(at, scope) or (deleting and covers(scope, at)):
            locked.append(at)
    if locked:
        raise errors.scope_locked(scope, "delete" if deleting else "write", locked)


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
