"""The pictures: what is in them stands at its place, and the files are whole, the same again, or not there."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.text import Text

from tests.disk import files_no_longer_than
from tests.measure.experiment.recordings import operations, probed, recording
from vipswap_rest.arm.errors import UsageError, VipswapError
from vipswap_rest.extras import install_command
from vipswap_rest.measure.pictures import as_svg, check_picture, distribution, timeline, write_picture
from vipswap_rest.measure.pictures.canvas import NARROW, WIDE, Layout
from vipswap_rest.measure.pictures.columns import Middle, Point
from vipswap_rest.measure.pictures.timeline import MOST_DOWNS, MOST_OPERATIONS
from vipswap_rest.measure.recording import Recording

STEPS = operations(
    ("create_float", 100, 100.5),
    ("staging_to_float", 100.5, 103),
    ("production_to_staging_address", 103, 106),
    ("staging_to_production_address", 106, 108.5),
    ("delete_float", 108.5, 110),
)
BY_FLOAT = recording(
    probed("production", [(103, 108.5)]), probed("staging", [(100.5, 106)]), writes=STEPS, emulated=True
)
MANY = [(101 + at * 0.5, 101.25 + at * 0.5) for at in range(20)]
SWAPS = {
    "by float": BY_FLOAT,
    "without an outage": recording(probed("production", []), probed("staging", []), writes=STEPS[:1]),
    "a very short outage": recording(probed("production", [(103, 103.01)], interval_s=0.01), writes=STEPS),
    "open at both ends": recording(
        probed("production", [(103, 500)]), probed("staging", [(90, 104)]), writes=STEPS, emulated=False
    ),
    "many outages": recording(probed("production", MANY, interval_s=0.05), probed("staging", MANY), writes=STEPS),
    "partly unknown": recording(probed("production", [(102, 107)], unknown=[(103, 104), (108, 109)]), writes=STEPS),
    "not probed": recording(writes=STEPS),
    "not even begun": recording(),
    "an hour": recording(probed("production", [(103, 3000)], end=3700, interval_s=1), writes=STEPS),
    "long names": recording(
        probed("production", [(103, 105)], names=["n" * 100, "m" * 100]),
        writes=operations(("o" * 100, 100, 110), succeeded=False),
    ),
    "instant": recording(
        probed("production", [(100.02, 100.06)], interval_s=0.01), writes=operations(("native_swap", 100, 100.1))
    ),
    "many operations": recording(
        probed("production", []),
        writes=operations(*((f"step_{at}", 100 + at / 10, 100.1 + at / 10) for at in range(90))),
    ),
}


@pytest.fixture(params=SWAPS)
def swap(request: pytest.FixtureRequest) -> Recording:
    return SWAPS[request.param]


def spans(figure: Figure, gid: str) -> list[tuple[float, float]]:
    """The bars of one gid, from where to where on the time axis."""
    return [
        (path.get_extents().x0, path.get_extents().x1)
        for artist in figure.axes[0].collections
        if isinstance(artist, PolyCollection) and artist.get_gid() == gid
        for path in artist.get_paths()
    ]


def said(figure: Figure) -> list[str]:
    """Every text in a figure, its legend's too."""
    legends = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    return [text.get_text() for text in [*figure.texts, *figure.axes[0].texts]] + legends


def test_every_outage_is_drawn_where_it_was(swap: Recording) -> None:
    figure = timeline(swap)

    origin = swap.operations[0].began if swap.operations else swap.began
    for one in swap.probed:
        for number, outage in enumerate(one.findings.account.outages, 1):
            ((begin, end),) = spans(figure, f"{one.side}-outage-{number}-widest")
            assert begin == pytest.approx((one.findings.begin if outage.after is None else outage.after) - origin)
            if outage.before is not None:
                assert end == pytest.approx(outage.before - origin)
            if outage.upper_s is not None:
                assert end - begin == pytest.approx(outage.upper_s)
            certain = spans(figure, f"{one.side}-outage-{number}-certain")
            assert sum(last - first for first, last in certain) == pytest.approx(outage.lower_s)
        number = len(one.findings.account.outages) + 1
        assert not spans(figure, f"{one.side}-outage-{number}-widest")


def test_outages_that_are_too_many_for_a_shape_each_are_drawn_where_they_were_all_the_same() -> None:
    moments = [(101 + at * 0.5, 101.25 + at * 0.5) for at in range(MOST_DOWNS + 1)]
    swap = recording(probed("production", moments, end=300, interval_s=0.05), writes=STEPS)

    drawn = spans(timeline(swap), "production-outages-widest")

    account = swap.probed[0].findings.account
    assert len(drawn) == len(account.outages) == MOST_DOWNS + 1
    for (begin, end), outage in zip(drawn, account.outages, strict=True):
        assert outage.after is not None
        assert (begin, end - begin) == pytest.approx((outage.after - 100, outage.upper_s))


