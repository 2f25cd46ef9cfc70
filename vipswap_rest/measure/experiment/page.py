"""The report of an experiment as one HTML page that needs nothing else: no script, no request to anywhere.

`page.html` is its template; here stands what goes into it, in words. Needs Jinja2 (the extra `plot`), which is imported
when a page is made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from vipswap_rest.arm.errors import UsageError
from vipswap_rest.extras import install_command
from vipswap_rest.measure.experiment import method
from vipswap_rest.measure.experiment.summary import ROUNDING
from vipswap_rest.measure.pictures.columns import SIDES
from vipswap_rest.measure.quantities import (
    Rounding,
    bounds,
    counted,
    coverage,
    none_seen,
    outage,
    seconds,
    span,
)

if TYPE_CHECKING:
    from jinja2 import Template

EMULATED = "Emulated: these are times of an emulator on one machine. No figure on this page is Azure's."
_FIGURES = {
    "observed": "observed, estimate",
    "lower": "observed, lower bound",
    "upper": "observed, upper bound",
    "control_plane": "control plane",
    "lag": "lag",
    "takes_effect": "takes effect, at the latest",
    "mixed": "both sides answer, at most",
}
_NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Picture:
    """What a picture shows in words, and it as two <svg> elements (see pictures.as_svg): for screens of 600 pixels and
    more, and for narrower ones."""

    caption: str
    svg: str
    narrow: str


@dataclass(frozen=True, slots=True)
class Card:
    """The median outage of one strategy on one address, with its bounds and its interval; all in words. Empty but for
    the heading where nothing was measured."""

    heading: str
    median: str = ""
    bounds: str = ""
    interval: str = ""
    swaps: str = ""


def page(
    summary: Mapping[str, Any], trials: Sequence[Mapping[str, Any]], pictures: Sequence[Picture], *, title: str = ""
) -> str:
    """The page. summary: what `experiment -o json` prints. trials: the lines of trials.jsonl. Seconds everywhere.

    Raises UsageError without Jinja2.
    """
    manifest = summary["manifest"]
    return _template().render(
        title=title or _title(manifest),
        emulated=summary["emulated"],
        warning=EMULATED,
        style=_file("page.css"),
        progress=_progress(summary),
        compared=[words for words in map(_compared_words, summary["comparisons"]) if words],
        cards=[
            _card(name, side, told[side])
            for side in SIDES
            for name, told in summary["strategies"].items()
            # A flip has one side.
            if not told["n"] or any(told[side].values())
        ],
        pictures=pictures,
        strategies=_strategies(summary),
        comparisons=_comparisons(summary),
        swaps=_swaps(summary, trials),
        uncounted=[at for at, one in enumerate(trials) if not one["valid"] or one["role"] != "trial"],
        method=method,
        outlier_rule=summary["outlier_rule"],
        manifest=[[name.replace("_", " "), _plain(value)] for name, value in manifest.items()],
    )


def _template() -> Template:
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise UsageError(
            "The report page needs Jinja2, and it is not installed.", hint=f"Install it: {install_command('plot')}"
        ) from error
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_printable, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_file("page.html") + "\n")


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _printable(value: object) -> object:
    """What an expression of the template shows: a text with a replacement character for what cannot be printed. HTML,
    which is never escaped, stays as it is."""
    if hasattr(value, "__html__"):
        return value
    return "".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in str(value))


def _title(manifest: Mapping[str, Any]) -> str:
    if manifest["targets"]:
        return f"What it costs callers to switch by {', '.join(manifest['strategies'])}"
    names = [str(one).rpartition("/")[2] for one in manifest["load_balancers"]]
    return f"What swapping the addresses of {' and '.join(names)} costs"


def _progress(summary: Mapping[str, Any]) -> str:
    told, manifest = summary["trials"], summary["manifest"]
    state = "" if summary["complete"] else " It is not complete."
    return (
        f"{told['valid']} of {told['planned']} planned swaps, begun {manifest['started_at']}, each address asked every "
        f"{seconds(manifest['interval_s'])}.{state}"
    )


def _compared_words(told: Mapping[str, Any]) -> str:
    """By how much the outage of production differs between two strategies, as a sentence."""
    compared = told[SIDES[0]]["observed"]
    if compared is None:
        return ""
    one, other, found = told["of"], told["less"], compared["difference"]
    interval = f"the difference, {one} less {other}, has the interval {_interval(compared['interval'])}."
    if found == "~":
        return f"Between {one} and {other} no difference was shown in production's outage: {interval}"
    if isinstance(found, Mapping):
        return f"Production's outage differs between {one} and {other}: {interval}"
    longer = "longer" if found > 0 else "shorter"
    return f"By {one} production's outage was {seconds(abs(found))} {longer} than by {other}: {interval}"


def _card(strategy: str, side: str, figures: Mapping[str, Any]) -> Card:
    heading = f"{strategy}, {side}'s address"
    observed = figures["observed"]
    if observed is None:
        return Card(heading)
    low, _ = _number(figures["lower"]["median"])
    high, unbounded = _number(figures["upper"]["median"])
    return Card(
        heading,
        _value(observed["median"]),
        bounds(low, None if unbounded else high),
        _interval(observed["interval"]),
        counted(observed["n"], "swap"),
    )


def _strategies(summary: Mapping[str, Any]) -> list[list[str]]:
    """A row for each figure of a strategy on an address."""
    return [
        [strategy, side, _FIGURES.get(name, name), *_summed(figures, ROUNDING.get(name, Rounding.NEAREST))]
        for strategy, told in summary["strategies"].items()
        for side in SIDES
        for name, figures in told[side].items()
        if figures is not None
    ]


def _summed(figures: Mapping[str, Any], rounding: Rounding) -> list[str]:
    count = f"{figures['n']}, {figures['open']} of them at least" if figures["open"] else str(figures["n"])
    return [
        count,
        _value(figures["median"], rounding),
        _interval(figures["interval"]),
        _value(figures["mad"]),
        *(_value(figures[name], rounding) for name in ("mean", "min", "max", "p95", "p99")),
        ", ".join(map(str, figures["outliers"])) or _NOTHING,
    ]


def _comparisons(summary: Mapping[str, Any]) -> list[list[str]]:
    """A row for each figure that two strategies are compared by, on an address."""
    return [
        [
            f"{told['of']} less {told['less']}",
            side,
            _FIGURES.get(name, name).replace("_", " "),
            str(compared["pairs"]),
            "~" if compared["difference"] == "~" else _range(compared["difference"]),
            _interval(compared["interval"]),
        ]
        for told in summary["comparisons"]
        for side in SIDES
        for name, compared in told[side].items()
        if compared is not None
    ]


def _swaps(summary: Mapping[str, Any], trials: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """A row for every swap, those in no figure too."""
    outliers = {
        number
        for told in summary["strategies"].values()
        for side in SIDES
        if told[side]["observed"] is not None
        for number in told[side]["observed"]["outliers"]
    }
    return [
        [
            str(one["number"]),
            _NOTHING if one["block"] is None else str(one["block"]),
            one["strategy"],
            one["direction"],
            *(_seen(one[side]) for side in SIDES),
            ", ".join(_value((one[side] or {}).get("control_plane_outage_s")) for side in SIDES),
            _standing(one, one["number"] in outliers),
        ]
        for one in trials
    ]


def _seen(measured: Mapping[str, Any] | None) -> str:
    """The outages of one address in one swap, all together."""
    if measured is None or measured["lower_s"] is None:
        return _NOTHING
    if not measured["outages"] and measured["upper_s"] is not None:
        return none_seen(measured["upper_s"])
    several = f"; {measured['outages']} outages" if measured["outages"] and measured["outages"] > 1 else ""
    return outage(measured["lower_s"], measured["estimate_s"], measured["upper_s"]) + several


def _standing(trial: Mapping[str, Any], outlier: bool) -> str:
    if trial["role"] != "trial":
        return f"no: {trial['role']}"
    if not trial["valid"]:
        return f"no: {trial['reason']}"
    return "yes; outlier" if outlier else "yes"


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {told}" for name, told in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_plain, value))
    return value if isinstance(value, str) else json.dumps(value)


def _number(told: Any) -> tuple[float, bool]:
    """A figure of the summary, and whether it is `at least` that."""
    return (told["at_least"], True) if isinstance(told, Mapping) else (told, False)


def _value(told: Any, rounding: Rounding = Rounding.NEAREST) -> str:
    if told is None:
        return _NOTHING
    number, least = _number(told)
    return bounds(number, None) if least else seconds(number, rounding)


def _range(told: Any) -> str:
    """A difference: a number, or from its least to its greatest possible value."""
    if not isinstance(told, Mapping):
        return _value(told)
    return span(_end(told["low"], Rounding.DOWN), _end(told["high"], Rounding.UP))


def _end(number: float | None, rounding: Rounding) -> str:
    return "no end" if number is None else seconds(number, rounding)


def _interval(told: Mapping[str, Any]) -> str:
    ends = span(_end(told["low"], Rounding.DOWN), _end(told["high"], Rounding.UP))
    return f"{ends} ({coverage(told['coverage'])})"
