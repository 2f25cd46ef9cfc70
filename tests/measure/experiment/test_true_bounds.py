"""No lower bound is printed above its value, no upper bound below it: in text, JSON, pictures and the report page."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.measure.experiment.bench import manifest
from tests.measure.experiment.recordings import GROUP, operations, probed, recording
from tests.measure.experiment.test_page import Reader
from vipswap_rest.arm.ids import ResourceId
from vipswap_rest.cli.experiment_report import print_summary
from vipswap_rest.cli.probe_report import findings_json, print_findings
from vipswap_rest.cli.report import print_report
from vipswap_rest.cli.watched import observation
from vipswap_rest.measure.experiment.design import Role, Way
from vipswap_rest.measure.experiment.measured import measure
from vipswap_rest.measure.experiment.page import page
from vipswap_rest.measure.experiment.runner import line_of
from vipswap_rest.measure.experiment.summary import summary
from vipswap_rest.measure.experiment.trials import Trial
from vipswap_rest.measure.outages import Account
from vipswap_rest.measure.pictures import distribution, timeline
from vipswap_rest.measure.pictures.columns import middles, points
from vipswap_rest.measure.pictures.scene import scene
from vipswap_rest.measure.probe.prober import Findings
from vipswap_rest.measure.recording import Recording
from vipswap_rest.switchover.report import AddressReport, Outcome, Report, Side

# A figure is what it is in nanoseconds.
TICK_S, MICROSECOND = 0.5000001e-9, 1e-6
UNITS = {"ms": 0.001, "s": 1.0}
NUMBER = r"([+-]?\d+(?:\.\d+)?)"
LOWEST = re.compile(rf"(?:at least|>=) ?{NUMBER} (ms|s)\b")
HIGHEST = re.compile(rf"(?:at most|longer than) {NUMBER} (ms|s)\b")
BETWEEN = re.compile(rf"{NUMBER}(?: (ms|s))? to {NUMBER} (ms|s)\b")
# Not the grid that a probe of whole milliseconds would make.
INTERVALS = st.floats(0.0101, 0.9)
LENGTHS = st.one_of(st.just(0.0), st.floats(0.02, 4.0))
ID = ResourceId.parse(f"{GROUP.replace('/0/', '/00000000-0000-0000-0000-000000000000/')}/publicIPAddresses/pip")


def seen(interval_s: float, down_s: float, end: float = 112.0) -> Recording:
    """A swap in which production was down for so long, and whose probe asked every so many seconds."""
    downs = [(103.0, 103.0 + down_s)] if down_s else []
    found = probed("production", downs, interval_s=interval_s, end=end)
    steps = operations(("production_to_staging_address", 103, 103.1), ("staging_to_production_address", 103.1, 104))
    return recording(found, writes=steps)


def account_of(swap: Recording) -> Account:
    return swap.probed[0].findings.account


def check(said: str, account: Account) -> None:
    """Compare all the bounds in some words with those of the one outage, or with the longest that went unseen."""
    outage = account.outages[0] if account.outages else None
    lower = outage.lower_s if outage else 0.0
    upper = account.undetected_upper_s if outage is None else outage.upper_s
    lows = [float(number) * UNITS[unit] for number, unit in LOWEST.findall(said)]
    highs = [float(number) * UNITS[unit] for number, unit in HIGHEST.findall(said)]
    for low, low_unit, high, high_unit in BETWEEN.findall(said):
        lows.append(float(low) * UNITS[low_unit or high_unit])
        highs.append(float(high) * UNITS[high_unit])
    assert lows or highs, said
    assert all(low <= lower + TICK_S for low in lows), (said, lower)
    assert not highs or upper is not None, said
    assert all(high >= (upper or 0.0) - TICK_S for high in highs), (said, upper)


def printed(show: Callable[[], None]) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        show()
    return out.getvalue()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(INTERVALS, LENGTHS)
def test_a_probe_and_a_swap_say_true_bounds(interval_s: float, down_s: float) -> None:
    swap = seen(interval_s, down_s)
    account, found = account_of(swap), swap.probed[0].findings
    findings = Findings((found,), interval_s, 98.0, 112.0, False, 0.0, 0.0)
    words = printed(lambda: print_findings(findings))
    told = findings_json(findings)["addresses"][0]
    watched = observation(found)
    report = AddressReport(ID, "127.64.0.1", ID, ID, (103.0, 104.0), watched)

    if account.outages:
        check(re.search(r"outages +(.*about)", words)[1], account)  # type: ignore[index]
    check(re.search(r"unseen +(.*)", words)[1], replace(account, outages=()))  # type: ignore[index]
    told_report = printed(lambda: print_report(Report(Outcome.SWAPPED, "float", 0, {Side.PRODUCTION: report})))
    check(re.search(r"production +1\.000 s +(.*)", told_report)[1], account)  # type: ignore[index]
    for json_ in (told, report.as_json()):
        assert json_["undetected_upper_s"] >= account.undetected_upper_s - TICK_S
        for one, outage in zip(json_["observed_outages"], account.outages, strict=True):
            assert one["lower_s"] <= outage.lower_s + TICK_S
            assert one["upper_s"] >= (outage.upper_s or 0.0) - TICK_S
    for one, outage in zip(told["observed_outages"], account.outages, strict=True):
        assert one["after_s"] <= (outage.after or 0.0) - 98.0 + TICK_S
        assert one["before_s"] >= (outage.before or 0.0) - 98.0 - TICK_S
    lag = report.lag_s
    if lag is not None:
        shown = re.search(rf"\) +{NUMBER} (ms|s)$", told_report, re.MULTILINE)
        assert shown
        assert float(shown[1]) * UNITS[shown[2]] >= lag - TICK_S


@settings(max_examples=12, deadline=None, derandomize=True)
@given(INTERVALS, LENGTHS, st.booleans())
def test_the_picture_of_a_swap_says_true_bounds(interval_s: float, down_s: float, still_down: bool) -> None:
    swap = seen(interval_s, 60.0 if still_down else down_s)
    figure = timeline(swap)
    texts = [text.get_text() for text in [*figure.texts, *figure.axes[0].texts]]

    said = [text for text in texts if text.startswith(("down ", "no outage seen"))]
    assert said
    for one in said:
        check(one, account_of(swap))
    assert (
        not scene(swap).lanes[0].remark
        or not account_of(swap).outages
        or "none longer" not in scene(swap).lanes[0].remark
    )


def trial(number: int, swap: Recording) -> Trial:
    measured = measure(swap)
    measured["staging"] = measured["production"]
    way, block = (Way.THERE, Way.BACK)[number % 2], number // 2
    return Trial(
        number + 1, Role.TRIAL, block, "float", way, 1, True, None, "", True, measured, None, {"outcome": "swapped"}
    )


ROWS = {"observed, lower bound": -1, "observed, upper bound": 1, "lag": 1}


def number_in(cell: str) -> float:
    found = re.search(rf"{NUMBER} (ms|s)", cell)
    return float(found[1]) * UNITS[found[2]] if found else float(cell.removesuffix(" s"))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.lists(st.tuples(INTERVALS, st.floats(1.0, 4.0)), min_size=4, max_size=4))
def test_an_experiment_says_true_bounds_in_json_table_page_and_picture(swaps: list[tuple[float, float]]) -> None:
    recordings = [seen(*one) for one in swaps]
    accounts = [account_of(one) for one in recordings]
    trials = [trial(number, one) for number, one in enumerate(recordings)]
    told = summary(manifest(strategies=("float",), trials=4), trials)
    lines = [one.as_json() for one in trials]
    figures = told["strategies"]["float"]["production"]
    lowers = [one.outages[0].lower_s for one in accounts]
    uppers = [one.outages[0].upper_s or 0.0 for one in accounts]
    lags = [(one.outages[0].before or 0.0) - 104 for one in accounts]

    # Kept, and summed up.
    for line, lower, upper, lag in zip(lines, lowers, uppers, lags, strict=True):
        assert line["production"]["lower_s"] <= lower + TICK_S
        assert line["production"]["upper_s"] >= upper - TICK_S
        assert line["production"]["lag_s"] >= lag - TICK_S
    for name, values, least in (("lower", lowers, True), ("upper", uppers, False), ("lag", lags, False)):
        for end, true in (("min", min(values)), ("max", max(values)), ("median", middle(values))):
            assert enclosed(figures[name][end], true, least), name
    # With four swaps the interval is all of the column, as it is kept: in microseconds.
    for name in ("lower", "upper", "lag"):
        kept = [line["production"][f"{name}_s"] for line in lines]
        assert figures[name]["interval"]["low"] <= min(kept)
        assert figures[name]["interval"]["high"] >= max(kept)

    # In words.
    for line, account, one in zip(lines, accounts, trials, strict=True):
        check(line_of(one, done=1, planned=4), account)
        assert line["production"]["outages"] == 1
    reader = Reader(page(told, lines, []))
    for row, account in zip(reader.table("swap", "counted"), accounts, strict=True):
        check(row[4], account)
    for row in reader.table("strategy", "MAD"):
        if row[2] in ROWS and row[1] == "production":
            values = {"observed, lower bound": lowers, "observed, upper bound": uppers, "lag": lags}[row[2]]
            for cell, true in ((row[4], middle(values)), (row[8], min(values)), (row[9], max(values))):
                assert enclosed(number_in(cell), true, ROWS[row[2]] < 0), (row, true)
    table = printed(lambda: print_summary(told)).split("staging's address")[0]
    for label, values, least in (("at least", lowers, True), ("at most", uppers, False), ("lag", lags, False)):
        row = re.search(rf"{label} +4 +{NUMBER} +{NUMBER} to {NUMBER} \(.*\) +{NUMBER} +{NUMBER} +{NUMBER}", table)
        assert row, table
        assert enclosed(float(row[1]), middle(values), least)
        assert enclosed(float(row[5]), min(values), least)
        assert enclosed(float(row[6]), max(values), least)
        assert float(row[2]) <= min(values) + MICROSECOND
        assert float(row[3]) >= max(values) - MICROSECOND
    figure = distribution(points(lines), middles(told), emulated=True)
    estimates = [one.outages[0].estimate_s or 0.0 for one in accounts]
    for text in (text.get_text() for text in figure.axes[0].texts if "interval" in text.get_text()):
        low, low_unit, high, high_unit = BETWEEN.search(text).groups()  # type: ignore[union-attr]
        assert float(low) * UNITS[low_unit or high_unit] <= min(estimates) + MICROSECOND
        assert float(high) * UNITS[high_unit] >= max(estimates) - MICROSECOND


def middle(values: list[float]) -> float:
    ordered: list[Any] = sorted(values)
    half = len(ordered) // 2
    return float(ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2)


def enclosed(shown: float, true: float, least: bool) -> bool:
    return shown <= true + TICK_S if least else shown >= true - TICK_S
