"""What a run sees. A run is the list of its events; everything else is computed from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vipswap_rest.arm import lro
from vipswap_rest.arm.errors import VipswapError
from vipswap_rest.arm.http import Response
from vipswap_rest.switchover.actions import Action
from vipswap_rest.switchover.report import Observation, Side


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment on both clocks: monotonic seconds, and the wall clock (UTC)."""

    at: float
    on: datetime


@dataclass(frozen=True, slots=True)
class Begun:
    """A run begins: its method, and all that it begins with, as JSON."""

    when: Moment
    method: str
    setup: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sent:
    """An action is begun."""

    when: Moment
    action: Action


@dataclass(frozen=True, slots=True)
class Answered:
    """Every request of the action is answered; None is a resource that is not there and may be missing.

    `reads_left`: how many reads ARM says are left in the smallest bucket, if it said so.
    """

    when: Moment
    answers: tuple[Response | None, ...]
    reads_left: int | None = None


@dataclass(frozen=True, slots=True)
class Polled:
    """The state of an operation in flight was read at `received`: it runs on, or (None) it has succeeded."""

    when: Moment
    progress: lro.Pending | None
    received: float
    reads_left: int | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """A request of the action failed; the answers to those before it."""

    when: Moment
    error: VipswapError
    answers: tuple[Response | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Woke:
    """A pause is over, or was cut short."""

    when: Moment


@dataclass(frozen=True, slots=True)
class Heard:
    """An address was asked: None if it answers, else why it is taken not to."""

    when: Moment
    silent: str | None


@dataclass(frozen=True, slots=True)
class Signalled:
    """A signal came: its name."""

    when: Moment
    name: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What a probe saw of each address, told at the end."""

    when: Moment
    addresses: Mapping[Side, Observation]


Event = Begun | Sent | Answered | Polled | Failed | Woke | Heard | Signalled | Seen
