"""How long to wait between two polls of an operation. Pure."""

from __future__ import annotations

from vipswap_rest.arm.lro import polite
from vipswap_rest.switchover.state import InFlight, RunState

# Below this many reads left in ARM's bucket, which fills again at 25 a second, nothing is polled faster than once a
# second.
READ_RESERVE = 50
# While an endpoint is off: so long between polls of a young operation, later a share of its age (seconds).
SOON_S, YOUNG_S, SHARE = 0.1, 60.0, 0.02
# While none is.
LATER_S, LATER_SHARE = 0.25, 0.05
LONGEST_S = 1.0


def pause_between_polls(state: RunState, flight: InFlight, retry_after: float | None) -> float:
    """Seconds between two polls. They are ours to choose within the read budget, which is what Retry-After protects;
    a polite run keeps to it.

    The reported outage of an endpoint ends when Succeeded is read, so those are polled soonest that put one on, and all
    while production is off.
    """
    waited = flight.due - flight.since
    attaching = bool(set(flight.action.attaches) & set(state.method.endpoints))
    outage = state.production_out or attaching
    if state.policy.polite or (state.reads_left is not None and state.reads_left < READ_RESERVE and not outage):
        return polite(waited, retry_after)
    if state.reads_left is not None and state.reads_left < READ_RESERVE:
        return LONGEST_S
    if outage:
        ours = SOON_S if waited < YOUNG_S else min(LONGEST_S, SHARE * waited)
    else:
        ours = max(LATER_S, LATER_SHARE * waited)
    # A Retry-After of 0 is no invitation to ask as fast as answers come.
    return min(retry_after or ours, ours)