def test_every_operation_and_every_unknown_window_is_drawn_where_it_was(swap: Recording) -> None:
    figure = timeline(swap)

    origin = swap.operations[0].began if swap.operations else swap.began
    for number, operation in enumerate(swap.operations[: MOST_OPERATIONS - 1], 1):
        ((begin, end),) = spans(figure, f"operation-{number}")
        assert (begin, end) == pytest.approx((operation.began - origin, operation.ended - origin))
    for one in swap.probed:
        unknown = [(window.begin - origin, window.end - origin) for window in one.findings.account.unknown]
        for number, window in enumerate(unknown, 1):
            assert spans(figure, f"{one.side}-unknown-{number}") == [pytest.approx(window)]
        assert not spans(figure, f"{one.side}-unknown-{len(unknown) + 1}")


def test_all_that_happened_lies_on_the_axis(swap: Recording) -> None:
    figure = timeline(swap)

    left, right = figure.axes[0].get_xlim()
    origin = swap.operations[0].began if swap.operations else swap.began
    moments = [moment for one in swap.operations for moment in (one.began, one.ended)]
    moments += [one.first_failed for each in swap.probed for one in each.findings.account.outages]
    assert all(left < moment - origin < right for moment in moments)


@pytest.mark.parametrize("layout", [WIDE, NARROW], ids=["wide", "narrow"])
def test_no_two_texts_overlap_and_all_lie_in_the_picture(swap: Recording, layout: Layout) -> None:
    figure = timeline(swap, layout)

    figure.canvas.draw()
    texts: list[Text] = [
        text for text in [*figure.texts, *figure.axes[0].texts] if text.get_text() not in ("", "▶", "◀")
    ]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
    frame = figure.bbox
    for at, (name, box) in enumerate(boxes):
        assert box.x0 >= frame.x0, name
        assert box.x1 <= frame.x1, name
        for other, second in boxes[at + 1 :]:
            # Letters are lower than the box of their line.
            assert not (
                box.x0 < second.x1 and second.x0 < box.x1 and box.y0 + 3 < second.y1 and second.y0 + 3 < box.y1
            ), (
                name,
                other,
            )


def test_estimate_bounds_and_operations_stand_in_words() -> None:
    texts = said(timeline(BY_FLOAT))

    assert "down 5.500 s (5.399 to 5.601 s)" in texts
    assert "production to staging address: vipswap1lb, 3.000 s" in texts
    assert {"vipswap1lb", "vipswap2lb", "production", "127.64.0.1"} <= set(texts)
    assert any("every 100 ms" in text for text in texts)


def test_an_open_outage_is_at_least_so_long() -> None:
    texts = said(timeline(SWAPS["open at both ends"]))

    assert any(text.startswith("down at least 8.") for text in texts)


@pytest.mark.parametrize("emulated", [True, False])
def test_the_title_says_emulated_exactly_if_it_is(emulated: bool) -> None:
    swap = recording(probed("production", []), emulated=emulated)

    assert any("emulated" in text for text in said(timeline(swap))) == emulated
    assert any("emulated" in text for text in said(distribution([], [], emulated=emulated))) == emulated


def svg_texts(svg: str) -> str:
    return " ".join("".join(element.itertext()) for element in ElementTree.fromstring(svg).iter() if element.text)


def test_a_hostile_name_is_only_a_text(tmp_path: Path) -> None:
    name = "<script>alert('$x^2$')</script>&amp;"
    swap = recording(probed("production", [(103, 105)], names=[name, "名前"]), writes=STEPS)

    write_picture(timeline(swap), tmp_path / "swap.svg")
    write_picture(timeline(swap), tmp_path / "swap.png")

    svg = (tmp_path / "swap.svg").read_text(encoding="utf-8")
    assert "<script" not in svg
    assert "alert(" in svg_texts(svg)
    assert "名前" in svg_texts(svg)


def test_the_same_recording_gives_the_same_bytes(tmp_path: Path, swap: Recording) -> None:
    for name in ("one.svg", "two.svg", "one.PNG", "two.PNG"):
        write_picture(timeline(swap), tmp_path / name)

    for form in ("svg", "PNG"):
        assert (tmp_path / f"one.{form}").read_bytes() == (tmp_path / f"two.{form}").read_bytes()
    assert (tmp_path / "one.PNG").read_bytes().startswith(b"\x89PNG")
    ElementTree.parse(tmp_path / "one.svg")


