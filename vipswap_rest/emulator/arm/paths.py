"""ARM's paths, taken apart without regard to case: what a call is about."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ...arm.ids import InvalidResourceId, check_group, check_name

# Lists of a whole subscription, or of a group, that belong to no provider.
_OF_A_SUBSCRIPTION = ("locations", "providers", "resourcegroups", "resources")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True)
class Path:
    """What a path names. Below a group or a subscription `types` and `names` run in parallel.

    For a list the last type has no name; of a provider itself there is a namespace and no type. All fields are as
    spelled in the path; None where the path does not go so far.
    """

    subscription: str | None = None
    group: str | None = None
    namespace: str | None = None
    types: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def is_list(self) -> bool:
        """Whether the path ends with a type, so that it names all resources of it."""
        return len(self.types) > len(self.names)

    @property
    def type(self) -> str:
        """The full type as spelled, such as `Microsoft.Network/loadBalancers`."""
        return "/".join((self.namespace or "", *self.types))

    @property
    def id(self) -> str:
        """The path as an id, with ARM's own spelling of the fixed words."""
        parts = [f"/subscriptions/{self.subscription}"]
        if self.group is not None:
            parts.append(f"resourceGroups/{self.group}")
        if self.namespace is not None:
            parts.append(f"providers/{self.namespace}")
        for index, kind in enumerate(self.types):
            parts.append(kind)
            if index < len(self.names):
                parts.append(self.names[index])
        return "/".join(parts)

    @property
    def key(self) -> str:
        """The id in lower case: what resources are found by."""
        return self.id.lower()

    @property
    def shape(self) -> str:
        """The path in lower case with `*` for each name, by which it is routed.

        A resource's, or its list's, begins with its type: `loadbalancers/*/probes`. ARM's own begin with a slash:
        `/subscriptions/*/resourcegroups/*`, `/subscriptions/*/providers/*/register`.
        """
        own = self.namespace is None or self.types in ((), ("register",))
        fixed = ["", "subscriptions", *(["*"] if self.subscription else [])] if own else []
        if own and self.group is not None:
            fixed += ["resourcegroups", "*"]
        if own and self.namespace is not None:
            fixed += ["providers", "*"]
        named = [part for kind in self.types for part in (kind, "*")]
        return "/".join((*fixed, *named[: len(self.types) + len(self.names)])).lower()

    @property
    def name(self) -> str:
        """The last name."""
        return self.names[-1]

    def is_a(self, *kinds: str) -> bool:
        """Whether the type within Microsoft.Network is one of `kinds`, such as `loadBalancers`."""
        return self.type.lower() in {f"microsoft.network/{kind}".lower() for kind in kinds}

    def top(self) -> Path:
        """The top-level resource of this path: itself, or what it is a child of."""
        return Path(self.subscription, self.group, self.namespace, self.types[:1], self.names[:1])

    def parent(self) -> Path:
        """The resource that this one is a child of."""
        return Path(self.subscription, self.group, self.namespace, self.types[:-1], self.names[: len(self.types) - 1])


def parse(segments: tuple[str, ...]) -> Path | None:
    """The path of `segments`, or None if ARM has nothing of that form."""
    if segments[-2:] == ("deployments", ""):
        segments = segments[:-1]
    words = [segment.lower() for segment in segments]
    if not words or words[0] != "subscriptions" or not all(segments):
        return None
    if len(words) == 1:
        return Path()
    subscription, group, rest = segments[1], None, segments[2:]
    if len(rest) == 1 and rest[0].lower() in _OF_A_SUBSCRIPTION:
        return Path(subscription, None, None, (rest[0],))
    if len(rest) == 2 and rest[0].lower() == "operationresults":
        return Path(subscription, None, None, (rest[0],), (rest[1],))
    if rest and rest[0].lower() == "resourcegroups":
        group, rest = rest[1], rest[2:]
    if not rest:
        return Path(subscription, group)
    if group is not None and rest[0].lower() == "deployments":
        # Recorded: the operations of a deployment are asked for without its provider.
        rest = ("providers", "Microsoft.Resources", *rest)
    if group is not None and len(rest) == 1 and rest[0].lower() == "resources":
        return Path(subscription, group, None, (rest[0],))
    if rest[0].lower() != "providers" or len(rest) < (2 if group is None else 3):
        return None
    return Path(subscription, group, rest[1], rest[2::2], rest[3::2])


def parse_id(text: str) -> Path | None:
    """The path of an id such as `/subscriptions/...`, or None if it does not name a single resource or group."""
    if not text.startswith("/"):
        return None
    path = parse(tuple(text[1:].split("/")))
    if path is None or path.subscription is None or path.is_list or (path.namespace and not path.types):
        return None
    return path


def is_subscription(text: str) -> bool:
    """Whether `text` is a GUID, as every subscription is."""
    return bool(_GUID.fullmatch(text))


def is_name(text: str) -> bool:
    """Whether a resource may bear this name (no path can be hidden in it)."""
    return _passes(check_name, text)


def is_group(text: str) -> bool:
    """Whether a resource group may bear this name."""
    return _passes(check_group, text)


def _passes(check: Callable[[str], object], text: str) -> bool:
    try:
        check(text)
    except InvalidResourceId:
        return False
    return True
