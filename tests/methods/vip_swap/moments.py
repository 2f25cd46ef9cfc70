"""At which requests of a run something happens to it in a test: at every one with VIPSWAP_LONG=1, else at a choice."""

from __future__ import annotations

import os
from collections.abc import Sequence

LONG = os.environ.get("VIPSWAP_LONG") == "1"
# Of the reads one of so many.
SHARE = 5


def moments(methods: Sequence[str], turn: int, first: int = 1) -> list[int]:
    """The numbers (from 1) of the requests to choose, of a run whose requests have these methods.

    Each write from the number `first` on, and one read in five, other ones each `turn`.
    """
    numbers = range(1 if LONG else first, len(methods) + 1)
    return [number for number in numbers if LONG or methods[number - 1] != "GET" or (number + turn) % SHARE == 0]
