"""The pages' blocks of code: what stands in them, and the markers that say what a block needs or why it is not run.

A marker is an HTML comment above a block, with nothing but blank lines between them:

    <!-- not run: REASON -->     this block cannot run here
    <!-- given: SITUATION -->    the situation that the block, and what follows it, needs (`situations.py`)
    <!-- exits: N -->            each of its lines ends with this exit code
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

# What is run, and what only is shown.
RUN = {"sh", "console", "python"}
SHOWN = {"json", "text"}
_MARKER = re.compile(r"<!-- (not run|given|exits): (.+) -->")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: the number of its first line, its language, its text, and its markers."""

    line: int
    language: str
    text: str
    markers: dict[str, str] = field(default_factory=dict)

    @property
    def commands(self) -> list[str]:
        """The command lines of a block of sh, or those after `$ ` of a console; a backslash continues a line."""
        joined = self.text.replace("\\\n", " ")
        if self.language == "console":
            return [line[2:] for line in joined.splitlines() if line.startswith("$ ")]
        return [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]

    @property
    def units(self) -> int:
        """How many things there are to run in it."""
        return 1 if self.language == "python" else len(self.commands)


def blocks_of(page: str) -> Iterator[Block]:
    """The fenced blocks of a page, in their order."""
    markers: dict[str, str] = {}
    fence: tuple[int, str] | None = None
    inside: list[str] = []
    for number, line in enumerate(page.splitlines(), 1):
        if fence is not None:
            if line.startswith("```"):
                yield Block(fence[0], fence[1], "\n".join(inside), markers)
                fence, inside, markers = None, [], {}
            else:
                inside.append(line)
        elif line.startswith("```"):
            fence = (number, line[3:].strip())
        elif marker := _MARKER.fullmatch(line.strip()):
            markers[marker[1]] = marker[2]
        elif line.strip():
            markers = {}


def read(page: Path) -> list[Block]:
    """The blocks of a page's file."""
    return list(blocks_of(page.read_text(encoding="utf-8")))
