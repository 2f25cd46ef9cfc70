"""What all pictures have in common: matplotlib, without a display and without the user's settings; colours; files."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vipswap_rest.arm.errors import UsageError
from vipswap_rest.extras import install_command
from vipswap_rest.measure.files import check_place, write_whole

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

FORMATS = ("svg", "png")
DPI = 144
EMULATED = " (emulated: not Azure's times)"
_EDGE_IN = 0.2
# How wide a character is, in inches: of a title, of other texts, and of a legend's.
_TITLE_CHARACTER_IN, _CHARACTER_IN, _LEGEND_CHARACTER_IN = 0.115, 0.07, 0.075
_TITLE_LINE_IN, _LINE_IN = 0.26, 0.2


@dataclass(frozen=True, slots=True)
class Layout:
    """How wide a picture is, in inches, with the margins beside its axes. narrow: texts stand above what they name."""

    width_in: float
    left_in: float
    right_in: float
    narrow: bool = False


WIDE = Layout(10.0, 1.55, 0.35)
# As wide as a telephone's screen, with letters that can be read there.
NARROW = Layout(4.8, 1.4, 0.2, narrow=True)

# Okabe and Ito's palette (https://jfly.uni-koeln.de/color/), which is told apart with any kind of colour vision, and
# here by lightness too; its vermilion is kept for what is down.
COLOURS = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#0072B2", "#F0E442")
# Dark enough for small dots.
STRONG = ("#0072B2", "#B35900", "#00795A", "#A0458A")
DOWN, PERHAPS_DOWN = "#8C2D04", "#FDBE98"
INK, FAINT, OTHERS, UNKNOWN = "#222222", "#6B6B6B", "#BBBBBB", "#6B6B6B"
OPERATION, REFUSED = "#4D4D4D", "#D55E00"

_SETTINGS: dict[str, Any] = {
    "font.size": 9.0,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": False,
    "text.parse_math": False,
    "xtick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.color": FAINT,
    "hatch.linewidth": 0.6,
    # Text stays text: it can be searched and read aloud.
    "svg.fonttype": "none",
    "svg.hashsalt": "vipswap",
}


def check_picture(path: Path) -> None:
    """Raise UsageError if no picture can be written there: another extension, no such folder, no matplotlib."""
    _format_of(path)
    check_place(path)
    _require_matplotlib()


def write_picture(figure: Figure, path: Path) -> None:
    """Write it as SVG or PNG, as the file's extension says; whole, or not at all.

    Raises UsageError for another extension or a folder that is not there, VipswapError if writing fails.
    """
    form = _format_of(path)
    check_place(path)
    write_whole(path, _rendered(figure, form))


def as_svg(figure: Figure, prefix: str) -> str:
    """Its <svg> element, for an HTML page. prefix: of every id in it, as a page may hold several."""
    text = _rendered(figure, "svg").decode()
    text = text[text.index("<svg") :]
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = re.sub(r'href="#', f'href="#{prefix}-', text)
    return re.sub(r"url\(#", f"url(#{prefix}-", text)


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """Where figures are made and rendered: matplotlib's own defaults and ours, nothing of the user's."""
    _require_matplotlib()
    with importlib.import_module("matplotlib.style").context(["default", _SETTINGS]), warnings.catch_warnings():
        # A name in a script that the font has not: it is drawn as boxes, in the SVG it is right all the same.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield


def framed(layout: Layout, top_in: float, height_in: float, bottom_in: float) -> tuple[Figure, Axes]:
    """An empty figure with one pair of axes in it: inches above them, of them, and below them. y has no ticks."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    height = top_in + height_in + bottom_in
    figure = Figure(figsize=(layout.width_in, height), facecolor="white")
    FigureCanvasAgg(figure)
    width = 1 - (layout.left_in + layout.right_in) / layout.width_in
    axes = figure.add_axes((layout.left_in / layout.width_in, bottom_in / height, width, height_in / height))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color="#E4E4E4", linewidth=0.7)
    axes.set_axisbelow(True)
    return figure, axes


