"""The report of an experiment as a page: all of it there, true to the summary, and nothing in it that runs or loads."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from markupsafe import escape

from tests.measure.experiment.bench import Swapped, manifest
from tests.measure.experiment.test_runner import run, trials_of, well
from vipswap_rest.arm.errors import AnswerLost, UsageError
from vipswap_rest.measure.experiment.design import Way
from vipswap_rest.measure.experiment.manifest import Manifest
from vipswap_rest.measure.experiment.method import MEASURED, NOT_COVERED
from vipswap_rest.measure.experiment.page import EMULATED, Picture, page
from vipswap_rest.measure.experiment.report import write_report
from vipswap_rest.measure.experiment.summary import summary

HOSTILE = """</td><script>alert("1")</script><img src=x onerror='alert(2)'>&amp;"""
VOID = {"meta", "link", "br", "img"}
TRIAL_HEAD = "production's address"


class Reader(HTMLParser):
    """Reads a page as strictly as XML: each element is closed where it should be. Tables are kept cell by cell."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.tables: list[list[list[str]]] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self.open[-1:] in (["td"], ["th"]):
            self.tables[-1][-1][-1] += data

    def table(self, *heads: str) -> list[list[str]]:
        """The rows of the table that has these headings."""
        return next(rows[1:] for rows in self.tables if set(heads) <= set(rows[0]))


def goes(number: int, strategy: str, way: Way) -> Swapped:
    """One swap fails with a hostile word, and one address never answers again."""
    if number == 6:
        return Swapped(error=AnswerLost(HOSTILE))
    return replace(well(number, strategy, way), still_down=number == 9)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    measured = tmp_path_factory.mktemp("experiment")
    run(measured, goes)
    return measured


def made(directory: Path, **changes: Any) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
    """The page, and what it was made from."""
    told: Manifest = manifest(**changes)
    trials = trials_of(directory)
    # By JSON, as it is read from files.
    summed = json.loads(json.dumps(summary(told, trials)))
    lines = json.loads(json.dumps([trial.as_json() for trial in trials]))
    drawn = [f'<svg xmlns="http://www.w3.org/2000/svg"><title>{name}</title></svg>' for name in ("drawn", "narrow")]
    pictures = [Picture("What is drawn.", *drawn)]
    return page(summed, lines, pictures), summed, lines


def test_the_page_has_every_swap_with_its_bounds_and_why_it_does_not_count(directory: Path) -> None:
    source, _, trials = made(directory)

    rows = Reader(source).table(TRIAL_HEAD)
    assert [row[0] for row in rows] == [str(one["number"]) for one in trials]
    for row, one in zip(rows, trials, strict=True):
        counts = one["valid"] and one["role"] == "trial"
        assert row[-1].startswith("yes") == counts
        if one["role"] == "trial" and not counts:
            assert one["reason"] in row[-1]
    assert any("at least" in row[4] for row in rows)


def test_the_page_has_the_medians_with_bounds_and_intervals(directory: Path) -> None:
    source, summed, _ = made(directory)

    words = " ".join(Reader(source).words)
    rows = Reader(source).table("median", "interval of the median")
    assert len(rows) == sum(
        figures is not None
        for told in summed["strategies"].values()
        for side in ("production", "staging")
        for figures in told[side].values()
    )
    observed = summed["strategies"]["float"]["staging"]["observed"]
    (row,) = [row for row in rows if row[:3] == ["float", "staging", "observed, estimate"]]
    assert row[4] == f"{observed['median']:.3f} s" or row[4] == f"{observed['median'] * 1000:.0f} ms"
    assert row[5].endswith(f"({int(observed['interval']['coverage'] * 1000) / 10:g} %)")
    assert "median outage; by its bounds" in words
    assert len(Reader(source).table("pairs", "difference")) == sum(
        compared is not None
        for told in summed["comparisons"]
        for side in ("production", "staging")
        for compared in told[side].values()
    )


def test_the_page_has_the_pictures_the_method_the_gaps_and_the_manifest(directory: Path) -> None:
    source, summed, _ = made(directory)

    reader = Reader(source)
    words = "\n".join(reader.words)
    assert "svg" in reader.tags
    for sentence in (*MEASURED, *NOT_COVERED, "drawn"):
        assert sentence in words
    rows = {row[0]: row[1] for row in reader.table("what", "value")}
    assert set(rows) == {name.replace("_", " ") for name in asdict(manifest())}
    assert rows["seed"] == str(summed["manifest"]["seed"])


@pytest.mark.parametrize("emulated", [True, False])
def test_the_page_says_emulated_at_both_ends_in_the_title_and_in_every_table_exactly_if_it_is(
    directory: Path, emulated: bool
) -> None:
    source, _, _ = made(directory, emulated=emulated)

    assert source.count(escape(EMULATED)) == (2 if emulated else 0)
    title = re.search("<title>(.*?)</title>", source)
    assert title is not None
    assert ("emulated" in title[1]) == emulated
    assert (re.findall(r"<caption>[^<]*\(emulated\)</caption>", source) != []) == emulated
    assert ("Emulated." in source) == emulated


