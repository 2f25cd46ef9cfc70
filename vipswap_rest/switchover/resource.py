"""What every resource that ARM shows has, whatever it is: an etag, and a state. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vipswap_rest.arm.words import word_key

# Terminal words of ARM's contract; any other word means that something is still going on.
SUCCEEDED = "succeeded"
BROKEN = frozenset({"failed", "canceled", "cancelled"})


def etag_of(body: Mapping[str, Any]) -> str:
    """Read the etag. Raises ValueError without one: every write is guarded by If-Match, and nothing else guards it."""
    etag = body.get("etag")
    if not isinstance(etag, str) or not etag:
        raise ValueError(f"{body['id']} has no etag, so no write to it could be guarded")
    return etag


def state_of(properties: Mapping[str, Any]) -> str:
    """The provisioning state. By ARM's contract a resource without one has Succeeded."""
    return word_key(properties.get("provisioningState")) or SUCCEEDED


def in_motion(state: str) -> bool:
    """Whether an operation runs on a resource of that state."""
    return state != SUCCEEDED and state not in BROKEN
