"""What a token says of itself: shown to people, trusted in nothing. Only ARM can check its signature."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

_LONGEST = 200
# Who a token is for, the telling names first (https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference).
_NAMES = ("upn", "preferred_username", "unique_name", "appid", "azp", "oid", "sub")


def claims_of(token: str) -> Mapping[str, Any]:
    """The claims of a JWT (RFC 7519 section 4); none if it is no JWT."""
    # It comes with msal, and is slow to import.
    import jwt

    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        return {}
    return claims


def expiry_of(token: str) -> datetime | None:
    """The end of a JWT's life by its own `exp` (RFC 7519 section 4.1.4); None if it is no JWT or has none."""
    try:
        return datetime.fromtimestamp(float(claims_of(token)["exp"]), timezone.utc)
    except (ValueError, KeyError, TypeError, OverflowError, OSError):
        return None


def tenant_of(token: str) -> str | None:
    """The tenant that a token says it is of."""
    return _shown(claims_of(token).get("tid"))


def identity_of(token: str) -> str | None:
    """Whose token it says it is: a user's name, else an application's id, else an object's."""
    claims = claims_of(token)
    return next((text for name in _NAMES if (text := _shown(claims.get(name)))), None)


def _shown(value: object) -> str | None:
    """A claim that may stand on a terminal."""
    return value if isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable() else None