@dataclass(frozen=True, slots=True)
class Headings:
    """A title and a text below it, in lines that fit a layout. An emulated measurement says so in the title."""

    title: tuple[str, ...]
    below: tuple[str, ...]

    @classmethod
    def of(cls, layout: Layout, title: str, below: str, *, emulated: bool) -> Headings:
        """Both, broken into lines."""
        room = layout.width_in - 2 * _EDGE_IN
        whole = title + (EMULATED if emulated else "")
        return cls(
            tuple(textwrap.wrap(whole, int(room / _TITLE_CHARACTER_IN))),
            tuple(textwrap.wrap(below, int(room / _CHARACTER_IN))),
        )

    @property
    def more_in(self) -> float:
        """How much higher they are than one line each, in inches."""
        return _TITLE_LINE_IN * (len(self.title) - 1) + _LINE_IN * (len(self.below) - 1)

    def add(self, figure: Figure) -> None:
        """Write them at the upper edge."""
        height, left = figure.get_figheight(), _EDGE_IN / figure.get_figwidth()
        at = 0.32
        for line in self.title:
            figure.text(left, 1 - at / height, line, fontsize=13, fontweight="bold", ha="left", va="center")
            at += _TITLE_LINE_IN
        at += 0.30 - _TITLE_LINE_IN
        for line in self.below:
            figure.text(left, 1 - at / height, line, color=FAINT, ha="left", va="center")
            at += _LINE_IN


def add_legend(figure: Figure, entries: Sequence[Artist], columns: int) -> None:
    """At the lower edge, in so many columns."""
    if entries:
        figure.legend(
            handles=entries,
            loc="lower left",
            bbox_to_anchor=(_EDGE_IN / figure.get_figwidth(), 0.08 / figure.get_figheight()),
            ncols=columns,
            frameon=False,
            fontsize=8.5,
            handlelength=1.6,
            columnspacing=1.6,
            borderpad=0,
            borderaxespad=0,
        )


def legend_columns(layout: Layout, labels: Sequence[str]) -> int:
    """All in one row if they fit, else as many as do by the longest label."""
    if not labels:
        return 1
    widths = [len(label) * _LEGEND_CHARACTER_IN + 0.5 for label in labels]
    room = layout.width_in - _EDGE_IN
    return len(labels) if sum(widths) <= room else max(1, int(room / max(widths)))


def width_of(text: Text) -> float:
    """How wide a text is, in pixels of its figure."""
    return float(text.get_window_extent().width)


def pixels_per_unit(axes: Axes) -> float:
    """Pixels for one unit of a linear x axis, once its limits are set."""
    (left, _), (right, _) = axes.transData.transform([(0.0, 0.0), (1.0, 0.0)])
    return float(right - left)


def keep_inside(text: Text, axes: Axes) -> None:
    """Move a text sideways into its axes, as far as it fits."""
    box, frame = text.get_window_extent(), axes.get_window_extent()
    shift = max(frame.x0 - box.x0, 0.0) + min(frame.x1 - box.x1, 0.0)
    if shift:
        x, y = text.get_position()
        pixels, height = axes.transData.transform((x, y))
        moved, _ = axes.transData.inverted().transform((pixels + shift, height))
        text.set_x(moved)


def _rendered(figure: Figure, form: str) -> bytes:
    told: dict[str, None] = {"Software": None}
    if form == "svg":
        told = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    buffer = io.BytesIO()
    with drawing():
        figure.savefig(buffer, format=form, dpi=DPI, metadata=told)
    return buffer.getvalue()


def _format_of(path: Path) -> str:
    form = path.suffix[1:].lower()
    if form not in FORMATS:
        given = f"not as {path.suffix}" if form else "and it has no extension"
        raise UsageError(f"{path} cannot be drawn: a picture is written as .svg or .png, {given}.")
    return form


def _require_matplotlib() -> None:
    try:
        importlib.import_module("matplotlib")
    except ImportError as error:
        raise UsageError(
            "Pictures need matplotlib, and it is not installed.", hint=f"Install it: {install_command('plot')}"
        ) from error
