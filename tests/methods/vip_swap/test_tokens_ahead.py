"""A token is renewed before the outage rather than in it, and in it rather in a pause than before a write."""

from __future__ import annotations

import pytest
import requests

from tests.methods.vip_swap.lab import ENDPOINT, PRODUCTION_IP, Lab, same
from vipswap_rest.arm.auth.renewed import RENEW_BEFORE_S, RENEWAL_TIMEOUT_S, Renewed
from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.errors import CredentialError
from vipswap_rest.arm.http import Transport
from vipswap_rest.emulator import Settings
from vipswap_rest.emulator.settings import SUBSCRIPTION

ROUND_TRIP_S = 0.4


class Slow(Renewed):
    """Tokens that take a while to come; what was fetched, and when that began."""

    description = "tokens of the tests"

    def __init__(self, lab: Lab, life_s: float) -> None:
        super().__init__(lab.clock)
        self.life_s, self.lab, self.fetched, self.down = life_s, lab, list[float](), False

    def _fetch(self, timeout_s: float) -> tuple[str, float]:
        self.fetched.append(self._clock.monotonic())
        self._clock.sleep(timeout_s if self.down else ROUND_TRIP_S)
        if self.down:
            raise CredentialError("The token service is down.")
        return "any", self.life_s


class TokenLab(Lab):
    """A lab whose client has such tokens."""

    life_s = 3600.0

    def client(self) -> ArmClient:
        session = requests.Session()
        session.mount("http://", self.wire)
        self.tokens = Slow(self, self.life_s)
        return ArmClient(Transport(ENDPOINT, self.tokens, clock=self.clock, session=session), SUBSCRIPTION)


def outage(lab: Lab) -> tuple[float, float]:
    events = [event for event in lab.timeline() if same(event["public_ip"], PRODUCTION_IP)]
    begun = next(event["t"] for event in events if event["event"] == "request_accepted")
    return begun, next(event["t"] for event in events if event["event"] == "operation_succeeded")


def swap_with(lab: TokenLab, age_s: float) -> tuple[float, float]:
    """A swap whose token is that old when the first write leaves; gives the outage."""

    def before(request: requests.PreparedRequest) -> None:
        if request.method == "PUT":
            lab.clock.sleep(age_s)
            lab.wire.before = lambda request: None

    lab.wire.before = before
    report = lab.swap()
    assert report.exit_code == 0, report.error
    return outage(lab)


# When the outage begins the token has 35 s less: that is how long the float takes, and staging's step to it.
@pytest.mark.parametrize("left_s", [40.0, 60.0, 100.0, 500.0])
def test_a_token_that_would_be_due_in_the_outage_is_renewed_before_it(left_s: float) -> None:
    lab = TokenLab(Settings(latency="blog"))

    begun, ended = swap_with(lab, lab.life_s - RENEW_BEFORE_S - left_s)

    assert len(lab.tokens.fetched) == 2
    assert lab.tokens.fetched[1] < begun - ROUND_TRIP_S + 0.1
    assert [at for at in lab.tokens.fetched if begun <= at <= ended] == []


def test_a_token_that_lasts_is_not_renewed() -> None:
    lab = TokenLab(Settings(latency="blog"))
    swap_with(lab, 0.0)

    assert len(lab.tokens.fetched) == 1


def test_tokens_that_live_shorter_than_the_outage_cost_it_nothing() -> None:
    short, long = TokenLab(Settings(latency="blog")), TokenLab(Settings(latency="blog"))
    short.life_s = 20.0

    begun, ended = swap_with(short, 0.0)
    expected = swap_with(long, 0.0)

    assert len([at for at in short.tokens.fetched if begun <= at <= ended]) >= 3
    # Less than one of the fetches that lie within it.
    assert ended - begun < expected[1] - expected[0] + ROUND_TRIP_S


def test_a_token_service_that_hangs_prolongs_the_outage_by_one_short_try_at_most() -> None:
    lab, undisturbed = TokenLab(Settings(latency="blog")), TokenLab(Settings(latency="blog"))
    expected = swap_with(undisturbed, 0.0)

    def before(request: requests.PreparedRequest) -> None:
        if request.method == "PUT" and not lab.tokens.down:
            lab.tokens.down = True
            # It will be due twenty seconds after the outage's beginning, and lasts for five minutes more.
            lab.clock.sleep(lab.life_s - RENEW_BEFORE_S - 55)

    lab.wire.before = before
    report = lab.swap()

    assert report.exit_code == 0, report.error
    begun, ended = outage(lab)
    tries = [at for at in lab.tokens.fetched[1:] if begun <= at <= ended]
    assert lab.tokens.fetched[1] < begun, "it was tried before the outage, too"
    assert len(tries) <= 1
    assert ended - begun <= expected[1] - expected[0] + RENEWAL_TIMEOUT_S + 1
