"""The contrast of the report page and its pictures, by WCAG 2.2's formula: 4.5 for text (criterion 1.4.3).

https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
"""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from vipswap_rest.measure.pictures import canvas

ENOUGH = 4.5
CSS = files("vipswap_rest.measure.experiment").joinpath("page.css").read_text(encoding="utf-8")
# What is written on what, by the page's names of colours.
PAIRS = [("ink", "ground"), ("ink", "card"), ("faint", "ground"), ("faint", "card"), ("warn", "warnground")]


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(one * 2 for one in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def schemes() -> dict[str, dict[str, str]]:
    """The page's colours in light, in dark, and in print."""
    blocks = [dict(re.findall(r"--(\w+): (#\w+)", block)) for block in re.findall(r":root \{([^}]*)\}", CSS)]
    return dict(zip(("light", "dark", "print"), blocks, strict=True))


def test_the_formula_is_wcags() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777", "#fff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", schemes())
def test_the_pages_texts_can_be_read(scheme: str) -> None:
    colours = schemes()[scheme]

    assert {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in PAIRS} == {
        pair: pytest.approx(21, abs=21 - ENOUGH) for pair in PAIRS
    }


@pytest.mark.parametrize("colour", ["INK", "FAINT", "DOWN"])
def test_the_pictures_texts_can_be_read(colour: str) -> None:
    assert contrast(getattr(canvas, colour), "#ffffff") >= ENOUGH


def test_names_on_bars_can_be_read() -> None:
    assert all(contrast(canvas.INK, colour) >= ENOUGH for colour in (*canvas.COLOURS[:4], canvas.OTHERS))
    assert contrast("#ffffff", canvas.OPERATION) >= ENOUGH
