"""The form of a body: whether ARM could parse it at all, before any rule looks at what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..messages import Json
from .errors import unparsable

_INT32 = 2**31
REFERENCE = {"id": str}
COMMON: Json = {"location": str, "tags": {}, "sku": {"name": str, "tier": str}}

TAGS: Json = {"tags": {}}
ANY: Json = {"location": str, "tags": {}, "properties": {}}


def check(body: Json, shape: Json) -> None:
    """Refuse a body whose known properties are not of their type. null counts as absent, the unknown passes.

    Raises ArmError 400 InvalidRequestFormat; recorded: the first of its details names value and path like here.
    """
    reasons = list(_wrong(body, shape, ""))
    if reasons:
        raise unparsable(*reasons)


def _wrong(value: Any, shape: Any, path: str) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if isinstance(shape, Mapping):
        if not isinstance(value, dict):
            yield "InvalidJson", f"Cannot deserialize the current JSON value into an object. Path '{path}'."
            return
        if shape is REFERENCE and value.get("id") is None:
            # ARM: an empty reference is none at all (code and text from users' reports).
            yield "MissingJsonReferenceId", f"Value for reference id is missing. Path {path}."
        for key, inner in shape.items():
            yield from _wrong(value.get(key), inner, f"{path}.{key}" if path else key)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield "InvalidJson", f"Cannot deserialize the current JSON value into an array. Path '{path}'."
            return
        for index, item in enumerate(value):
            if item is None:
                yield "InvalidJson", f"The array holds null. Path '{path}[{index}]'."
            yield from _wrong(item, shape[0], f"{path}[{index}]")
    elif shape is int:
        if isinstance(value, bool) or not isinstance(value, int):
            yield "InvalidJson", f"Could not convert the value to an Int32. Path '{path}'."
        elif not -_INT32 <= value < _INT32:
            yield "InvalidJson", f"JSON integer {value} is too large or small for an Int32. Path '{path}'."
    elif not isinstance(value, shape):
        yield "InvalidJson", f"Could not convert the value to a string. Path '{path}'."


def without_nulls(value: Any) -> Any:
    """`value` without its members that are null: to ARM they are as good as absent."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value
