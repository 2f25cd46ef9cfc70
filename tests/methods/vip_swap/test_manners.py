"""How often ARM is asked: by our own pace, within its budget of reads; by its Retry-After only with --polite.

All on a virtual clock; the emulator's own Retry-After is 10 s at first, and grows from poll to poll.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import requests

from tests.methods.vip_swap.lab import PRODUCTION_IP, ROUND_TRIP_S, Lab, same
from vipswap_rest.emulator import Settings
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.run import Options
from vipswap_rest.switchover.pace import READ_RESERVE

RETRY_AFTER_S = 10.0
# What the polls of one operation ask for, in multiples of the first, as recorded; a new public IP's first asks for 1 s.
GROWTH, GROWTH_OF_CREATES = (1, 2, 2, 4, 4, 8, 16), (1, 2, 2, 4, 4, 8, 8)
# The clock moves by half a round trip before a request is noted.
ROUNDING_S = 2 * ROUND_TRIP_S + 1e-6


def swapped(options: Options | None = None, settings: Settings | None = None) -> Lab:
    lab = Lab(settings or Settings(latency="blog"))
    report = lab.swap(options=options or Options())
    assert report.exit_code == 0, report.error
    return lab


@dataclass(frozen=True)
class Pause:
    """Between two polls of one operation: its length, how long had been polled by then, and what ARM asked for."""

    seconds: float
    waited: float
    asked: float


def begun(lab: Lab) -> float:
    """When the write was accepted that took production's address off."""
    events = (event for event in lab.timeline() if same(event["public_ip"], PRODUCTION_IP))
    return float(next(event["t"] for event in events if event["event"] == "request_accepted"))


def pauses(lab: Lab, *, inside: bool) -> list[Pause]:
    """The pauses of the operations from the write that takes production's address off to the one that attaches it;
    or those of all the others."""
    found, write, times = [], lab.core.requests[0], []
    for entry in lab.core.requests:
        if entry["method"] != "GET":
            write, times = entry, []
        elif "/operations/" in entry["path"]:
            times.append(entry["t"])
            within = write["t"] >= begun(lab) and write["method"] != "DELETE"
            if len(times) > 1 and within is inside:
                creates = write["method"] == "PUT" and "/publicIPAddresses/" in write["path"]
                growth = GROWTH_OF_CREATES if creates else GROWTH
                asked = (1.0 if creates else RETRY_AFTER_S) * growth[min(len(times) - 2, len(growth) - 1)]
                found.append(Pause(times[-1] - times[-2], times[-2] - times[0], asked))
    return found


@pytest.mark.parametrize("opening", Opening)
def test_the_pace_inside_the_outage(opening: Opening) -> None:
    """A tenth of a second in an operation's first minute, then a fiftieth of the time waited, one second at most."""
    found = pauses(swapped(Options(opening=opening)), inside=True)

    assert len(found) > 50
    for pause in found:
        expected = 0.1 if pause.waited < 60.0 else min(1.0, 0.02 * pause.waited)
        assert expected - ROUNDING_S <= pause.seconds <= expected + ROUNDING_S, pause


@pytest.mark.parametrize("opening", [Opening.FLOAT_ON_STAGING, Opening.NATIVE])
def test_the_pace_outside_the_outage(opening: Opening) -> None:
    """A twentieth of the time waited, a quarter of a second at least, and never longer than ARM asks for."""
    found = pauses(swapped(Options(opening=opening)), inside=False)

    assert found
    for pause in found:
        expected = min(pause.asked, max(0.25, 0.05 * pause.waited))
        assert expected - ROUNDING_S <= pause.seconds <= expected + ROUNDING_S, pause


@pytest.mark.parametrize("opening", Opening)
def test_a_polite_swap_waits_as_long_as_arm_asks_for_inside_the_outage_too(opening: Opening) -> None:
    lab = swapped(Options(opening=opening, polite=True))

    found = pauses(lab, inside=True)
    assert found
    for pause in found:
        assert pause.seconds == pytest.approx(pause.asked, abs=ROUNDING_S)
    assert len(lab.core.requests) < len(swapped(Options(opening=opening)).core.requests) / 2


@pytest.mark.parametrize(("left", "expected"), [(READ_RESERVE, 0.1), (READ_RESERVE - 1, 1.0), (0, 1.0)])
@pytest.mark.parametrize("asked", ["10", "0", None], ids="Retry-After {}".format)
def test_with_few_reads_left_the_outage_is_polled_once_a_second_and_never_as_fast_as_answers_come(
    asked: str | None, left: int, expected: float
) -> None:
    lab = Lab(Settings(latency="blog"))
    exchange = lab.wire.exchange

    def told(*arguments: Any, **options: Any) -> requests.Response:
        response = exchange(*arguments, **options)
        response.headers["x-ms-ratelimit-remaining-subscription-reads"] = str(left)
        if "Retry-After" in response.headers and asked is None:
            del response.headers["Retry-After"]
        elif "Retry-After" in response.headers:
            response.headers["Retry-After"] = str(asked)
        return response

    lab.wire.exchange = told  # type: ignore[method-assign]
    report = lab.swap()
    assert report.exit_code == 0, report.error

    first = [pause for pause in pauses(lab, inside=True) if pause.waited < 3]
    assert len(first) >= 3
    for pause in first:
        assert pause.seconds == pytest.approx(expected, abs=ROUNDING_S)


def test_a_short_retry_after_holds_inside_the_outage() -> None:
    # Ten seconds, a hundred and fiftieth of it.
    lab = swapped(settings=Settings(latency="blog", time_scale=1 / 150))

    found = pauses(lab, inside=True)
    assert found
    for pause in found:
        expected = min(pause.asked / 150, max(0.1, 0.02 * pause.waited))
        assert pause.seconds == pytest.approx(expected, abs=ROUNDING_S)
