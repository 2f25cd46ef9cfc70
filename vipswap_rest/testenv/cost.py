"""What the test environment costs a day, roughly: list prices, pay as you go, without traffic and taxes."""

from __future__ import annotations

from collections.abc import Sequence

AS_OF = "2024"
# US dollars a day, by West US's list prices of that year: load balancers and addresses, and machines of the least size.
_BASE, _EXTRAS = 2.5, {"pool": 2.0, "gateway": 8.0, "rolling": 2.0}


def daily(extras: Sequence[str]) -> str:
    """One sentence with the figure and its date."""
    total = _BASE + sum(_EXTRAS[one] for one in extras)
    return f"It costs roughly {total:.0f} US dollars a day (list prices of {AS_OF}) until it is deleted."
