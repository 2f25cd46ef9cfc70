"""What the body of an ARM error says, at any depth of it. Pure.

https://github.com/Azure/azure-resource-manager-rpc/blob/master/v1.0/common-api-details.md#error-response-content:
`error` has code, message, target, details (errors again) and additionalInfo (`{type, info}`: a policy's violation names
its assignment and definition there and nowhere else); OData adds innererror. Some providers put a whole error's JSON
into a message. Keys are read without regard to case.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from vipswap_rest.arm.errors import Detail

# No error of ARM's is deeper or longer; a hostile one is cut there.
DEEPEST, MOST_DETAILS, LONGEST_INFO = 20, 50, 3000

# Of a policy's violation this is what to quote to its owner, so it stands first.
_FIRST = re.compile(r"assignment|definition", re.IGNORECASE)

_STACK = re.compile(r"[\r\n]+\s*at ")


def error_of(body: Any) -> tuple[str, str, tuple[Detail, ...]]:
    """Code, message and details of an ARM error body, whatever of it is there.

    Details are those of `details`, `innererror`, `additionalInfo` and of errors within messages, each followed by its
    own. A target that the message does not name stands behind it. Codes are stripped: some operations were recorded
    with a leading blank (" InternalError").
    """
    outer = _lower(body)
    error = outer.get("error") or outer
    if not isinstance(error, Mapping):
        error = {"message": str(error)}
    error = _lower(error)
    details = []
    for detail in _below(error, 0):
        if detail not in details:
            details.append(detail)
        if len(details) >= MOST_DETAILS:
            break
    return _text(error, "code"), _message(error), tuple(details)


def _below(error: Mapping[str, Any], depth: int) -> Iterator[Detail]:
    """What an error (its keys in lower case) holds besides its own code and message."""
    if depth >= DEEPEST:
        return
    for key in ("details", "innererror", "additionalinfo"):
        held = error.get(key)
        for item in held if isinstance(held, list) else [held]:
            if key == "additionalinfo":
                yield from _information(item)
            elif isinstance(item, Mapping):
                yield from _error(_lower(item), depth)
            elif key == "innererror" and isinstance(item, str) and item.strip():
                # As recorded: an exception's words, and below them the calls it came through.
                yield Detail("", _STACK.split(item.strip())[0].strip())
    yield from _within(_text(error, "message"), depth)


def _error(error: Mapping[str, Any], depth: int) -> Iterator[Detail]:
    told = Detail(_text(error, "code"), _message(error))
    if told.code or told.message:
        yield told
    yield from _below(error, depth + 1)
    if isinstance(error.get("error"), Mapping):
        yield from _error(_lower(error["error"]), depth + 1)


def _within(message: str, depth: int) -> Iterator[Detail]:
    """The error whose JSON is a message, if it is one."""
    if message.startswith("{"):
        try:
            found = json.loads(message)
        except (ValueError, RecursionError):
            return
        yield from _error(_lower(found), depth + 1)


def _information(item: Any) -> Iterator[Detail]:
    """One entry of additionalInfo, every value of it in words."""
    entry = _lower(item)
    info = entry.get("info", {key: value for key, value in entry.items() if key != "type"})
    told = list(dict.fromkeys(_leaves("", info, 0)))
    told.sort(key=lambda leaf: not _FIRST.search(leaf[0]))
    words = ", ".join(f"{name}: {text}" if name else text for name, text in told)
    if words:
        yield Detail(_text(entry, "type") or "additionalInfo", words[:LONGEST_INFO])


def _leaves(name: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    """The values that are neither objects nor lists, each with the key it stands under."""
    if isinstance(value, (Mapping, list)):
        inner = value.items() if isinstance(value, Mapping) else ((name, item) for item in value)
        for key, item in inner if depth < DEEPEST else ():
            yield from _leaves(str(key), item, depth + 1)
    elif value is not None and str(value).strip():
        yield name, str(value).strip()


def _message(error: Mapping[str, Any]) -> str:
    message, target = _text(error, "message"), _text(error, "target")
    if not target or target.lower() in message.lower():
        return message
    return f"{message} (target: {target})".strip()


def _lower(value: Any) -> dict[str, Any]:
    return {str(key).lower(): item for key, item in value.items()} if isinstance(value, Mapping) else {}


def _text(mapping: Mapping[str, Any], key: str) -> str:
    value = mapping.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else ""
