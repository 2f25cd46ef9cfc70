"""The file of a fleet: which pairs are to be swapped, each with its goal. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from vipswap_rest.arm.errors import Refused, UsageError
from vipswap_rest.arm.ids import InvalidResourceId, ResourceId
from vipswap_rest.methods.vip_swap.naming import load_balancer_id
from vipswap_rest.methods.vip_swap.resolve import Target


@dataclass(frozen=True, slots=True)
class Entry:
    """One pair of the file. `vip` is the goal: this address on `lb2`; None where it is still to be found out."""

    lb1: str
    lb2: str
    vip: str | None = None
    resource_group: str | None = None
    frontend1: str | None = None
    frontend2: str | None = None
    subscription: str | None = None
    wave: int = 0
    name: str = ""

    @property
    def target(self) -> Target:
        """What is to be swapped."""
        return Target(self.lb1, self.lb2, self.resource_group, (self.frontend1, self.frontend2), self.vip)

    def home(self, otherwise: str) -> str:
        """The subscription of the pair: the one it names, that of its first load balancer's id, or the other one.

        Raises UsageError.
        """
        if self.subscription is None and self.lb1.startswith("/"):
            try:
                return ResourceId.parse(self.lb1).subscription
            except InvalidResourceId as error:
                raise UsageError(str(error)) from error
        return self.subscription or otherwise

    def as_json(self) -> dict[str, Any]:
        """The pair as the file has it, without what is not said."""
        return {key: value for key, value in asdict(self).items() if value is not None}


# Stands for the subscription of the pairs that name none.
_UNNAMED = "00000000-0000-0000-0000-000000000000"
_KEYS = frozenset(field.name for field in fields(Entry))


def read_fleet(text: str, *, goals: bool = True) -> tuple[Entry, ...]:
    """The pairs of a file: JSON `{"pairs": [...]}`, or CSV with the keys as its header.

    With `goals` each must name its `vip`. Raises UsageError that names the pair (by its number, from 1).
    """
    entries = []
    for number, told in enumerate(_told(text), 1):
        entry = _entry(told, f"pair {number}")
        if goals and entry.vip is None:
            raise UsageError(
                f"pair {number} has no vip: the address that its lb2 should hold.",
                hint="`vipswap fleet FILE --resolve` prints the file with what production holds now filled in.",
            )
        entries.append(entry)
    if not entries:
        raise UsageError("The file holds no pair.")
    _check_apart(entries)
    names = [entry.name for entry in entries]
    for number, name in enumerate(names, 1):
        if name in names[: number - 1]:
            raise UsageError(f"pair {number} has the name of another one: {name}.", hint="Give each pair its own name.")
    return tuple(entries)


def _check_apart(entries: Sequence[Entry]) -> None:
    """Raise UsageError where a load balancer is in two pairs, or is no name."""
    seen: dict[ResourceId, int] = {}
    for number, entry in enumerate(entries, 1):
        try:
            ids = [
                load_balancer_id(text, entry.home(_UNNAMED), entry.resource_group) for text in (entry.lb1, entry.lb2)
            ]
        except (UsageError, Refused) as error:
            raise UsageError(f"pair {number}: {error.message}", hint=error.hint) from error
        for id in ids:
            if id in seen:
                raise UsageError(f"pair {number} and pair {seen[id]} have a load balancer in common: {id.name}.")
        seen |= dict.fromkeys(ids, number)


def _told(text: str) -> Iterator[Mapping[str, Any]]:
    if text.lstrip().startswith(("{", "[")):
        try:
            told = json.loads(text)
        except ValueError as error:
            raise UsageError(f"The file is not JSON: {error}.") from error
        pairs = told.get("pairs") if isinstance(told, dict) else None
        if not isinstance(pairs, list) or set(told) != {"pairs"}:
            raise UsageError('The file must be {"pairs": [...]} and no more.')
        for number, one in enumerate(pairs, 1):
            if not isinstance(one, dict):
                raise UsageError(f"pair {number} is not a JSON object.")
            yield one
        return
    rows = csv.DictReader(io.StringIO(text))
    if not rows.fieldnames or not {"lb1", "lb2"} <= set(rows.fieldnames):
        raise UsageError("The file is neither JSON nor CSV with a header that names lb1 and lb2.")
    for row in rows:
        if None in row or None in row.values():
            raise UsageError(f"line {rows.line_num} has not as many values as the header has names.")
        yield {key: value for key, value in row.items() if value != ""}


def _entry(told: Mapping[str, Any], where: str) -> Entry:
    unknown = sorted(set(told) - _KEYS)
    if unknown:
        raise UsageError(f"{where} has an unknown key: {unknown[0]}.", hint=f"Known: {', '.join(sorted(_KEYS))}.")
    values = dict(told)
    try:
        wave = int(str(values.pop("wave", 0)))
    except ValueError:
        raise UsageError(f"the wave of {where} is not a whole number: {told['wave']!r}.") from None
    for key, value in values.items():
        if not isinstance(value, str) or not value.strip():
            raise UsageError(f"{key} of {where} is not a text: {value!r}.")
    for key in ("lb1", "lb2"):
        if key not in values:
            raise UsageError(f"{where} has no {key}.")
    values.setdefault("name", "-".join(values[key].rpartition("/")[2] for key in ("lb1", "lb2")))
    return Entry(**values, wave=wave)
