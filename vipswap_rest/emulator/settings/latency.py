"""How long operations take: profiles, files, and the draw of the next duration."""

from __future__ import annotations

import json
import math
import random
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..messages import decode


class InvalidLatency(ValueError):
    """A latency file that cannot be used; the message is one sentence that names the file and the trouble."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """Durations in seconds that come round in the order of the operations; a single number is a cycle of one."""

    seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """Durations drawn from the lognormal distribution with this median and 90th percentile, in seconds."""

    median: float
    p90: float


Duration = Cycle | Spread
_ZERO = Cycle((0.0,))


@dataclass(frozen=True, slots=True)
class Profile:
    """A duration for each kind of operation; `retry_after` None sends no Retry-After header at all."""

    load_balancer_update: Duration = _ZERO
    public_ip_create: Duration = _ZERO
    public_ip_delete: Duration = _ZERO
    native_swap: Duration = _ZERO
    pool_update: Duration = _ZERO
    gateway_update: Duration = _ZERO
    backend_health: Duration = _ZERO
    scale_set_update: Duration = _ZERO
    instance_upgrade: Duration = _ZERO
    deployment: Duration = _ZERO
    what_if: Duration = _ZERO
    group_delete: Duration = _ZERO
    retry_after: Duration | None = _ZERO


PROFILES = {
    "instant": Profile(),
    # The article prints 26 s, 59 s, a downtime of 61 s and 88 s in all: 26, 33 and 28 s for its three updates. Its
    # script looks every 3 s and sleeps 3 s more after it has seen Succeeded, so it waited 27, 33 and 27 s: the updates
    # took 21-24, 27-30 and 21-24 s, and these are the middles. The float cost it nothing: it was created without a
    # wait, and the first update referred to it at once. The rest is what recordings of that time show.
    "blog": Profile(
        load_balancer_update=Cycle((22.5, 28.5, 22.5)),
        public_ip_create=Cycle((3.0,)),
        public_ip_delete=Cycle((11.0,)),
        native_swap=Cycle((22.5,)),
        pool_update=Cycle((22.5,)),
        gateway_update=Cycle((53.0,)),
        backend_health=Cycle((11.0,)),
        scale_set_update=Cycle((26.0,)),
        instance_upgrade=Cycle((36.0,)),
        deployment=Cycle((87.0,)),
        what_if=Cycle((15.0,)),
        group_delete=Cycle((236.0,)),
        retry_after=Cycle((10.0,)),
    ),
    # Recorded: Standard load balancers with members n = 10, all of them 0-6 s with a median of 1; public IP creates
    # n = 1,153 and deletes n = 47; v2 gateways n = 74, their backends' health 10-12 s; scale sets n = 190,
    # their instances n = 41; deployments with a scale set n = 401. No native swap of ordinary load
    # balancers was ever recorded, nor a rule that changes its pool on one with members: as an update.
    "standard": Profile(
        load_balancer_update=Spread(1.0, 5.0),
        public_ip_create=Spread(1.0, 3.0),
        public_ip_delete=Spread(11.0, 29.0),
        native_swap=Spread(1.0, 5.0),
        pool_update=Spread(1.0, 5.0),
        gateway_update=Spread(7.0, 53.0),
        backend_health=Spread(11.0, 12.0),
        scale_set_update=Spread(0.4, 61.0),
        instance_upgrade=Spread(36.0, 76.0),
        deployment=Spread(87.0, 166.0),
        what_if=Spread(15.0, 33.0),
        group_delete=Spread(236.0, 772.0),
        retry_after=Cycle((10.0,)),
    ),
}

# How the Retry-After of an operation's polls grows, in multiples of its first. Recorded: 10, 20, 20, 40, 40, 80, 160,
# 100 in long operations, 1, 2, 2, 4, 4, 8, 8, 16 in short ones; the second was greater than the first in 44 of 44.
LONG_GROWTH = (1, 2, 2, 4, 4, 8, 16, 10)
SHORT_GROWTH = (1, 2, 2, 4, 4, 8, 8, 16)

_P90 = 1.2815515655446004  # the standard normal distribution's 90th percentile


def read_profile(name: str) -> Profile:
    """The profile called `name`, or else the one in the JSON file of that path.

    A file holds seconds by kind of operation: a number, a list that is cycled through, or {"median": m, "p90": q}.
    `"retry_after": null` sends none; a missing key is 0. Raises InvalidLatency.
    """
    if name in PROFILES:
        return PROFILES[name]
    try:
        content = Path(name).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise InvalidLatency(
            f"There is no latency profile {name!r} ({', '.join(PROFILES)}), and as a file it cannot be read: "
            f"{reason or error}."
        ) from error
    try:
        given = decode(content)
    except ValueError as error:
        raise InvalidLatency(f"The latency file {name} is not JSON: {error}.") from error
    if not isinstance(given, dict):
        raise InvalidLatency(f"The latency file {name} must hold a JSON object.")
    known = [field.name for field in fields(Profile)]
    for key in given:
        if key not in known:
            raise InvalidLatency(f"The latency file {name} has an unknown key {key!r}; known are {', '.join(known)}.")
    durations: dict[str, Any] = {key: _duration(name, key, value) for key, value in given.items()}
    return Profile(**durations)


def _duration(file: str, key: str, value: Any) -> Duration | None:
    if value is None and key == "retry_after":
        return None
    if isinstance(value, dict) and set(value) == {"median", "p90"}:
        median, p90 = (_seconds(file, f"{key}.{part}", value[part]) for part in ("median", "p90"))
        if p90 < median or (median == 0 < p90):
            raise InvalidLatency(f"In the latency file {file}, {key} needs a p90 not below a median above 0.")
        return Spread(median, p90)
    if isinstance(value, list) and value:
        return Cycle(tuple(_seconds(file, f"{key}[{index}]", item) for index, item in enumerate(value)))
    return Cycle((_seconds(file, key, value),))


def _seconds(file: str, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidLatency(
            f"In the latency file {file}, {key} is {json.dumps(value)}; "
            'it must be seconds, a list of them, or {"median": m, "p90": q}.'
        )
    if not 0 <= value < math.inf:
        raise InvalidLatency(f"In the latency file {file}, {key} is {value}; it must be 0 or more seconds.")
    return float(value)


class Latency:
    """Hands out the durations of a profile in the order of the operations, scaled."""

    def __init__(self, profile: Profile, scale: float, seed: int) -> None:
        self._profile = profile
        self._scale = scale
        self._random = random.Random(seed)  # noqa: S311 - a reproducible draw, no secret
        self._drawn: dict[str, int] = {}

    def draw(self, kind: str) -> float:
        """The next duration of `kind` (a field of Profile), in seconds."""
        drawn = self._draw(kind)
        return 0.0 if drawn is None else drawn

    def retry_after(self) -> float | None:
        """The pause that the next operation asks for, in seconds, or None if it asks for none."""
        return self._draw("retry_after")

    def scaled(self, seconds: float) -> float:
        """`seconds` of real Azure as this emulator plays them."""
        return seconds * self._scale

    def _draw(self, kind: str) -> float | None:
        duration: Duration | None = getattr(self._profile, kind)
        if duration is None:
            return None
        if isinstance(duration, Spread):
            return self._scale * self._spread(duration)
        turn = self._drawn.get(kind, 0)
        self._drawn[kind] = turn + 1
        return self._scale * duration.seconds[turn % len(duration.seconds)]

    def _spread(self, spread: Spread) -> float:
        if spread.median == 0:
            return 0.0
        return self._random.lognormvariate(math.log(spread.median), math.log(spread.p90 / spread.median) / _P90)


def header(seconds: float) -> str:
    """A Retry-After value: whole seconds from one on, as ARM sends them; below that a decimal, for scaled time."""
    return str(round(seconds)) if seconds >= 1 else f"{round(seconds, 6):g}"
