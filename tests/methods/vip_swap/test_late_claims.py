"""A request for the float whose answer never came may be done later: no float is left behind, and none is denied."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.methods.vip_swap.lab import Lab, arriving_request, exchanged
from vipswap_rest.emulator import Settings
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.run import Options
from vipswap_rest.switchover.state import Limits

CLAIM = {"method": "PUT", "path": "vipswap-float-"}


class LateClaim:
    """The first request for the float gets no answer, and is done `seconds` later, by the laboratory's clock."""

    def __init__(self, lab: Lab, seconds: float) -> None:
        self.lab, self.seconds = lab, seconds
        self.due: float | None = None
        self.request: Any = None
        lab.wire.before = self.before
        lab.strike({"match": CLAIM, "effect": {"reset": True}})

    def before(self, request: requests.PreparedRequest) -> None:
        if self.request is None and request.method == "PUT":
            self.request, self.due = arriving_request(request), self.lab.clock.monotonic() + self.seconds
        elif self.due is not None and self.lab.clock.monotonic() >= self.due:
            self.land()

    def land(self) -> None:
        """Do it, unless it has been done."""
        if self.due is not None:
            self.due = None
            self.lab.wire.land(self.request)


@pytest.mark.parametrize("if_none_match", ["honour", "ignore"])
@pytest.mark.parametrize("seconds", [0.05, 0.3, 1.0, 5.0, 19.0])
@pytest.mark.parametrize("opening", Opening)
def test_a_swap_whose_first_claim_is_done_late_leaves_no_float(
    opening: Opening, seconds: float, if_none_match: str
) -> None:
    lab = Lab(Settings(latency="instant", if_none_match=if_none_match))
    original = lab.snapshot()
    late = LateClaim(lab, seconds)

    report = lab.swap(options=Options(opening=opening))
    late.land()
    lab.rest()

    assert report.exit_code == 0, report.error
    assert lab.snapshot() == exchanged(original)


def test_a_swap_whose_claim_was_answered_late_only_waits_for_nothing() -> None:
    lab = Lab(Settings(latency="instant"))
    lab.strike({"match": CLAIM, "effect": {"lose_response": True}})
    began = lab.clock.monotonic()

    assert lab.swap().exit_code == 0
    assert lab.clock.monotonic() - began < 5


def test_a_swap_that_turns_back_while_its_claim_may_yet_be_done_waits_and_leaves_no_float() -> None:
    lab = Lab(Settings(latency="instant"))
    original = lab.snapshot()
    late = LateClaim(lab, 10.0)
    lab.strike({"match": {**CLAIM, "nth": 2}, "effect": {"status": 400}, "times": 100})

    report = lab.swap()
    late.land()
    lab.rest()

    assert report.exit_code == 1
    assert lab.snapshot() == original


def test_a_swap_that_gives_up_while_its_claim_may_yet_be_done_does_not_say_that_nothing_changed() -> None:
    lab = Lab(Settings(latency="instant"))
    late = LateClaim(lab, 10.0)
    lab.strike({"match": {**CLAIM, "nth": 2}, "effect": {"status": 503}, "times": 100})

    report = lab.swap(options=Options(limits=Limits(patience_s=5)))
    late.land()
    lab.rest()

    assert report.exit_code == 6
    assert "may exist all the same" in str(report.error)
    lab.heal()
    assert lab.recover().exit_code == 0
    assert lab.floats() == []
