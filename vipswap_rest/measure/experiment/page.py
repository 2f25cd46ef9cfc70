"""The report of an experiment as one HTML page that needs nothing else: no script, no request to anywhere. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from vipswap_rest.measure.experiment import method
from vipswap_rest.measure.experiment.markup import Html, element, items, table
from vipswap_rest.measure.experiment.summary import ROUNDING
from vipswap_rest.measure.pictures.columns import SIDES
from vipswap_rest.measure.quantities import Rounding, bounds, counted, coverage, none_seen, outage, seconds, span

EMULATED = "Emulated: these are times of an emulator on one machine. No figure on this page is Azure's."
# Nothing may be loaded or run, whatever stands in the page.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_FIGURES = {
    "observed": "observed, estimate",
    "lower": "observed, lower bound",
    "upper": "observed, upper bound",
    "control_plane": "control plane",
    "lag": "lag",
}
_NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Picture:
    """An <svg> element (see pictures.as_svg), and what it shows in words."""

    svg: str
    caption: str


def page(
    summary: Mapping[str, Any], trials: Sequence[Mapping[str, Any]], pictures: Sequence[Picture], *, title: str = ""
) -> str:
    """The page. summary: what `experiment -o json` prints. trials: the lines of trials.jsonl. Seconds everywhere."""
    manifest = summary["manifest"]
    title = title or _title(manifest)
    warning = [element("p", EMULATED, class_="warning", role="note")] if summary["emulated"] else []
    style = files("vipswap_rest.measure.experiment").joinpath("page.css").read_text(encoding="utf-8")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        # Or a browser would ask for one.
        element("link", rel="icon", href="data:,"),
        element("title", title + (" (emulated)" if summary["emulated"] else "")),
        element("style", Html(style)),
    )
    body = element(
        "body",
        element("h1", title),
        *warning,
        _headline(summary),
        *(_figure(picture, emulated=summary["emulated"]) for picture in pictures),
        _strategies(summary),
        _comparisons(summary),
        _trials(summary, trials),
        element("h2", "How it was measured"),
        items(method.MEASURED),
        element("p", f"Outliers: {summary['outlier_rule']}.", class_="faint"),
        element("h2", "What this does not cover"),
        items(method.NOT_COVERED),
        _manifest(manifest),
        *warning,
    )
    return "<!DOCTYPE html>\n" + element("html", head, body, lang="en") + "\n"


def _title(manifest: Mapping[str, Any]) -> str:
    names = [str(one).rpartition("/")[2] for one in manifest["load_balancers"]]
    return f"What swapping the addresses of {' and '.join(names)} costs"


def _headline(summary: Mapping[str, Any]) -> Html:
    told, manifest = summary["trials"], summary["manifest"]
    state = "" if summary["complete"] else " It is not complete."
    lines = (
        f"{told['valid']} of {told['planned']} planned swaps, begun {manifest['started_at']}, each address asked every "
        f"{seconds(manifest['interval_s'])}.{state}"
    )
    cards = [_card(name, side, figures[side]) for side in SIDES for name, figures in summary["strategies"].items()]
    compared = [element("p", words, class_="lead") for words in map(_compared_words, summary["comparisons"]) if words]
    return Html(element("p", lines, class_="lead") + "".join(compared) + element("div", *cards, class_="cards"))


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


def _card(strategy: str, side: str, figures: Mapping[str, Any]) -> Html:
    """The median outage of one strategy on one address, with the bounds of it, and its interval."""
    heading = element("h3", f"{strategy}, {side}'s address")
    observed = figures["observed"]
    if observed is None:
        return element("section", heading, element("p", "nothing measured", class_="faint"), class_="card")
    low, _ = _number(figures["lower"]["median"])
    high, unbounded = _number(figures["upper"]["median"])
    return element(
        "section",
        heading,
        element("p", _value(observed["median"]), class_="big"),
        element("p", f"median outage; by its bounds {bounds(low, None if unbounded else high)}"),
        element(
            "p", f"its interval: {_interval(observed['interval'])}; {counted(observed['n'], 'swap')}", class_="faint"
        ),
        class_="card",
    )


def _figure(picture: Picture, *, emulated: bool) -> Html:
    caption = picture.caption + (" Emulated." if emulated else "")
    drawn = element("div", Html(picture.svg), class_="picture", role="img", tabindex="0", aria_label=caption)
    return element("figure", drawn, element("figcaption", caption))


def _strategies(summary: Mapping[str, Any]) -> Html:
    head = ["strategy", "address", "figure", "n", "median", "interval of the median", "MAD", "mean", "least", "most"]
    head += ["p95", "p99", "outliers"]
    rows = [
        [strategy, side, _FIGURES.get(name, name), *_summed(figures, ROUNDING.get(name, Rounding.NEAREST))]
        for strategy, told in summary["strategies"].items()
        for side in SIDES
        for name, figures in told[side].items()
        if figures is not None
    ]
    note = "MAD: the median distance from the median. p95 needs 20 swaps, p99 100. Outliers: numbers of swaps."
    return Html(
        element("h2", "The strategies") + table("Each strategy's figures" + _mark(summary), head, rows) + _faint(note)
    )


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


def _comparisons(summary: Mapping[str, Any]) -> Html:
    rows = [
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
    if not rows:
        return Html("")
    head = ["strategies", "address", "figure", "pairs", "difference", "interval of the difference"]
    return Html(
        element("h2", "Their differences")
        + table("By pairs of one block and one direction" + _mark(summary), head, rows)
        + _faint("~: zero lies within the interval, so no difference was shown.")
    )


def _trials(summary: Mapping[str, Any], trials: Sequence[Mapping[str, Any]]) -> Html:
    """Every swap, those in no figure too."""
    outliers = {
        number
        for told in summary["strategies"].values()
        for side in SIDES
        if told[side]["observed"] is not None
        for number in told[side]["observed"]["outliers"]
    }
    head = ["swap", "block", "strategy", "direction", "production's address", "staging's address"]
    head += ["control plane: production, staging", "counted"]
    rows = [
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
    grey = [at for at, one in enumerate(trials) if not one["valid"] or one["role"] != "trial"]
    return Html(element("h2", "Every swap") + table("In order of time" + _mark(summary), head, rows, marked=grey))


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


def _manifest(manifest: Mapping[str, Any]) -> Html:
    rows = [[name.replace("_", " "), _plain(value)] for name, value in manifest.items()]
    return Html(element("h2", "Where and with what") + table("The manifest", ["what", "value"], rows))


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


def _mark(summary: Mapping[str, Any]) -> str:
    return " (emulated)" if summary["emulated"] else ""


def _faint(words: str) -> Html:
    return element("p", words, class_="faint")
