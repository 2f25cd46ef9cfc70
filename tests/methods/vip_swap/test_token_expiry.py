"""A token that ARM refuses in the middle of a swap is renewed unseen; no write is lost, and none is done twice."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import responses

from tests.methods.vip_swap.lab import ENDPOINT, Lab, exchanged
from tests.methods.vip_swap.moments import moments
from vipswap_rest.arm.auth import ClientSecret
from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.clouds import PUBLIC
from vipswap_rest.arm.http import Transport
from vipswap_rest.emulator import Settings
from vipswap_rest.emulator.settings import CLIENT_ID, CLIENT_SECRET, SUBSCRIPTION, TENANT
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.run import Options

LATENCY = Settings(latency="standard", time_scale=0.1, seed=3)
AUTHORITY = f"{PUBLIC.authority}/{TENANT}"
TOKENS = f"{AUTHORITY}/oauth2/v2.0/token"


class TokenService:
    """Entra ID as msal asks it: every token is another one, and lives for `lifetime_s`."""

    def __init__(self, mock: responses.RequestsMock) -> None:
        self.lifetime_s = 3600
        self.given = 0
        discovery = {"token_endpoint": TOKENS, "authorization_endpoint": f"{AUTHORITY}/authorize", "issuer": AUTHORITY}
        mock.get(f"{AUTHORITY}/v2.0/.well-known/openid-configuration", json=discovery)
        mock.add_callback(responses.POST, TOKENS, self._give)

    def _give(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        self.given += 1
        token = {"token_type": "Bearer", "access_token": f"token-{self.given}", "expires_in": self.lifetime_s}
        return 200, {}, json.dumps(token)


@pytest.fixture
def token_service() -> Iterator[TokenService]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield TokenService(mock)


class LoggedIn(Lab):
    """The lab with a client that has its tokens from the token service, through msal."""

    def client(self) -> ArmClient:
        session = requests.Session()
        session.mount("http://", self.wire)
        credential = ClientSecret(TENANT, CLIENT_ID, CLIENT_SECRET, cloud=PUBLIC, clock=self.clock)
        return ArmClient(Transport(ENDPOINT, credential, clock=self.clock, session=session), SUBSCRIPTION)

    def done(self) -> list[tuple[str, str]]:
        """The writes that ARM took, in their order."""
        taken = [entry for entry in self.core.requests if entry["method"] != "GET" and entry["status"] < 300]
        return [(entry["method"], entry["path"]) for entry in taken]


def untroubled(opening: Opening) -> LoggedIn:
    """A swap with a token that lasts."""
    lab = LoggedIn(LATENCY)
    assert lab.swap(options=Options(opening=opening)).exit_code == 0
    return lab


def check_unseen(lab: LoggedIn, opening: Opening, writes: list[tuple[str, str]], told: str) -> None:
    """The swap succeeds by exactly these writes, each done once; a refused request comes again at once."""
    original = lab.snapshot()

    report = lab.swap(options=Options(opening=opening))

    assert report.exit_code == 0, f"{told}: {report.error}"
    assert lab.snapshot() == exchanged(original), told
    assert (lab.floats(), lab.unsettled()) == ([], []), told
    assert lab.done() == writes, told
    sent = lab.core.requests
    for refused, again in itertools.pairwise(sent):
        if refused["status"] == 401:
            assert (again["method"], again["path"]) == (refused["method"], refused["path"]), told
            assert again["authorized"], told
            assert again["t"] - refused["t"] < 0.1, told
    assert sent[-1]["status"] != 401, told


def refused(lab: LoggedIn) -> int:
    return sum(entry["status"] == 401 for entry in lab.core.requests)


@pytest.mark.parametrize("opening", Opening)
def test_a_token_that_expires_at_any_request_of_a_swap_is_renewed_unseen(
    opening: Opening, token_service: TokenService
) -> None:
    expected = untroubled(opening)
    for number in moments([entry["method"] for entry in expected.core.requests], turn=0):
        lab, given = LoggedIn(LATENCY), token_service.given
        lab.core.faults.add({"match": {"nth": number}, "effect": {"expire_token": True}})

        check_unseen(lab, opening, expected.done(), f"at request {number}")

        assert refused(lab) == 1, f"at request {number}"
        assert token_service.given == given + 2, f"at request {number}"


@pytest.mark.parametrize("opening", Opening)
def test_a_swap_whose_every_token_is_good_for_one_request_succeeds(
    opening: Opening, token_service: TokenService
) -> None:
    lab = LoggedIn(LATENCY)
    lab.core.faults.add({"match": {"every": 2}, "effect": {"expire_token": True}})

    check_unseen(lab, opening, untroubled(opening).done(), "at every second request")

    assert refused(lab) == len(lab.core.requests) // 2


@pytest.mark.parametrize("opening", Opening)
@pytest.mark.parametrize("lifetime_s", [2, 20, 60])
def test_tokens_are_renewed_before_they_expire_however_short_they_live(
    lifetime_s: int, opening: Opening, token_service: TokenService
) -> None:
    expected, lab = untroubled(opening), LoggedIn(Settings(latency="blog"))
    token_service.lifetime_s = lifetime_s
    first_used: dict[str, float] = {}

    def look(request: requests.PreparedRequest) -> None:
        token = str(request.headers["Authorization"])
        assert lab.clock.time - first_used.setdefault(token, lab.clock.time) < lifetime_s

    lab.wire.before = look

    check_unseen(lab, opening, expected.done(), f"{lifetime_s} s")

    assert refused(lab) == 0
    # The longest pause between two requests is Retry-After's 10 s: a token is replaced then at the latest.
    seconds = lab.core.requests[-1]["t"] - lab.core.requests[0]["t"]
    assert len(first_used) >= seconds / (lifetime_s / 2 + 11)
    assert len(first_used) > 1 or seconds < lifetime_s / 2


def test_a_throttled_request_is_sent_again_with_the_token_of_then(token_service: TokenService) -> None:
    token_service.lifetime_s = 20
    lab = LoggedIn(LATENCY)
    used: list[Any] = []
    lab.wire.before = lambda request: used.append(request.headers["Authorization"])
    throttled = {"status": 429, "headers": {"Retry-After": "30"}}
    lab.core.faults.add({"match": {"method": "PUT"}, "effect": throttled})

    assert lab.swap().exit_code == 0

    number = next(index for index, entry in enumerate(lab.core.requests) if entry["status"] == 429)
    assert used[number] != used[number + 1]
    assert refused(lab) == 0