def test_a_users_settings_of_matplotlib_change_nothing(tmp_path: Path) -> None:
    import matplotlib

    write_picture(timeline(BY_FLOAT), tmp_path / "one.svg")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "svg.hashsalt": "x"}):
        write_picture(timeline(BY_FLOAT), tmp_path / "two.svg")

    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_several_pictures_in_one_page_share_no_id() -> None:
    pages = [as_svg(timeline(BY_FLOAT), prefix) for prefix in ("one", "two")]

    ids = [re.findall(r'\bid="([^"]*)"', page) for page in pages]
    assert ids[0]
    assert all(len(own) == len(set(own)) for own in ids)
    assert not set(ids[0]) & set(ids[1])
    for page, own in zip(pages, ids, strict=True):
        ElementTree.fromstring(page)
        references = re.findall(r'href="#([^"]*)"', page) + re.findall(r"url\(#([^)]*)\)", page)
        assert references
        assert set(references) <= set(own)
        assert "http" not in page.replace("http://www.w3.org/", "")


POINTS = [
    Point("float", "production", 1, 60.9, 61.0, 61.1),
    Point("float", "production", 2, 61.9, 62.0, 62.1),
    Point("float", "production", 3, 99.9, 100.0, 100.1),
    Point("native", "production", 4, 28.0, None, None),
    Point("native", "staging", 4, 0.0, 0.0, 0.101),
]
MIDDLES = [Middle("float", "production", 62.0, False, 61.0, None, 0.75, frozenset({3}))]


def dots(figure: Figure) -> dict[str, float]:
    return {
        str(line.get_gid()): float(line.get_xdata()[0])  # type: ignore[index, arg-type]
        for line in figure.axes[0].lines
        if line.get_gid()
    }


def test_every_trial_is_a_dot_at_its_estimate_outliers_and_open_ones_too() -> None:
    found = dots(distribution(POINTS, MIDDLES, emulated=True))

    assert found == {
        "production-float-trial-1": 61.0,
        "production-float-trial-2": 62.0,
        "production-float-trial-3": 100.0,
        "production-native-trial-4": 28.0,
        "staging-native-trial-4": 0.0,
        "production-float-interval": 61.0,
        "production-float-median": 62.0,
    }


def test_median_interval_and_outlier_stand_in_words() -> None:
    texts = said(distribution(POINTS, MIDDLES, emulated=True))

    assert "median 62.00 s, 75 % interval 61.00 s to no upper end" in texts
    assert "outlier 3" in texts
    assert {"float", "native", "3 swaps", "1 swap"} <= set(texts)


@pytest.mark.parametrize("shortest", [0.0, 0.012, 5.0])
def test_every_dot_lies_within_the_axis_however_far_they_are_apart(shortest: float) -> None:
    points = [Point("float", "staging", 1, 3599.0, 3600.0, 3601.0), Point("native", "staging", 2, 0.0, shortest, 9.0)]
    middles = [
        Middle("float", "staging", 3600.0, False, 3600.0, 3600.0, 0.9),
        Middle("native", "staging", shortest, False, shortest, shortest, 0.9),
    ]

    figure = distribution(points, middles, emulated=False)

    left, right = figure.axes[0].get_xlim()
    assert all(left <= value <= right for value in dots(figure).values())


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("swap.pdf", "not as .pdf"),
        ("swap", "no extension"),
        ("no/such/swap.svg", "no folder"),
        ("folder.svg", "a folder"),
    ],
)
def test_what_cannot_be_written_is_said_in_one_sentence(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "folder.svg").mkdir()

    with pytest.raises(UsageError, match=reason):
        check_picture(tmp_path / name)
    with pytest.raises(UsageError, match=reason):
        write_picture(timeline(BY_FLOAT), tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.svg"]


def test_without_room_the_old_picture_stays_and_nothing_else_is_left(tmp_path: Path) -> None:
    (tmp_path / "swap.svg").write_text("old")

    with files_no_longer_than(1000), pytest.raises(VipswapError, match=r"could not be written: File too large"):
        write_picture(timeline(BY_FLOAT), tmp_path / "swap.svg")

    assert [path.name for path in tmp_path.iterdir()] == ["swap.svg"]
    assert (tmp_path / "swap.svg").read_text() == "old"


def test_without_matplotlib_the_way_to_get_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    for attempt in (lambda: check_picture(tmp_path / "swap.svg"), lambda: timeline(BY_FLOAT)):
        with pytest.raises(UsageError, match="matplotlib") as caught:
            attempt()
        assert install_command("plot") in caught.value.hint
