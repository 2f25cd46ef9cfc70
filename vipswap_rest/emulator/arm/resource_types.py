"""What a resource type tells of itself: its route table. One file in types/ has one, and registry.py names it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from . import errors, reads
from .calls import Call, Reply
from .paths import Path
from .routes import Traffic
from .world import World

C = TypeVar("C", bound=Call)
Handler = Callable[[World, Call], Reply]
Methods = Mapping[str, Handler]


@dataclass(frozen=True)
class Links:
    """What a write is about beside its own resource: ids of what it puts to use, and of what it changes."""

    used: Sequence[str] = ()
    changed: Sequence[str] = ()


@dataclass(frozen=True)
class ResourceType:
    """A type, such as `Microsoft.Network/loadBalancers`, with all below it.

    routes: the handlers by path and method; a path is as `loadBalancers/*/inboundNatRules/*`, `*` for a name.
    unrouted: the handlers of every other resource below it; its lists need no route. in_group: whether its resources
    are in a resource group, or in the subscription itself. links: what a call is about beside its own resource.
    versions: the api-versions that the provider names, the newest first. traffic: where its public frontends lead.
    """

    name: str
    routes: Mapping[str, Methods]
    unrouted: Methods = field(default_factory=lambda: {"GET": reads.get})
    in_group: bool = True
    links: Callable[[World, Call], Links] = lambda world, call: Links()
    versions: Sequence[str] = ()
    traffic: Traffic | None = None

    def methods(self, path: Path) -> Methods:
        """The handlers of what a path names, by method; none where there is nothing."""
        for template, methods in self.routes.items():
            if template.lower() == path.shape:
                return methods
        listed = path.is_list and (self.in_group or len(path.types) == 1)
        return {"GET": reads.list_all} if listed else self.unrouted


def dispatch(world: World, call: C, methods: Mapping[str, Callable[[World, C], Reply]]) -> Reply:
    """Let the method's handler answer. Raises ArmError 405 where there is none."""
    handler = methods.get(call.request.method)
    if handler is None:
        raise errors.method_not_allowed(call.request.method, list(methods))
    return handler(world, call)
