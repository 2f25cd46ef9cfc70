"""What an experiment leaves for people, beside its raw files: report.html, and the picture of all outages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vipswap_rest.measure.experiment.page import Picture, page
from vipswap_rest.measure.files import write_whole
from vipswap_rest.measure.pictures import as_svg, distribution, timeline, write_picture
from vipswap_rest.measure.pictures.canvas import NARROW, WIDE
from vipswap_rest.measure.pictures.columns import middles, points, typical
from vipswap_rest.measure.recording import load

PAGE, OUTAGES = "report.html", "outages.svg"


def write_report(directory: Path, summary: Mapping[str, Any], trials: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Write report.html and outages.svg into an experiment's directory; returns their paths.

    summary: what `experiment -o json` prints; trials: the lines of trials.jsonl.

    Raises UsageError without matplotlib or Jinja2; VipswapError if a recording cannot be read or a file not be
    written.
    """
    found, medians = points(trials), middles(summary)
    outages, narrow = (
        distribution(found, medians, emulated=summary["emulated"], layout=layout) for layout in (WIDE, NARROW)
    )
    pictures = [Picture(_OUTAGES_CAPTION, as_svg(outages, "outages"), as_svg(narrow, "outages-narrow"))]
    for strategy, trial in typical(summary, trials).items():
        caption = f"Swap {trial['number']}, by {strategy}: the one whose outage of production is nearest to the median."
        recording, name = load(directory / trial["samples"]), f"swap-{trial['number']}"
        drawn = (as_svg(timeline(recording), name), as_svg(timeline(recording, NARROW), f"{name}-narrow"))
        pictures.append(Picture(caption, *drawn))
    source = page(summary, trials, pictures)
    write_picture(outages, directory / OUTAGES)
    write_whole(directory / PAGE, source.encode())
    return [directory / PAGE, directory / OUTAGES]


_OUTAGES_CAPTION = (
    "How long each address did not answer, swap by swap, with the bounds of each; the median of each strategy, and its "
    "interval."
)
