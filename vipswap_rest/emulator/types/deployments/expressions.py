"""The expressions of a template, as far as small templates need them.

https://learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions
A function that is not here is refused: nothing is deployed that was not understood.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+)|(?P<name>[A-Za-z_]\w*)|(?P<mark>[().,\[\]]))")

Functions = Mapping[str, Callable[..., Any]]


class BadExpression(ValueError):
    """An expression that cannot be computed; the message is one sentence."""


def evaluate(value: Any, functions: Functions) -> Any:
    """`value` with every expression in it computed. Raises BadExpression."""
    if isinstance(value, dict):
        return {name: evaluate(inner, functions) for name, inner in value.items()}
    if isinstance(value, list):
        return [evaluate(inner, functions) for inner in value]
    if not isinstance(value, str) or not value.startswith("[") or not value.endswith("]"):
        return value
    return value[1:] if value.startswith("[[") else _Reader(value[1:-1], functions).read()


class _Reader:
    """One expression, read from left to right."""

    def __init__(self, text: str, functions: Functions) -> None:
        self._text, self._functions = text, functions
        self._at = 0

    def read(self) -> Any:
        value = self._value()
        if self._text[self._at :].strip():
            raise BadExpression(f"The expression '{self._text}' is not valid.")
        return value

    def _value(self) -> Any:
        kind, token = self._next()
        if kind == "text":
            value: Any = token[1:-1].replace("''", "'")
        elif kind == "number":
            value = int(token)
        elif kind == "name" and self._peek() == "(":
            value = self._call(token)
        else:
            raise BadExpression(f"The expression '{self._text}' is not valid.")
        while (mark := self._peek()) in (".", "["):
            self._next()
            key = self._next()[1] if mark == "." else self._value()
            if mark == "[":
                self._next()
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError) as error:
                raise BadExpression(f"The property '{key}' does not exist in '{self._text}'.") from error
        return value

    def _call(self, name: str) -> Any:
        self._next()
        arguments = []
        while self._peek() != ")":
            arguments.append(self._value())
            if self._peek() == ",":
                self._next()
        self._next()
        found = next((made for known, made in self._functions.items() if known.lower() == name.lower()), None)
        if found is None:
            raise BadExpression(f"The template function '{name}' is not valid.")
        try:
            return found(*arguments)
        except (TypeError, KeyError, IndexError) as error:
            raise BadExpression(f"The template function '{name}' is not valid for its arguments.") from error

    def _next(self) -> tuple[str, str]:
        found = _TOKEN.match(self._text, self._at)
        if found is None or found.lastgroup is None:
            raise BadExpression(f"The expression '{self._text}' is not valid.")
        self._at = found.end()
        return found.lastgroup, found[found.lastgroup]

    def _peek(self) -> str:
        found = _TOKEN.match(self._text, self._at)
        return found[found.lastgroup] if found is not None and found.lastgroup is not None else ""


def unique(*parts: Any) -> str:
    """Thirteen letters and digits that are the same for the same parts."""
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:13]


def concat(*parts: Any) -> Any:
    """Texts, or lists, one after the other."""
    if parts and isinstance(parts[0], list):
        return [item for part in parts for item in part]
    return "".join(map(str, parts))
