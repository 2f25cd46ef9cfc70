"""ARM resource ids: parsed, formatted, compared without regard to case.

The grammar is ARM's own: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_SUBSCRIPTION = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# 1-90 characters: letters, digits, underscore, hyphen, period, parentheses; no period at the end.
_GROUP = re.compile(r"[-\w.()]{0,89}[-\w()]")
# The widest rule among the network resources: begins with a letter or digit, ends with one or an underscore. Neither
# rule lets a name be "." or "..", so none can climb.
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,78}[A-Za-z0-9_])?")
_NAMESPACE = re.compile(r"[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)+")
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9]*")


class InvalidResourceId(ValueError):
    """The text is no ARM id or no name of the kind asked for; the message is one sentence that says why."""


def check_name(name: str, what: str = "resource") -> str:
    """Return `name` unchanged if a network resource may bear it (1-80 characters, no path in it).

    Raises InvalidResourceId otherwise, so that no name can climb out of its place in a URL.
    """
    if not _NAME.fullmatch(name):
        raise InvalidResourceId(
            f"{name!r} is an invalid name for a {what}: 1 to 80 letters, digits, '_', '-' or '.', "
            "beginning with a letter or digit and ending with one or with '_'."
        )
    return name


def check_group(name: str) -> str:
    """Return `name` unchanged if a resource group may bear it (1-90 characters); else raise InvalidResourceId."""
    if not _GROUP.fullmatch(name):
        raise InvalidResourceId(
            f"{name!r} is an invalid name for a resource group: 1 to 90 letters, digits, '_', '-', '.' or parentheses, "
            "not ending with '.'."
        )
    return name


def check_subscription(subscription: str) -> str:
    """Return `subscription` unchanged if it is a GUID; else raise InvalidResourceId."""
    if not _SUBSCRIPTION.fullmatch(subscription):
        raise InvalidResourceId(
            f"{subscription!r} is not a subscription id: it is a GUID, as `az account show` prints it."
        )
    return subscription


def subscription_scope(subscription: str) -> str:
    """The id of a subscription, checked (InvalidResourceId)."""
    return f"/subscriptions/{check_subscription(subscription)}"


def group_scope(subscription: str, resource_group: str) -> str:
    """The id of a resource group, its parts checked (InvalidResourceId)."""
    return f"{subscription_scope(subscription)}/resourceGroups/{check_group(resource_group)}"


def id_key(id: str) -> str:
    """What an id, of whatever is in Azure, is compared and found by."""
    return id.lower()


def same_id(one: str | None, other: str | None) -> bool:
    """Whether two texts are the same id, without regard to case; None is none."""
    return one is not None and other is not None and id_key(one) == id_key(other)


def covers(scope: str, other: str) -> bool:
    """Whether a scope (the id of a subscription, resource group or resource) is the other one or above it."""
    return f"{id_key(other)}/".startswith(f"{id_key(scope).rstrip('/')}/")


@dataclass(frozen=True, slots=True, eq=False)
class ResourceId:
    """One resource of a resource group, or a child of one, such as a load balancer's frontend IP configuration.

    `types` and `names` run in parallel: ("loadBalancers", "frontendIPConfigurations"), ("lb1", "front").
    Ids that differ only in case are equal, as in ARM: `key`, the id in lower case, is what equality and sorting go by.
    """

    subscription: str
    resource_group: str
    namespace: str
    types: tuple[str, ...]
    names: tuple[str, ...]
    _text: str = field(init=False, repr=False)
    key: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Ids are compared all the time, so both texts are made once.
        pairs = (f"/{kind}/{name}" for kind, name in zip(self.types, self.names, strict=True))
        text = f"{self.group}/providers/{self.namespace}{''.join(pairs)}"
        object.__setattr__(self, "_text", text)
        object.__setattr__(self, "key", id_key(text))

    @classmethod
    def parse(cls, text: str) -> ResourceId:
        """Read `/subscriptions/{guid}/resourceGroups/{group}/providers/{namespace}/{type}/{name}[/...]`.

        Raises InvalidResourceId, also where a segment is empty, is `..`, or could not be a name.
        """
        parts = text.split("/")
        words = [part.lower() for part in parts]
        shaped = (
            len(parts) >= 9
            and len(parts) % 2 == 1
            and (words[0], words[1], words[3], words[5]) == ("", "subscriptions", "resourcegroups", "providers")
        )
        if not shaped or not _NAMESPACE.fullmatch(parts[6]):
            raise InvalidResourceId(
                f"{text!r} is not an ARM resource id: "
                "/subscriptions/ID/resourceGroups/GROUP/providers/NAMESPACE/TYPE/NAME is the form."
            )
        types, names = tuple(parts[7::2]), tuple(parts[8::2])
        for kind, name in zip(types, names, strict=True):
            if not _TYPE.fullmatch(kind):
                raise InvalidResourceId(f"{text!r} is not an ARM resource id: {kind!r} is not a resource type.")
            check_name(name)
        return cls(check_subscription(parts[2]), check_group(parts[4]), parts[6], types, names)

    @classmethod
    def network(cls, subscription: str, resource_group: str, kind: str, name: str) -> ResourceId:
        """The id of a Microsoft.Network resource, its parts checked (InvalidResourceId)."""
        check_subscription(subscription)
        check_group(resource_group)
        return cls(subscription, resource_group, "Microsoft.Network", (kind,), (check_name(name),))

    def child(self, kind: str, name: str) -> ResourceId:
        """The id of a child of this resource, its name checked (InvalidResourceId)."""
        return ResourceId(
            self.subscription,
            self.resource_group,
            self.namespace,
            (*self.types, kind),
            (*self.names, check_name(name)),
        )

    @property
    def name(self) -> str:
        """The last name: the resource's own."""
        return self.names[-1]

    @property
    def group(self) -> str:
        """The id of its resource group, in its own subscription."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"

    @property
    def type(self) -> str:
        """The full type, such as `Microsoft.Network/loadBalancers/frontendIPConfigurations`."""
        return "/".join((self.namespace, *self.types))

    @property
    def parent(self) -> ResourceId | None:
        """The resource this one is a child of, or None at the top."""
        if len(self.names) == 1:
            return None
        return ResourceId(self.subscription, self.resource_group, self.namespace, self.types[:-1], self.names[:-1])

    def is_a(self, kind: str) -> bool:
        """Whether the full type is `kind`, without regard to case."""
        return self.type.lower() == kind.lower()

    def path_of(self, kind: str) -> str:
        """The id as the path of a resource of this full type. Raises InvalidResourceId if it is of another type."""
        if not self.is_a(kind):
            raise InvalidResourceId(f"{self} is the id of a {self.type}, not of a {kind}.")
        return str(self)

    def __str__(self) -> str:
        return self._text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ResourceId):
            return NotImplemented
        return self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)
