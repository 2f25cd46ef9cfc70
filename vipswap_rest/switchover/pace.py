"""How long to wait between two polls of an operation. Pure."""

from __future__ import annotations

from vipswap_rest.arm.lro import polite
from vipswap_rest.switchover.state import RunState

# Below this many reads left in ARM's bucket, which fills again at 25 a second, the outage is polled once a second.
READ_RESERVE = 50


def pause_between_polls(state: RunState, waited: float, retry_after: float | None) -> float:
    """Seconds between polls. They are ours to choose, within the read budget, while production is off.

    And while an endpoint of the switch is being attached: its outage is reported, too, and ends when Succeeded is read.
    """
    attaching = state.operation is not None and bool(set(state.operation.action.attaches) & set(state.method.endpoints))
    if state.policy.polite or not (state.production_out or attaching):
        return polite(waited, retry_after)
    if state.reads_left is not None and state.reads_left < READ_RESERVE:
        return 1.0
    # A Retry-After of 0 is no invitation to ask as fast as answers come.
    return min(retry_after or 1.0, 1.0, max(0.1, 0.02 * waited))
