#!/usr/bin/env python3
"""Write what the code knows into the pages: findings, exit codes, options, names, api-versions, the custom role.

    scripts/write_docs.py [--check]

Each part stands between `<!-- generated: NAME -->` and `<!-- end of generated: NAME -->` in a page of docs/. With
--check nothing is written, and the exit code is 1 if a page differs from the code.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import vipswap_rest  # noqa: E402
from vipswap_rest import methods, switchover  # noqa: E402
from vipswap_rest.arm import clouds, network  # noqa: E402
from vipswap_rest.arm.ids import ResourceId  # noqa: E402
from vipswap_rest.cli.exit_codes import EXIT_CODES  # noqa: E402
from vipswap_rest.cli.main import _VERBS, parser  # noqa: E402
from vipswap_rest.methods.vip_swap.model import Pair  # noqa: E402
from vipswap_rest.methods.vip_swap.permissions import needs  # noqa: E402
from vipswap_rest.methods.vip_swap.reconcile import Opening  # noqa: E402
from vipswap_rest.switchover.report import Side  # noqa: E402

# What preflight reads, and how an operation is followed; `needs` has what a swap writes.
_READS = (
    "Microsoft.Authorization/locks/read",
    "Microsoft.Authorization/permissions/read",
    "Microsoft.Network/loadBalancers/loadBalancingRules/health/action",
    "Microsoft.Network/locations/operationResults/read",
    "Microsoft.Network/locations/operations/read",
    "Microsoft.Network/locations/usages/read",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
)
_SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000000"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    def line(cells: Iterable[str]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    return "\n".join([line(head), f"|{'---|' * len(head)}", *map(line, rows)])


def codes_of(table: str) -> dict[str, str]:
    """The codes of every method's table of this name (ERRORS, STRUCTURAL, WARNINGS, INFORMATION)."""
    found: dict[str, str] = {}
    for part in (methods, switchover):
        for module in pkgutil.walk_packages(part.__path__, f"{part.__name__}."):
            found |= getattr(importlib.import_module(module.name), table, {})
    return found


def findings() -> str:
    """Every finding, by severity."""

    def part(title: str, text: str, codes: Mapping[str, str]) -> str:
        return f"## {title}\n\n{text}\n\n" + _table(("code", "meaning"), ((f"`{code}`", codes[code]) for code in codes))

    return "\n\n".join(
        [
            part("Errors", "Each can be ignored by `--ignore CODE`.", codes_of("ERRORS")),
            part(
                "Errors that cannot be ignored",
                "There is nothing to swap, or vipswap would have to guess.",
                codes_of("STRUCTURAL"),
            ),
            part("Warnings", "Shown before it is asked, and by `plan`.", codes_of("WARNINGS")),
            part("Information", "Shown by `plan`.", codes_of("INFORMATION")),
        ]
    )


def exit_codes() -> str:
    """Every exit code, and what to do after it."""
    rows = ((str(one.code), one.meaning, one.then) for one in EXIT_CODES)
    return _table(("code", "meaning", "then"), rows)


def commands() -> str:
    """Every verb with its options."""
    parts = [_table(("verb", "what it does"), ((f"[`{name}`](#vipswap-{name})", text) for name, *_, text in _VERBS))]
    for name, *_, text in _VERBS:
        rows = [(title, _shown(action), _help(action)) for title, action in _options(name)]
        parts.append(f"## vipswap {name}\n\n{text[0].upper()}{text[1:]}.")
        if rows:
            parts.append(_table(("group", "option", "meaning"), rows))
    return "\n\n".join(parts)


def _options(verb: str) -> Iterator[tuple[str, argparse.Action]]:
    (verbs,) = [one for one in parser(verb)._actions if isinstance(one, argparse._SubParsersAction)]
    found = verbs.choices[verb]
    found.format_help()  # brings the groups into their order
    for group in found._action_groups:
        for action in group._group_actions:
            if not isinstance(action, argparse._HelpAction):
                yield {"positional arguments": "", "options": ""}.get(str(group.title), str(group.title)), action


def _shown(action: argparse.Action) -> str:
    value = action.metavar or (
        "{" + ",".join(map(str, action.choices)) + "}" if action.choices else action.dest.upper()
    )
    if not action.option_strings:
        return f"`{value}`"
    names = ", ".join(action.option_strings)
    return f"`{names}`" if action.nargs == 0 else f"`{names} {value}`"


def _help(action: argparse.Action) -> str:
    return (action.help or "") % {**vars(action), "prog": "vipswap"}


