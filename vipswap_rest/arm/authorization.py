"""Who may do what, and what is locked: one small function per REST call of Microsoft.Authorization.

https://learn.microsoft.com/rest/api/resources/management-locks/list-by-scope
https://learn.microsoft.com/rest/api/authorization/permissions
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vipswap_rest.arm.client import ArmClient


def list_locks(client: ArmClient, scope: str, *, deadline: float | None = None) -> Iterator[dict[str, Any]]:
    """The management locks of a scope (the id of a subscription, a resource group or a resource) and below it."""
    return client.list(f"{scope}/providers/Microsoft.Authorization/locks", api="locks", deadline=deadline)


def list_permissions(client: ArmClient, scope: str, *, deadline: float | None = None) -> Iterator[dict[str, Any]]:
    """What this login may do on a scope: `actions` and `notActions` of each role assignment on it or above it."""
    return client.list(f"{scope}/providers/Microsoft.Authorization/permissions", api="permissions", deadline=deadline)