def test_nothing_in_the_page_runs_or_loads_anything(directory: Path) -> None:
    write_report(directory, *made(directory)[1:])
    reader = Reader((directory / "report.html").read_text(encoding="utf-8"))

    assert not {"script", "iframe", "object", "embed", "img", "image", "base", "form"} & set(reader.tags)
    for tag, name, value in reader.attributes:
        assert not name.startswith("on"), (tag, name)
        if name in ("src", "href", "xlink:href", "srcset", "action", "data"):
            assert value.startswith(("#", "data:,")), (tag, name, value)
        assert not re.search(r"url\((?!#)", value), (tag, name, value)
    assert "@import" not in (directory / "report.html").read_text(encoding="utf-8")
    assert ("meta", "http-equiv", "Content-Security-Policy") in reader.attributes
    assert any(name == "name" and value == "viewport" for _, name, value in reader.attributes)


def test_what_is_hostile_is_shown_and_not_obeyed(directory: Path) -> None:
    source, _, _ = made(
        directory,
        load_balancers=(f"/lb/{HOSTILE.replace('/', '')}", "/lb/two"),
        endpoint_host=HOSTILE,
        versions={HOSTILE: HOSTILE},
    )

    reader = Reader(source)
    assert not {"script", "img"} & set(reader.tags)
    rows = {row[0]: row[1] for row in reader.table("what", "value")}
    assert rows["endpoint host"] == HOSTILE
    assert rows["versions"] == f"{HOSTILE} {HOSTILE}"
    assert any(HOSTILE in row[-1] for row in reader.table(TRIAL_HEAD))


def test_the_report_is_one_page_with_all_outages_and_a_typical_swap_of_each_strategy(directory: Path) -> None:
    paths = write_report(directory, *made(directory)[1:])

    assert [path.name for path in paths] == ["report.html", "outages.svg"]
    ElementTree.parse(directory / "outages.svg")
    source = (directory / "report.html").read_text(encoding="utf-8")
    reader = Reader(source)
    # Each for a wide window and for a narrow one, of which one is shown; both with their words for those who hear them.
    assert reader.tags.count("svg") == 6
    told = [value for tag, name, value in reader.attributes if (tag, name) == ("div", "aria-label") and "wap" in value]
    assert [told.count(one) for one in dict.fromkeys(told) if "nearest" in one or "How long" in one] == [2, 2, 2]
    assert "{ .roomy { display: none; } .narrow { display: block; } }" in source
    # Text in them is text.
    assert source.count("<text") > 100
    ids = [value for _, name, value in reader.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert "by float: the one whose outage of production is nearest to the median" in source
    assert "by native: the one whose outage of production is nearest to the median" in source


def test_the_same_experiment_gives_the_same_report(directory: Path) -> None:
    write_report(directory, *made(directory)[1:])
    first = (directory / "report.html").read_bytes()
    write_report(directory, *made(directory)[1:])

    assert (directory / "report.html").read_bytes() == first


def test_an_experiment_without_a_valid_trial_has_a_page_too(tmp_path: Path) -> None:
    summed = json.loads(json.dumps(summary(manifest(), [])))

    write_report(tmp_path, summed, [])

    words = " ".join(Reader((tmp_path / "report.html").read_text(encoding="utf-8")).words)
    assert "nothing measured" in words
    assert "0 of 20 planned swaps" in words
    assert "It is not complete." in words
    assert "no valid trial yet" in words


def test_text_is_escaped_and_html_is_not(directory: Path) -> None:
    _, summed, _ = made(directory, endpoint_host="a\x00b\ud800", platform="<")
    source = page(summed, [], [Picture('"x" <b>', "<svg><title>a</title></svg>", "<svg></svg>")], title="a\x00b\ud800")

    assert 'aria-label="&#34;x&#34; &lt;b&gt; Emulated."><svg><title>a</title></svg></div>' in source
    assert "<td>a\ufffdb\ufffd</td>" in source
    assert "<h1>a\ufffdb\ufffd</h1>" in source
    assert "<td>&lt;</td>" in source


def test_without_jinja2_the_way_to_get_it_is_said(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "jinja2"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "jinja2", None)

    with pytest.raises(UsageError, match="Jinja2") as refused:
        made(directory)

    assert "[plot]" in refused.value.hint


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        (-3.349, "By native production's outage was 3.349 s shorter than by float: "),
        (0.25, "By native production's outage was 250 ms longer than by float: "),
        ("~", "Between native and float no difference was shown in production's outage: "),
        ({"low": 1.0, "high": None}, "Production's outage differs between native and float: "),
    ],
)
def test_it_says_first_by_how_much_the_strategies_differ_and_with_which_interval(
    difference: Any, words: str, tmp_path: Path
) -> None:
    run(tmp_path)
    told = summary(manifest(), trials_of(tmp_path))
    compared = told["comparisons"][0]["production"]["observed"]
    compared |= {"difference": difference, "interval": {"low": -3.5, "high": 1.25, "coverage": 0.951}}

    read = Reader(page(told, [], []))

    at = "the difference, native less float, has the interval -3.500 to 1.250 s (95.1 %)."
    assert words + at in read.words