def names() -> str:
    """Every exported name."""
    rows = ((f"`{name}`", _sentence(getattr(vipswap_rest, name))) for name in vipswap_rest.__all__)
    return _table(("name", "what it is"), rows)


def _sentence(value: object) -> str:
    """The first sentence of a docstring."""
    text = " ".join((inspect.getdoc(value) or "").split("\n\n")[0].split())
    return re.split(r"(?<=\.) (?=[A-Z`])", text)[0]


def network_functions() -> str:
    """Every public function of `network`."""
    found = [
        (name, value)
        for name, value in inspect.getmembers(network, inspect.isfunction)
        if value.__module__ == network.__name__ and not name.startswith("_")
    ]
    found.sort(key=lambda one: one[1].__code__.co_firstlineno)
    rows = ((f"`{name}({', '.join(inspect.signature(value).parameters)})`", _sentence(value)) for name, value in found)
    return _table(("function", "what it does"), rows)


def api_versions() -> str:
    """Every pin with its reason: the comment above its row; rows without one share that of the row before."""
    source = inspect.getsource(clouds)
    block = source.partition("API_VERSIONS: dict[str, str] = {\n")[2].partition("\n}")[0]
    reason, fresh, rows = "", True, []
    for line in map(str.strip, block.splitlines()):
        if line.startswith("#"):
            reason, fresh = (line[2:] if fresh else f"{reason} {line[2:]}"), False
        elif row := re.fullmatch(r'"(\w+)": "([\d-]+\w*)",', line):
            rows.append((f"`{row[1]}`", f"`{row[2]}`", reason))
            fresh = True
    assert {row[0].strip("`") for row in rows} == set(clouds.API_VERSIONS), "a row of API_VERSIONS is not read"
    return _table(("calls", "api-version", "why"), rows)


def role() -> str:
    """The custom role: what a swap needs, by every way."""
    group = f"{_SUBSCRIPTION}/resourceGroups/GROUP/providers/Microsoft.Network"
    balancers = {side: ResourceId.parse(f"{group}/loadBalancers/{side.value}") for side in Side}
    frontends = {side: ResourceId.parse(f"{one}/frontendIPConfigurations/frontend") for side, one in balancers.items()}
    addresses = {side: ResourceId.parse(f"{group}/publicIPAddresses/{side.value}") for side in Side}
    float_ = ResourceId.parse(f"{group}/publicIPAddresses/float")
    pair = Pair(frontends, addresses, float_)
    actions = {need.action for opening in Opening for need in needs(pair, opening)} | set(_READS)
    told = {
        "Name": "VIP swap",
        "Description": "Exchange the public IP addresses of two load balancers with vipswap.",
        "Actions": sorted(actions),
        "NotActions": [],
        "AssignableScopes": [_SUBSCRIPTION],
    }
    return f"```json\n{json.dumps(told, indent=2)}\n```"


# Each part, and the page that it stands in.
PARTS: dict[str, tuple[str, Callable[[], str]]] = {
    "findings": ("findings.md", findings),
    "exit codes": ("runbook.md", exit_codes),
    "commands": ("commands.md", commands),
    "names": ("library.md", names),
    "network": ("library.md", network_functions),
    "api-versions": ("library.md", api_versions),
    "role": ("permissions.md", role),
}


def written(page: str, name: str, part: str) -> str:
    """A page's text with one part in its place. Raises ValueError if the page has no place for it."""
    begin, end = f"<!-- generated: {name} -->", f"<!-- end of generated: {name} -->"
    head, found, rest = page.partition(begin)
    _, ended, tail = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"There is no place for the generated part {name!r}.")
    return f"{head}{begin}\n\n{part}\n\n{end}{tail}"


def main() -> int:
    """Write the pages, or check them."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--check", action="store_true", help="write nothing; exit 1 if a page differs")
    check = arguments.parse_args().check
    differ = 0
    for page in sorted({page for page, _ in PARTS.values()}):
        path = ROOT / "docs" / page
        before = after = path.read_text(encoding="utf-8")
        for name, (home, part) in PARTS.items():
            if home == page:
                after = written(after, name, part())
        if before != after:
            differ += 1
            print(f"{path.relative_to(ROOT)} {'differs from the code' if check else 'is written'}")
            if not check:
                path.write_text(after, encoding="utf-8")
    return 1 if check and differ else 0


if __name__ == "__main__":
    raise SystemExit(main())
