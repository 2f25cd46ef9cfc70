"""One request to the emulator and the answer to it, as plain values: no socket is needed to make or read them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote

Json = dict[str, Any]
JSON = "application/json; charset=utf-8"

# No resource is nested half as deeply, and a function that walks through a body cannot exhaust the stack.
_DEEPEST = 100
_HOST = re.compile(r"[\w.\-:\[\]]+", re.ASCII)


@dataclass(frozen=True)
class Request:
    """A request as it arrived. `target` is the path with its query, still encoded; header names are lower case.

    `scheme` and the Host header are what the absolute URLs of the answer are built from.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    scheme: str = "http"

    @cached_property
    def path(self) -> str:
        """The path without its query, still encoded."""
        return self.target.partition("?")[0].partition("#")[0]

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """The path's segments, decoded; one slash at the end is ignored, as ARM does."""
        path = self.path[1:] if self.path.startswith("/") else self.path
        return tuple(unquote(part) for part in path.removesuffix("/").split("/"))

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The segments in lower case."""
        return tuple(segment.lower() for segment in self.segments)

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The query's values by lower-case name; of a name that comes twice, the last."""
        pairs = parse_qsl(self.target.partition("?")[2].partition("#")[0], keep_blank_values=True)
        return {name.lower(): value for name, value in pairs}

    @property
    def origin(self) -> str:
        """Scheme and host, such as `http://127.0.0.1:8080`."""
        host = self.headers.get("host", "")
        return f"{self.scheme}://{host if _HOST.fullmatch(host) else 'localhost'}"


@dataclass(frozen=True)
class Answer:
    """What goes back: status, headers by their name as sent, and the body's bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    def json(self) -> Any:
        """The body as JSON; None if there is none."""
        return json.loads(self.body) if self.body else None


def decode(content: bytes) -> Any:
    """The value that a body says. Raises ValueError with the reason if it is no JSON that could be said again."""
    try:
        value = json.loads(content, parse_constant=_no_number)
        if b"\\u" in content:
            encode(value)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except UnicodeEncodeError as error:
        raise ValueError("it holds half a character") from error
    level = [value]
    for _ in range(_DEEPEST):
        level = [inner for one in level for inner in _members(one)]
        if not level:
            return value
    raise ValueError("it is nested too deeply")


def _members(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON's")


def encode(value: Any) -> bytes:
    """Compact JSON: what ARM has sent since 2024 (before that: pretty-printed with CRLF)."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def json_answer(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer with a JSON body, and further headers."""
    return Answer(status, {"Content-Type": JSON, **(headers or {})}, encode(body))
