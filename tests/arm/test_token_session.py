"""msal's HTTP client: every request ends, and a redirect gets no secret."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest
import requests

import vipswap_rest
from tests.hostile.scenarios import SCENARIOS, of
from tests.hostile.servers import playing, told
from vipswap_rest.arm.auth import application
from vipswap_rest.arm.auth.application import TOKEN_TIMEOUT_S, _TokenSession

SECRET = {"client_secret": "not-for-others"}


def test_it_asks_for_an_answer_within_a_time_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(requests.Session, "request", lambda self, *args, **options: seen.append(options))
    with _TokenSession("https://login.example", None) as session:
        session.get("https://login.example/x")
        session.post("https://login.example/x", data={}, timeout=7)

    assert [options["timeout"] for options in seen] == [TOKEN_TIMEOUT_S, 7]
    assert 0 < TOKEN_TIMEOUT_S <= 60


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_of_a_token_request_is_not_followed(status: int) -> None:
    with ExitStack() as stack:
        other = stack.enter_context(playing(lambda call: told(200, {})))
        server = stack.enter_context(playing(lambda call: told(status, None, Location=f"{other.url}/token")))
        session = stack.enter_context(_TokenSession(server.url, None))
        answer = session.post(f"{server.url}/token", data=SECRET)

    assert answer.status_code == status
    assert other.connections == 0


@pytest.mark.parametrize("name", [*of("dripping_headers")[:1], *of("dripping_body")[:2]])
def test_a_token_service_that_drips_is_given_up(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "TOKEN_TIMEOUT_S", 0.3)
    with playing(SCENARIOS[name].rule) as server, _TokenSession(server.url, None) as session:
        began = time.monotonic()
        with pytest.raises(requests.RequestException):
            session.get(f"{server.url}/token?api-version=1&resource=x")

    assert time.monotonic() - began < 8
    assert server.requests[0].target == "/token?api-version=1&resource=x"


def test_a_token_request_says_who_asks() -> None:
    with playing(lambda call: told(200, {})) as server, _TokenSession(server.url, None) as session:
        session.post(f"{server.url}/token", data=SECRET)

    assert server.requests[0].headers["user-agent"].startswith(f"vipswap_rest/{vipswap_rest.__version__} ")
