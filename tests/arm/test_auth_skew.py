"""Clocks that differ: this machine's, and those of the token service and ARM, which are an emulator's over TLS."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.test_credentials import keys, with_certificate, with_federated_token, with_secret
from vipswap_rest.arm.auth import find_credential
from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.clouds import PUBLIC
from vipswap_rest.arm.errors import CredentialError
from vipswap_rest.arm.http import Credential, Transport
from vipswap_rest.arm.network import list_subscriptions
from vipswap_rest.emulator import clock, server
from vipswap_rest.emulator.identity.managed_identity import IDENTITY_HEADER
from vipswap_rest.emulator.server import EmulatorServer
from vipswap_rest.emulator.settings import CLIENT_ID, SUBSCRIPTION, TENANT, Settings

__all__ = ["keys"]
HOUR_S, MINUTE_S = 3600.0, 60.0


@contextmanager
def emulator(ahead_s: float, monkeypatch: pytest.MonkeyPatch, lifetime_s: int = 60) -> Iterator[EmulatorServer]:
    """An emulator whose time of day is so many seconds ahead of this machine's."""

    class Ahead(clock.SystemClock):
        def now(self) -> datetime:
            return super().now() + timedelta(seconds=ahead_s)

    monkeypatch.setattr(server, "SystemClock", Ahead)
    with EmulatorServer(Settings(tls=True, require_token=True, token_lifetime_s=lifetime_s)) as found:
        yield found


def credential_of(found: EmulatorServer, variables: dict[str, str]) -> Credential:
    ids = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT_ID, "AZURE_AUTHORITY_HOST": found.endpoint}
    return find_credential({**ids, **variables}, cloud=PUBLIC, ca_file=found.ca_file)


def client_of(found: EmulatorServer, credential: Credential) -> ArmClient:
    return ArmClient(Transport(found.endpoint, credential, ca_file=found.ca_file), SUBSCRIPTION)


@pytest.mark.parametrize("ahead_s", [-HOUR_S, HOUR_S])
def test_a_secret_does_not_mind_the_time(ahead_s: float, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with emulator(ahead_s, monkeypatch) as found:
        client = client_of(found, credential_of(found, with_secret(keys).environment))

        assert list(list_subscriptions(client))
        assert list(list_subscriptions(client))
        assert found.core.tokens.issued == 1


@pytest.mark.parametrize("ahead_s", [-4 * MINUTE_S, 4 * MINUTE_S])
def test_an_assertion_may_be_minutes_off(ahead_s: float, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with emulator(ahead_s, monkeypatch) as found:
        for login in (with_certificate("own.pem")(keys), with_federated_token()(keys)):
            assert credential_of(found, login.environment).token()


def test_an_assertion_that_has_ended_by_the_token_services_clock_is_refused_with_a_word_about_the_clock(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with emulator(HOUR_S, monkeypatch) as found, pytest.raises(CredentialError, match="AADSTS700024") as refused:
        credential_of(found, with_certificate("own.pem")(keys).environment).token()

    assert "clock" in refused.value.hint


def identity(found: EmulatorServer, monkeypatch: pytest.MonkeyPatch) -> Credential:
    """An App Service's, whose answer names the end of its token's life by the time of day only."""
    variables = {"IDENTITY_ENDPOINT": f"{found.endpoint}/msi/token", "IDENTITY_HEADER": IDENTITY_HEADER}
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    return find_credential(variables, cloud=PUBLIC, ca_file=found.ca_file)


def test_a_token_that_is_over_by_this_machines_fast_clock_is_used_and_not_fetched_at_every_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with emulator(-HOUR_S, monkeypatch) as found:
        client = client_of(found, identity(found, monkeypatch))
        for _ in range(5):
            assert list(list_subscriptions(client))

        assert found.core.tokens.issued == 1


def test_a_token_that_is_good_by_this_machines_slow_clock_and_over_by_arms_is_renewed_when_arm_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with emulator(HOUR_S, monkeypatch, lifetime_s=1) as found:
        client = client_of(found, identity(found, monkeypatch))
        assert list(list_subscriptions(client))
        first = found.core.tokens.issued
        until = time.monotonic() + 1.1
        while time.monotonic() < until:
            time.sleep(0.05)

        assert list(list_subscriptions(client))
        assert found.core.tokens.issued == first + 1
        assert [entry["status"] for entry in found.core.requests][-2:] == [401, 200]
