"""The picture of one swap: who answered on each address, when it was down, and what ARM was doing meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from vipswap_rest.measure import quantities
from vipswap_rest.measure.pictures import canvas
from vipswap_rest.measure.pictures.scene import Down, Lane, Scene, scene
from vipswap_rest.measure.recording import Recording, TimedWrite

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

# Heights in units: a lane with its bar and the texts above it, or with one line of text more; one operation is a row.
LANE, LANE_OF_MANY, BAR, ROW = 3.0, 3.7, 1.0, 1.0
# Where an operation's name stands above its bar.
NARROW_ROW = 1.7
_UNIT_IN = 0.24
_TEXT_ROWS = 2
MOST_OPERATIONS = 40
# More answerers than colours, or backends that take turns: then it is no more who, but that somebody answers.
MOST_RUNS = 200
# More outages than that are one shape.
MOST_DOWNS = 200
_LONGEST_NAME = 30
_TOP_IN, _BOTTOM_IN = 0.95, 0.7
SOMEBODY = "several, in turns"
NAMELESS = "answers without a name"


def timeline(recording: Recording, layout: canvas.Layout = canvas.WIDE) -> Figure:
    """Draw one swap. Both addresses are lanes over one axis of seconds; below, on the same axis, the operations.

    Raises UsageError if matplotlib is not installed.
    """
    drawn = scene(recording)
    heights = [LANE_OF_MANY if len(lane.downs) > _TEXT_ROWS else LANE for lane in drawn.lanes]
    row = NARROW_ROW if layout.narrow else ROW
    units = sum(heights) + 0.6 + max(1, min(len(drawn.operations), MOST_OPERATIONS)) * row
    headings = _headings(layout, recording)
    with canvas.drawing():
        colours = _colours(drawn)
        legend = _legend(drawn, colours)
        columns = canvas.legend_columns(layout, [str(entry.get_label()) for entry in legend])
        bottom = _BOTTOM_IN + 0.2 * -(-len(legend) // columns)
        figure, axes = canvas.framed(layout, _TOP_IN + headings.more_in, units * _UNIT_IN, bottom)
        axes.set_xlim(drawn.begin, drawn.end)
        axes.set_ylim(units, 0)
        axes.set_xlabel(f"seconds since {'the first operation' if drawn.operations else 'the recording'} began")
        axes.axvline(0, color=canvas.FAINT, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
        for lane, below in zip(drawn.lanes, accumulate(heights), strict=True):
            _draw_lane(axes, drawn, lane, below - BAR - 0.3, colours)
        _draw_operations(axes, drawn, sum(heights) + 0.6, row)
        headings.add(figure)
        canvas.add_legend(figure, legend, columns)
    return figure


def _headings(layout: canvas.Layout, recording: Recording) -> canvas.Headings:
    report = recording.report
    outcome = str(report.get("outcome")).replace("_", " ")
    title = f"{'Flip' if 'rules' in report else 'Swap'} by {report.get('strategy') or 'an unknown strategy'}: {outcome}"
    every = quantities.seconds(recording.interval_s)
    said = f"{recording.started_at}; each address is asked every {every}, by a new connection, from one place"
    return canvas.Headings.of(layout, title, said, emulated=recording.emulated)


def _colours(drawn: Scene) -> dict[str | None, str]:
    """A colour for each answerer, in the order of appearance; one for all where they are too many."""
    names = list(dict.fromkeys(run.who for lane in drawn.lanes for run in lane.answering))
    runs = sum(len(lane.answering) for lane in drawn.lanes)
    if len(names) > len(canvas.COLOURS) or runs > MOST_RUNS:
        return dict.fromkeys(names, canvas.OTHERS)
    return dict(zip(names, canvas.COLOURS, strict=False))


def _several(colours: Mapping[str | None, str]) -> bool:
    return canvas.OTHERS in colours.values()


def _draw_lane(axes: Axes, drawn: Scene, lane: Lane, y: float, colours: Mapping[str | None, str]) -> None:
    """y: the top of its bar."""
    middle = y + BAR / 2
    side = axes.text(
        -0.012, middle - 0.05, lane.side, transform=axes.get_yaxis_transform(), ha="right", va="bottom", clip_on=False
    )
    side.set_fontweight("bold")
    address = quantities.shortened(lane.address or "address unknown", 22)
    axes.text(-0.012, middle + 0.05, address, transform=axes.get_yaxis_transform(), ha="right", va="top")
    _draw_runs(axes, lane, y, colours)
    for number, window in enumerate(lane.unknown, 1):
        axes.broken_barh(
            [(window.begin, window.end - window.begin)],
            (y, BAR),
            facecolor="white",
            edgecolor=canvas.UNKNOWN,
            hatch="//////",
            linewidth=0.5,
            zorder=5,
            gid=f"{lane.side}-unknown-{number}",
        )
    if len(lane.downs) > MOST_DOWNS:
        _draw_downs(axes, lane.downs, y, f"{lane.side}-outages")
    else:
        for number, down in enumerate(lane.downs, 1):
            _draw_downs(axes, [down], y, f"{lane.side}-outage-{number}")
    _draw_open_ends(axes, drawn, lane.downs, y)
    _write_above(axes, drawn, lane, y)


def _draw_runs(axes: Axes, lane: Lane, y: float, colours: Mapping[str | None, str]) -> None:
    spans: dict[str | None, list[tuple[float, float]]] = {}
    for run in lane.answering:
        spans.setdefault(None if _several(colours) else run.who, []).append((run.begin, run.end - run.begin))
    for number, (who, found) in enumerate(spans.items(), 1):
        colour = canvas.OTHERS if _several(colours) else colours[who]
        axes.broken_barh(
            found, (y + 0.15, BAR - 0.3), facecolor=colour, linewidth=0, zorder=2, gid=f"{lane.side}-up-{number}"
        )
    scale = canvas.pixels_per_unit(axes)
    left, right = axes.get_xlim()
    labelled: set[str | None] = set()
    for run in sorted(lane.answering, key=lambda one: one.begin - one.end):
        if _several(colours) or run.who in labelled:
            continue
        begin, end = max(run.begin, left), min(run.end, right)
        name = quantities.shortened(NAMELESS if run.who is None else run.who, _LONGEST_NAME)
        text = axes.text((begin + end) / 2, y + BAR / 2, name, ha="center", va="center", fontsize=8.5, zorder=4)
        if canvas.width_of(text) + 6 > (end - begin) * scale:
            # The legend says it all the same.
            text.remove()
        labelled.add(run.who)


def _draw_downs(axes: Axes, downs: Sequence[Down], y: float, name: str) -> None:
    """The lighter band is where an outage may lie, the dark one where it certainly lies. Both stay visible however
    short they are, by their outlines."""
    looks: dict[str, Any] = {"edgecolor": canvas.DOWN, "linewidth": 0.8}
    for part, windows, colour, zorder in (
        ("widest", [down.widest for down in downs], canvas.PERHAPS_DOWN, 3),
        ("certain", [window for down in downs for window in down.certain], canvas.DOWN, 4),
    ):
        if windows:
            spans = [(window.begin, window.end - window.begin) for window in windows]
            axes.broken_barh(spans, (y, BAR), facecolor=colour, zorder=zorder, gid=f"{name}-{part}", **looks)


def _draw_open_ends(axes: Axes, drawn: Scene, downs: Sequence[Down], y: float) -> None:
    """Arrows where an outage goes on beyond what was recorded."""
    looks: dict[str, Any] = {"color": canvas.DOWN, "va": "center", "fontsize": 9, "zorder": 6, "clip_on": False}
    for down in downs:
        if down.outage.before is None:
            axes.text(min(down.widest.end, drawn.end), y + BAR / 2, "▶", ha="left", **looks)
        if down.outage.after is None:
            axes.text(max(down.widest.begin, drawn.begin), y + BAR / 2, "◀", ha="right", **looks)


def _write_above(axes: Axes, drawn: Scene, lane: Lane, y: float) -> None:
    """The remark at the right end; above the outages their figures, the longest first, as many as there is room for."""
    scale = canvas.pixels_per_unit(axes)
    gap = 10 / scale
    taken: list[list[tuple[float, float]]] = [[] for _ in range(_TEXT_ROWS)]

    def put(words: str, middle: float, colour: str) -> bool:
        text = axes.text(0, 0, words, color=colour, fontsize=8.5, ha="left", va="bottom")
        width = canvas.width_of(text) / scale
        begin = max(min(middle - width / 2, drawn.end - width), drawn.begin)
        for row, spans in enumerate(taken):
            if all(begin + width + gap < one or other + gap < begin for one, other in spans):
                spans.append((begin, begin + width))
                at_the_end = begin + width >= drawn.end
                text.set_horizontalalignment("right" if at_the_end else "left")
                text.set_position((drawn.end if at_the_end else begin, y - 0.12 - 0.72 * row))
                return True
        text.remove()
        return False

    if lane.remark:
        put(lane.remark, drawn.end, canvas.FAINT)
    longest_first = sorted(lane.downs, key=lambda one: one.widest.begin - one.widest.end)
    for at, down in enumerate(longest_first):
        hidden = len(longest_first) - at
        outage = down.outage
        said = f"down {quantities.outage(outage.lower_s, outage.estimate_s, outage.upper_s)}"
        if not put(said, (down.widest.begin + down.widest.end) / 2, canvas.DOWN):
            taken.append([])
            put(f"and {hidden} more, none of them longer" if at else said, drawn.begin, canvas.DOWN)
            break


def _draw_operations(axes: Axes, drawn: Scene, top: float, height: float) -> None:
    """top: of the first row; height: of each."""
    bar = top + height - ROW / 2
    axes.text(-0.012, bar, "ARM", transform=axes.get_yaxis_transform(), ha="right", va="center", fontweight="bold")
    if not drawn.operations:
        axes.text(drawn.begin, top + ROW / 2, "no operation", color=canvas.FAINT, va="center")
        return
    shown = list(drawn.operations)
    if len(shown) > MOST_OPERATIONS:
        shown = shown[: MOST_OPERATIONS - 1]
    for row, one in enumerate(shown):
        _draw_operation(axes, one, row, top + row * height, above=height > ROW)
    hidden = len(drawn.operations) - len(shown)
    if hidden:
        y = top + len(shown) * height + ROW / 2
        axes.text(drawn.begin, y, f"and {hidden} more operations", color=canvas.FAINT, va="center")


def _draw_operation(axes: Axes, one: TimedWrite, row: int, y: float, *, above: bool) -> None:
    """A bar from sending to the end, a notch where it was accepted, and the name above it or where there is room."""
    middle = y + ROW / 2 + (NARROW_ROW - ROW if above else 0.0)
    axes.broken_barh(
        [(one.began, one.ended - one.began)],
        (middle - 0.31, 0.62),
        facecolor=canvas.OPERATION if one.succeeded else "white",
        edgecolor=canvas.OPERATION if one.succeeded else canvas.REFUSED,
        hatch=None if one.succeeded else "xxxx",
        linewidth=0.8,
        zorder=3,
        gid=f"operation-{row + 1}",
    )
    if one.accepted is not None:
        axes.plot([one.accepted] * 2, [middle - 0.42, middle + 0.42], color=canvas.INK, linewidth=1.2, zorder=4)
    name = quantities.shortened(one.name.replace("_", " "), _LONGEST_NAME if above else 40)
    resource = quantities.shortened(one.resource.rpartition("/")[2], 14 if above else _LONGEST_NAME)
    how = "" if one.succeeded else ", failed"
    label = f"{name}: {resource}, {quantities.seconds(one.ended - one.began)}{how}"
    left, right = axes.get_xlim()
    scale = canvas.pixels_per_unit(axes)
    if above:
        text = axes.text(one.began, middle - 0.5, label, ha="left", va="bottom", fontsize=8.5, zorder=4)
        canvas.keep_inside(text, axes)
        return
    text = axes.text(one.ended + 6 / scale, middle, label, ha="left", va="center", fontsize=8.5, zorder=4)
    width = canvas.width_of(text) / scale
    gap = 6 / scale
    if one.ended + gap + width <= right:
        return
    if one.began - gap - width > left:
        text.set_position((one.began - gap, middle))
        text.set_horizontalalignment("right")
        return
    text.set_position(((one.began + one.ended) / 2, middle))
    text.set_horizontalalignment("center")
    if one.succeeded and one.ended - one.began > width + 2 * gap:
        text.set_color("white")
    else:
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.9, "pad": 1.0})
        canvas.keep_inside(text, axes)


def _legend(drawn: Scene, colours: Mapping[str | None, str]) -> list[Patch]:
    """What is in the picture, and nothing else."""
    from matplotlib.patches import Patch

    if _several(colours):
        entries = [Patch(facecolor=canvas.OTHERS, label=f"answered by {SOMEBODY} ({len(colours)})")]
    else:
        entries = [
            Patch(facecolor=colour, label=NAMELESS if who is None else quantities.shortened(who, _LONGEST_NAME))
            for who, colour in colours.items()
        ]
    if any(lane.downs for lane in drawn.lanes):
        entries += [
            Patch(facecolor=canvas.DOWN, label="certainly down (lower bound)"),
            Patch(facecolor=canvas.PERHAPS_DOWN, edgecolor=canvas.DOWN, label="perhaps down (upper bound)"),
        ]
    if any(lane.unknown for lane in drawn.lanes):
        entries.append(Patch(facecolor="white", edgecolor=canvas.UNKNOWN, hatch="//////", label="unknown"))
    return entries
