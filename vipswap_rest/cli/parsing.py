"""The command line's parser: options in groups, examples below, and the nearest word for a slip."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterator
from typing import Any, NoReturn

# Which group of the help an option stands in, by its long name; in the order of the help.
GROUPS: dict[str, tuple[str, ...]] = {
    "what to switch": (
        *(
            "--resource-group",
            "--lb1",
            "--lb2",
            "--frontend1",
            "--frontend2",
            "--vip",
            "--all",
            "--resolve",
            "--targets",
        ),
        *("--lb", "--gateway", "--to", "--to-settings", "--rule", "--targets"),
    ),
    "how": (
        *("--strategy", "--strategies", "--float-on", "--float-tag", "--max-parallel", "--trials", "--allow-few"),
        *("--polite", "--plan", "--yes", "--location", "--with", "--size", "--ssh-key", "--print"),
    ),
    "safety": (
        *("--ignore", "--allow-address-change", "--no-rollback", "--max-outage", "--max-failures", "--health"),
        "--verify-timeout",
    ),
    "measuring": (
        "--no-probe",
        "--probe-url",
        "--interval",
        "--duration",
        "--hold",
        "--timeline",
        "--out",
        "--report",
        "--seed",
    ),
    "connection": (*("--subscription", "--endpoint", "--cloud", "--api-version", "--ca-file", "--request-timeout"),),
    "output": ("--output", "--events", "--debug"),
}
_GROUP_OF = {name: title for title, names in GROUPS.items() for name in names}


class Parser(argparse.ArgumentParser):
    """A parser whose options stand in the groups of the table, and whose refusals name the nearest word there is."""

    def __init__(self, *, examples: tuple[str, ...] = (), **options: Any) -> None:
        shown = "\n".join(f"  {line}" for line in examples)
        super().__init__(
            epilog=f"examples:\n{shown}" if examples else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **options,
        )
        self._titled: dict[str, argparse._ArgumentGroup] = {}

    def add_argument(self, *names: Any, **options: Any) -> argparse.Action:
        """Add an option to the group that the table has it in."""
        title = _GROUP_OF.get(str(names[-1])) if names else None
        if title is None:
            return super().add_argument(*names, **options)
        if title not in self._titled:
            self._titled[title] = self.add_argument_group(title)
        return self._titled[title].add_argument(*names, **options)

    def format_help(self) -> str:
        """The help, its groups in the table's order."""
        order = {title: number for number, title in enumerate(GROUPS)}
        self._action_groups.sort(key=lambda group: order.get(str(group.title), -1))
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        """Exit 2, with the nearest verb, option or word for one that is not known."""
        wrong = re.search(r"invalid choice: '([^']+)'|unrecognized arguments: (\S+)", message)
        slip = (wrong[1] or wrong[2]).partition("=")[0] if wrong else ""
        near = difflib.get_close_matches(slip, [*self._words()], 1) if slip else []
        super().error(f"{message}{f' - did you mean {near[0]}?' if near else ''}")

    def _words(self) -> Iterator[str]:
        """Every verb and option of this parser, of its verbs, and the words they take."""
        for action in self._actions:
            yield from action.option_strings
            if isinstance(action, argparse._SubParsersAction):
                for name, verb in action.choices.items():
                    yield name
                    yield from verb._words()
            elif action.choices:
                yield from map(str, action.choices)
