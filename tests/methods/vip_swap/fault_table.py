"""What can go wrong with one request, how often, and what must be true of the swap that it struck."""

from __future__ import annotations

from typing import Any

from tests.methods.vip_swap.lab import Laboratory, exchanged
from vipswap_rest.arm.errors import VipswapError
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.recovery import Recovery
from vipswap_rest.methods.vip_swap.run import Options
from vipswap_rest.switchover.state import Limits

EFFECTS: dict[str, dict[str, Any]] = {
    "400": {"status": 400},
    "401": {"status": 401},
    "403": {"status": 403},
    "404": {"status": 404},
    "409": {"status": 409},
    "412": {"status": 412},
    "429": {"status": 429},
    "429 with Retry-After": {"status": 429, "headers": {"Retry-After": "3"}},
    "500": {"status": 500},
    "503": {"status": 503},
    "no JSON": {"status": 200, "body": "<html>a proxy</html>"},
    "a lost answer": {"lose_response": True},
    "a reset": {"reset": True},
    "a hang": {"hang_s": 90},
    "a hang before": {"hang_s": 90, "before": True},
    "a zombie": {"hang_s": 90, "before": True, "zombie": True},
    "a failed operation": {"fail_operation": {"code": "InternalServerError", "message": "An error occurred."}},
    "a failed operation that goes back": {
        "fail_operation": {"code": "InternalServerError", "message": "An error occurred.", "restore": True}
    },
    "a canceled operation": {"cancel_operation": True},
    "a slow operation": {"delay_operation_s": 120},
    "a lost operation": {"drop_operation": True},
    "stale reads": {"stale_reads_s": 20},
}
# How often it strikes, from the nth request on.
TIMES = {"once": 1, "three times": 3, "for ever": 10**6}


def run(lab: Laboratory, opening: Opening, limits: Limits | None = None) -> tuple[int, str]:
    """The exit code of a swap, and what it said."""
    try:
        report = lab.swap(options=Options(opening=opening, limits=limits or Limits()))
    except VipswapError as error:
        return error.exit_code, str(error)
    return report.exit_code, f"{report.outcome}: {report.error}"


def check(lab: Laboratory, original: dict[str, dict[str, Any]], code: int, told: str) -> None:
    """The exit code is true: what it says of the state is so; and 6 can be recovered once the fault is gone."""
    lab.heal()
    lab.rest()
    now, goal = lab.snapshot(), exchanged(original)
    left = lab.floats()
    if code == 0:
        assert {id: body for id, body in now.items() if id not in left} == goal, told
        assert lab.unsettled() == [], told
        # A float that could not be deleted is tagged done, and no lock.
        assert all(lab.get(id)["tags"]["vipswap-state"] == "done" for id in left), told
        return
    if code in (1, 3, 4, 5):
        assert now == original, told
        assert lab.unsettled() == [], told
        return
    assert code in (6, 7), told
    if code == 6 and not left:
        # Nothing could be read any more while the float was being made, or deleted: 6 is what is safe to say.
        assert now in (original, goal), told
        assert lab.recover().exit_code == 0, told
        return
    report = lab.recover(Recovery.RESUME if code == 6 else Recovery.ROLLBACK)
    assert report.exit_code == 0, f"{told}; then {report.outcome}: {report.error}"
    assert lab.snapshot() == (goal if code == 6 else original), told
    assert lab.floats() == [], told
    assert lab.unsettled() == [], told
