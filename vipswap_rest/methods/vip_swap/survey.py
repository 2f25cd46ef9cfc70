"""What preflight looks at beyond the five resources: locks, permissions, owners, quota, health, write budget. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vipswap_rest.arm.ids import ResourceId
from vipswap_rest.methods.vip_swap.permissions import Grant
from vipswap_rest.switchover.survey import Unknown


@dataclass(frozen=True, slots=True)
class Lock:
    """A management lock: its name, its level (ReadOnly or CanNotDelete), and the id of what it locks."""

    name: str
    level: str
    scope: str


@dataclass(frozen=True, slots=True)
class Owner:
    """A resource group's `managedBy` (empty if nothing manages it) and its tags."""

    managed_by: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of one of the region's quotas is used."""

    name: str
    current: int
    limit: int


@dataclass(frozen=True, slots=True)
class Health:
    """How many of the backends behind a rule are up, and how many down."""

    rule: str
    up: int
    down: int


@dataclass(frozen=True, slots=True)
class Survey:
    """What was read, each part by itself. Grants and owners are by the scope (an id) that they were read at; health is
    empty where nothing was asked; versions are the IP versions of the addresses of other frontends, where they could be
    read; remaining_writes is None where no answer told it."""

    locks: tuple[Lock | Unknown, ...] = ()
    grants: Mapping[str, tuple[Grant, ...] | Unknown] = field(default_factory=dict)
    owners: Mapping[str, Owner | Unknown] = field(default_factory=dict)
    usages: tuple[Usage, ...] | Unknown = ()
    health: tuple[Health | Unknown, ...] = ()
    versions: Mapping[ResourceId, str] = field(default_factory=dict)
    remaining_writes: int | None = None
