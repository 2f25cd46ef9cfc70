"""The clock seam."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from vipswap_rest.arm.clock import SystemClock, rfc3339


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 31, 8, 15, 30, 123456, timezone.utc), "2026-01-31T08:15:30.123Z"),
        (datetime(2026, 1, 31, 0, 15, 30, 0, timezone(timedelta(hours=2))), "2026-01-30T22:15:30.000Z"),
        (datetime(2026, 1, 31, 8, 15, 30, 999999, timezone.utc), "2026-01-31T08:15:30.999Z"),
    ],
)
def test_a_moment_is_written_in_utc_with_milliseconds(moment: datetime, text: str) -> None:
    assert rfc3339(moment) == text


def test_the_systems_clock_goes_forward_and_is_in_utc() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    clock.sleep(0.001)

    assert clock.monotonic() - before >= 0.001
    assert clock.now().tzinfo is timezone.utc


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_there_is_no_waiting_back(seconds: float) -> None:
    clock = SystemClock()
    before = clock.monotonic()

    clock.sleep(seconds)

    assert clock.monotonic() >= before
