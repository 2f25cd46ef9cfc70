"""`vipswap probe` against outages of known length, as processes on real sockets: what it says is true."""

from __future__ import annotations

import pytest

from tests.measure.probe.measured import KINDS, LENGTHS_S, measure

INTERVALS_S = (0.01, 0.05, 0.1)
SECONDS = 5.5
# The benchmark takes all of them, and more time.
SHORT_S = [length for length in LENGTHS_S if length <= 1]


@pytest.mark.parametrize("busy", [0, 1], ids=["idle", "beside a busy process"])
def test_every_outage_lies_within_the_bounds_that_are_told(busy: int) -> None:
    tallies = measure(KINDS, INTERVALS_S, SECONDS, busy=busy, seed=f"suite {busy}", lengths_s=SHORT_S)

    assert [broken for tally in tallies for broken in tally.broken] == []
    for tally in tallies:
        assert tally.outages > 0, tally.kind.name
    # Outages of 1 s are among them, and no sampling here misses those.
    assert sum(tally.alone for tally in tallies) > len(tallies)
