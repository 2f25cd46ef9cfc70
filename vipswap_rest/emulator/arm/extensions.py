"""Extensions of other resources: locks and permissions, whose ids begin with the id of what they are about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..messages import Json
from .state import State

KINDS = ("locks", "permissions")
_NAMESPACE = "Microsoft.Authorization"


@dataclass(frozen=True)
class Extension:
    """What a path names: `scope` is the id of what it is about; without a name, all of the kind."""

    scope: str
    kind: str
    name: str | None

    @property
    def type(self) -> str:
        """The full type, such as `Microsoft.Authorization/locks`."""
        return f"{_NAMESPACE}/{self.kind}"

    @property
    def id(self) -> str:
        """The id, with ARM's own spelling of the fixed words."""
        return f"{self.scope}/providers/{self.type}" + (f"/{self.name}" if self.name else "")


def parse(segments: tuple[str, ...]) -> Extension | None:
    """The extension that a path of these segments names, or None if it names none."""
    for size in (3, 4):
        scope, tail = segments[:-size], [segment.lower() for segment in segments[-size:]]
        if len(scope) < 2 or len(tail) < size or tail[:2] != ["providers", _NAMESPACE.lower()]:
            continue
        if tail[2] in KINDS:
            return Extension("/" + "/".join(scope), tail[2], segments[-1] if size == 4 else None)
    return None


def parse_id(text: str) -> Extension | None:
    """The extension with this id, or None if it is the id of something else."""
    return parse(tuple(text[1:].split("/"))) if text.lower().startswith("/subscriptions/") else None


def stored(state: State, kind: str) -> Iterator[tuple[str, Json]]:
    """Every extension of a kind that there is: its scope and its body."""
    for body in state.all():
        if f"/{_NAMESPACE}/{kind}/".lower() in body["id"].lower():
            found = parse_id(body["id"])
            if found is not None and found.kind == kind:
                yield found.scope, body


def covers(scope: str, other: str) -> bool:
    """Whether a scope is the other one or above it."""
    return f"{other}/".lower().startswith(f"{scope}/".lower())
