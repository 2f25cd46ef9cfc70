"""Colour for people: on a terminal, by rich if it is installed, and not where NO_COLOR or TERM=dumb asks for none."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys


def on_terminal() -> bool:
    """Whether stderr is a terminal that can redraw lines."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def painted(text: str, style: str) -> str:
    """A line for stderr in a style of rich's, such as `bold red`; as it is where there is no colour.

    https://no-color.org: any value of NO_COLOR but the empty one counts.
    """
    if not on_terminal() or os.environ.get("NO_COLOR") or importlib.util.find_spec("rich") is None:
        return text
    styles, colors = importlib.import_module("rich.style"), importlib.import_module("rich.color")
    told: str = styles.Style.parse(style).render(text, color_system=colors.ColorSystem.STANDARD)
    return told
