"""How many calls ARM takes of each principal in each subscription, and how many Microsoft.Network takes of all.

https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling

The emulator is one region, and a refused call costs nothing. The buckets fill in real seconds whatever the time scale
of the operations: it is requests on a wire that they count.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..messages import Request
from . import errors, paths
from .errors import ArmError

# What all principals together have of a principal's bucket.
_GLOBAL = 15
# Microsoft.Network's own: calls, and the seconds in which; by whether they read.
_NETWORK = {True: (10_000, 300), False: (1_000, 300)}
_KINDS = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}
# Recorded in 2025: what is left after one call, by the kind of call. Without throttling it never sinks.
_UNCOUNTED = {"reads": 16499, "writes": 11999, "deletes": 11999}
# Less than this of a token is missing only because seconds are floating-point numbers.
_ROUNDING = 1e-9


class TokenBucket:
    """Full at first; refilled by `rate` tokens a second up to `capacity`; a call takes one."""

    def __init__(self, capacity: float, rate: float) -> None:
        self._capacity, self._rate = capacity, rate
        self._level, self._at = capacity, 0.0

    def wait(self, now: float) -> float:
        """Seconds until there is a token."""
        missing = 1 - self._filled(now)
        return missing / self._rate if missing > _ROUNDING else 0.0

    def take(self, now: float) -> None:
        """Take a token."""
        self._level, self._at = self._filled(now) - 1, now

    def left(self, now: float) -> int:
        """The whole tokens in it."""
        return math.floor(self._filled(now) + _ROUNDING)

    def _filled(self, now: float) -> float:
        return min(self._capacity, self._level + max(0.0, now - self._at) * self._rate)


class Interval:
    """At most `most` calls in `seconds`, counted from the first of them; Azure's own intervals are not documented."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._count, self._ends = 0, -math.inf

    def wait(self, now: float) -> float:
        """Seconds until the interval is over, if it is used up."""
        return 0.0 if self.left(now) else self._ends - now

    def take(self, now: float) -> None:
        """Count a call, perhaps as the first of a new interval."""
        if now >= self._ends:
            self._count, self._ends = 0, now + self._seconds
        self._count += 1

    def left(self, now: float) -> int:
        """What is left of the interval; all of it once it is over."""
        return self._most if now >= self._ends else self._most - self._count


# So many calls and no more; `now` is in seconds of one clock that never goes back.
Limit = TokenBucket | Interval


@dataclass(frozen=True)
class Purpose:
    """What a call is counted as: whose it is, and `reads`, `writes` or `deletes` of what.

    `subscription` is None for the tenant's own calls, `action` is set for calls to Microsoft.Network.
    """

    principal: str
    kind: str
    subscription: str | None
    action: str | None = None


class Buckets:
    """All the limits there are, made as they are needed."""

    def __init__(self) -> None:
        self._limits: dict[tuple[str | None, ...], Limit] = {}

    def draw(self, purpose: Purpose, now: float) -> tuple[str, float] | None:
        """Count a call; or count nothing and return the exhausted limit and the seconds until it has room."""
        limits = dict(self._of(purpose))
        for name, limit in limits.items():
            if (seconds := limit.wait(now)) > 0:
                return name, seconds
        for limit in limits.values():
            limit.take(now)
        return None

    def left(self, purpose: Purpose, now: float) -> dict[str, int]:
        """What is left for another such call, by the limit's name."""
        return {name: limit.left(now) for name, limit in self._of(purpose)}

    def _of(self, purpose: Purpose) -> Iterator[tuple[str, Limit]]:
        kind, scope = purpose.kind, purpose.subscription
        capacity, rate = (250, 25) if kind == "reads" else (200, 10)
        where = "tenant" if scope is None else "subscription"
        yield (
            f"{where}-{kind}",
            self._kept((where, scope, kind, purpose.principal), lambda: TokenBucket(capacity, rate)),
        )
        if scope is not None:
            everybody = self._kept((where, scope, kind), lambda: TokenBucket(_GLOBAL * capacity, _GLOBAL * rate))
            yield f"subscription-global-{kind}", everybody
        if purpose.action is not None:
            reads = kind == "reads"
            key = ("network", scope, "reads" if reads else "changes")
            yield "network", self._kept(key, lambda: Interval(*_NETWORK[reads]))

    def _kept(self, key: tuple[str | None, ...], make: Callable[[], Limit]) -> Limit:
        if key not in self._limits:
            self._limits[key] = make()
        return self._limits[key]


class Throttle:
    """Refuses what the buckets have no token for, and tells what they hold. Switched off, it does neither."""

    def __init__(self, on: bool) -> None:
        self._buckets = Buckets() if on else None

    def check(self, request: Request, now: float) -> None:
        """Count a call that is authenticated. Raises ArmError 429 with Retry-After in whole seconds."""
        if self._buckets is None:
            return
        purpose = _purpose(request)
        short = self._buckets.draw(purpose, now)
        if short is not None:
            raise _refusal(purpose, *short)

    def headers(self, request: Request, now: float) -> dict[str, str]:
        """The x-ms-ratelimit-remaining-... headers of an answer."""
        if self._buckets is None:
            kind = _KINDS.get(request.method, "writes")
            return {f"x-ms-ratelimit-remaining-subscription-global-{kind}": str(_UNCOUNTED[kind])}
        left = self._buckets.left(_purpose(request), now)
        return {f"x-ms-ratelimit-remaining-{name}": str(count) for name, count in left.items() if name != "network"}


def _purpose(request: Request) -> Purpose:
    path, kind = paths.parse(request.segments), _KINDS.get(request.method, "writes")
    subscription = path.subscription.lower() if path and path.subscription else None
    action = None
    if path and subscription and (path.namespace or "").lower() == "microsoft.network":
        verb = {"reads": "read", "deletes": "delete", "writes": "action" if request.method == "POST" else "write"}[kind]
        action = f"{path.type}/{verb}"
    return Purpose(principal(request.headers.get("authorization", "")), kind, subscription, action)


def principal(authorization: str) -> str:
    """The principal of a token: its object id, else its application id, else the header itself."""
    parts = authorization.strip().rpartition(" ")[2].split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError, binascii.Error, RecursionError):
        return authorization
    found = (claims.get("oid") or claims.get("appid")) if isinstance(claims, dict) else None
    return found if isinstance(found, str) else authorization


def _refusal(purpose: Purpose, name: str, wait: float) -> ArmError:
    # At least one: a client that came back in zero seconds would only be refused again.
    seconds = max(1, math.ceil(wait))
    if name == "network":
        most, interval = _NETWORK[purpose.kind == "reads"]
        return errors.resource_throttled(purpose.action or "", most, interval, seconds)
    return errors.subscription_throttled(purpose.kind.removesuffix("s"), purpose.subscription, seconds)
