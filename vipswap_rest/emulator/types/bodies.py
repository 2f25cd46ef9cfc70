"""The readers of body_table.py: a body as a PUT leaves it, and as an api-version shows it.

The emulator keeps bodies as the newest api-version shows them. Recorded: the same address read through 2018-01-01 has
no sku.tier, through 2020-07-01 it has.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from ..arm.addresses import PUBLIC_IPS
from ..arm.state import listed, properties_of
from ..messages import Json
from .body_table import SKU, TABLE, Row
from .load_balancers import parts as lb
from .scale_sets import model as scale_sets

_ROWS: dict[str, tuple[Row, ...]] = {
    kind: tuple(row for row in TABLE if row.kind == kind) for kind in {row.kind: None for row in TABLE}
}
# From here on every api-version shows the same.
_SETTLED = max(version for row in TABLE for span in row.shown for version in span)


def complete(kind: str, sent: Json, before: Json, *, basic: bool = False) -> Json:
    """The properties `sent` for a body of this kind as ARM stores them, all but its state; `before`: those it had.

    `basic`: whether its SKU is Basic.
    """
    found = {key: value for key, value in sent.items() if key != "provisioningState"}
    for row in _ROWS.get(kind, ()):
        if row.server is not None:
            found.pop(row.key, None)
            if row.server == "kept" and row.key in before:
                found[row.key] = before[row.key]
        elif row.where(found):
            _say(row, found, basic=basic)
    return found


def _say(row: Row, found: Json, *, basic: bool) -> None:
    value = found.get(row.key)
    if isinstance(value, str):
        found[row.key] = next((word for word in row.words if word.lower() == value.lower()), value)
    if row.adds is None:
        return
    if row.current and (row.basic or not basic):
        found.setdefault(row.key, copy.deepcopy(row.adds))
    elif found.get(row.key) == row.adds:
        # Sent although ARM does not show it: taken, and forgotten.
        del found[row.key]


def render(body: Json, api_version: str) -> Json:
    """`body`, or a list of bodies, as this api-version shows it: the very object, or a changed copy."""
    version = api_version[:10]
    if version >= _SETTLED:
        return body
    if "type" not in body and isinstance(body.get("value"), list):
        return {**body, "value": [render(one, version) if isinstance(one, dict) else one for one in body["value"]]}
    shown = copy.deepcopy(body)
    for kind, holder in _parts(shown):
        for row in _ROWS.get(kind, ()):
            _show(row, holder, version)
    return shown


def _show(row: Row, holder: Json, version: str) -> None:
    if row.server is not None or not row.where(holder):
        return
    if row.current and not row.shown_by(version):
        holder.pop(row.key, None)
    elif not row.current and row.shown_by(version):
        holder.setdefault(row.key, copy.deepcopy(row.adds))


def _parts(body: Json) -> Iterator[tuple[str, Json]]:
    """A resource, or a load balancer's child read by itself, with all in it that the table has rows for."""
    for kind, reads in _READERS.items():
        if str(body.get("type", "")).lower() == kind.lower():
            yield from reads(body)
            return
    parent, _, own = str(body.get("type", "")).rpartition("/")
    if parent.lower() == lb.NAME.lower():
        yield from ((kind, properties_of(body)) for kind in lb.COLLECTIONS if kind.lower() == own.lower())


def _resource(kind: str, body: Json) -> Iterator[tuple[str, Json]]:
    if isinstance(body.get("sku"), dict):
        yield SKU, body["sku"]
    yield kind, properties_of(body)


def _balancer(body: Json) -> Iterator[tuple[str, Json]]:
    yield from _resource(lb.NAME, body)
    for kind in lb.COLLECTIONS:
        yield from ((kind, properties_of(child)) for child in listed(properties_of(body), kind))


_READERS: dict[str, Callable[[Json], Iterator[tuple[str, Json]]]] = {
    lb.NAME: _balancer,
    PUBLIC_IPS: lambda body: _resource(PUBLIC_IPS, body),
    scale_sets.NAME: lambda body: iter([(scale_sets.NAME, body)]),
}


def same(one: Json, other: Json) -> bool:
    """Whether two bodies say the same but for what only the server sets."""
    return bool(_bare(one) == _bare(other))


def _bare(value: Any) -> Any:
    """`value` without the etags and states in it, which no user sets."""
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items() if key not in ("etag", "provisioningState")}
    return [_bare(item) for item in value] if isinstance(value, list) else value
