"""`vipswap login-info`: which login is used, where and until when; never the token."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.arm.test_auth import jwt
from tests.cli.conftest import Arm, Ran, Vipswap
from tests.cli.test_credentials import LOGINS, Login, keys
from vipswap_rest.cli.main import main
from vipswap_rest.emulator.server import EmulatorServer
from vipswap_rest.emulator.settings import CLIENT_ID, SUBSCRIPTION, TENANT, Settings

__all__ = ["keys"]
OTHER_SUBSCRIPTION = "66666666-6666-6666-6666-666666666666"
LIFETIME_S = 600

Told = Callable[..., Ran]


@pytest.fixture(scope="module")
def server(keys: Path) -> Iterator[EmulatorServer]:
    with EmulatorServer(Settings(tls=True, require_token=True, token_lifetime_s=LIFETIME_S)) as found:
        yield found


@pytest.fixture
def told(server: EmulatorServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Told:
    """Runs it with that environment and no other login."""

    def run(environment: dict[str, str], *options: str) -> Ran:
        for name in [name for name in os.environ if name.startswith(("AZURE_", "IDENTITY_", "MSI_"))]:
            monkeypatch.delenv(name)
        given = {"AZURE_RM_ENDPOINT": "ENDPOINT", "REQUESTS_CA_BUNDLE": str(server.ca_file), "PATH": ""} | environment
        for name, text in given.items():
            monkeypatch.setenv(name, text.replace("ENDPOINT", server.endpoint))
        capsys.readouterr()
        code = main(["login-info", *options])
        return Ran(code, *capsys.readouterr())

    return run


APPLICATION = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT_ID}
WORDS = {
    "client secret": "AZURE_CLIENT_SECRET",
    "certificate": "AZURE_CLIENT_CERTIFICATE_PATH",
    "federated token": "AZURE_FEDERATED_TOKEN_FILE",
    "managed identity of a machine": "managed identity",
    "managed identity of an App Service": "managed identity",
}


@pytest.mark.parametrize("name", WORDS)
def test_it_says_which_login_is_used_for_what_and_until_when_but_not_the_token(
    name: str, keys: Path, server: EmulatorServer, told: Told
) -> None:
    login: Login = LOGINS[name](keys)
    before = datetime.now(timezone.utc)

    ran = told({**APPLICATION, **login.environment}, "-o", "json")

    assert (ran.code, ran.err) == (0, "")
    said: dict[str, Any] = ran.json()
    assert WORDS[name] in said.pop("credential")
    expires = datetime.fromisoformat(said.pop("expires_at").replace("Z", "+00:00"))
    assert abs((expires - before).total_seconds() - LIFETIME_S) < 60
    assert said == {
        "identity": CLIENT_ID,
        "tenant": TENANT,
        "subscription": SUBSCRIPTION,
        "cloud": "custom",
        "endpoint": server.endpoint,
        "authority": None if "managed" in name else server.endpoint,
        "audience": "https://management.core.windows.net/",
    }
    for secret in (*login.secrets, "eyJ"):
        assert secret not in ran.out


def test_for_people_it_is_a_line_each(keys: Path, server: EmulatorServer, told: Told) -> None:
    ran = told({**APPLICATION, **LOGINS["client secret"](keys).environment})

    lines = dict(line.split(":", 1) for line in ran.out.splitlines())
    assert lines["subscription"].strip() == SUBSCRIPTION
    assert lines["endpoint"].strip() == server.endpoint
    assert set(lines) == {
        *("credential", "identity", "tenant", "expires", "subscription", "cloud", "endpoint", "authority", "audience")
    }


def test_without_any_credentials_it_is_one_sentence_and_1(told: Told) -> None:
    ran = told({"AZURE_TOKEN_CREDENTIALS": "dev"}, "-o", "json")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines()[0] == "vipswap: There are no credentials."


def test_refused_credentials_are_one_sentence_and_1(told: Told) -> None:
    ran = told({**APPLICATION, "AZURE_CLIENT_SECRET": "wrong"})

    assert (ran.code, ran.out) == (1, "")
    assert "AADSTS7000215" in ran.err
    assert "wrong" not in ran.err


def test_a_token_that_arm_refuses_is_1(told: Told) -> None:
    ran = told({"AZURE_ACCESS_TOKEN": "stray"})

    assert (ran.code, ran.out) == (1, "")
    assert "401 InvalidAuthenticationToken" in ran.err


def test_with_a_subscription_named_arm_is_not_asked(server: EmulatorServer, told: Told) -> None:
    token, asked = jwt(datetime.now(timezone.utc) + timedelta(hours=1)), len(server.core.requests)

    ran = told({"AZURE_ACCESS_TOKEN": token}, "--subscription", OTHER_SUBSCRIPTION, "-o", "json")

    assert (ran.code, ran.json()["subscription"]) == (0, OTHER_SUBSCRIPTION)
    assert ran.json()["expires_at"]
    assert token not in ran.out + ran.err
    assert len(server.core.requests) == asked


@pytest.mark.parametrize(
    ("options", "endpoint"),
    [
        (("--cloud", "AzureUSGovernment"), "https://management.usgovcloudapi.net"),
        (("--cloud", "AzureChinaCloud"), "https://management.chinacloudapi.cn"),
        (("--cloud", "AzureCloud"), "https://management.azure.com"),
        ((), "https://management.azure.com"),
    ],
)
def test_a_cloud_that_is_named_has_its_own_arm(options: tuple[str, ...], endpoint: str, told: Told) -> None:
    ran = told(
        {"AZURE_RM_ENDPOINT": "", "AZURE_ACCESS_TOKEN": "any", "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION},
        *options,
        *("-o", "json"),
    )

    assert ran.code == 0, ran.err
    assert ran.json()["endpoint"] == ran.json()["audience"] == endpoint
    assert ran.json()["cloud"] == (options[1] if options else "AzureCloud")


def test_a_cloud_that_is_named_gives_another_endpoint_its_logins(told: Told) -> None:
    ran = told(
        {"AZURE_ACCESS_TOKEN": "any", "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION},
        *("--cloud", "AzureChinaCloud", "-o", "json"),
    )

    assert (ran.json()["cloud"], ran.json()["audience"]) == ("custom", "https://management.chinacloudapi.cn")


def test_a_cloud_and_an_endpoint_of_another_are_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AZURE_ACCESS_TOKEN", "any")
    line = ["login-info", "--cloud", "AzureCloud", "--endpoint", "https://management.chinacloudapi.cn"]

    assert main(line) == 2
    assert "AzureChinaCloud" in capsys.readouterr().err


def test_where_the_login_sees_several_subscriptions_it_says_so_and_the_rest(
    arm: Arm, vipswap: Vipswap, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = [{"id": f"/subscriptions/{id}", "subscriptionId": id} for id in (SUBSCRIPTION, OTHER_SUBSCRIPTION)]
    requests.post(
        f"{arm.endpoint}/emulator/faults",
        json=[{"match": {"path": "/subscriptions$"}, "effect": {"status": 200, "body": {"value": seen}}}],
        timeout=10,
    ).raise_for_status()
    monkeypatch.delenv("AZURE_SUBSCRIPTION_ID")

    ran = vipswap("login-info", "-o", "json")

    assert (ran.code, ran.json()["subscription"]) == (0, None)
    assert "sees 2 subscriptions" in ran.err


def test_an_endpoint_that_sends_secrets_elsewhere_in_clear_text_gets_none(
    arm: Arm, vipswap: Vipswap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_ACCESS_TOKEN")
    monkeypatch.delenv("AZURE_AUTHORITY_HOST", raising=False)
    for name, text in {**APPLICATION, "AZURE_CLIENT_SECRET": "emulated"}.items():
        monkeypatch.setenv(name, text)

    ran = vipswap("login-info")

    assert (ran.code, ran.out) == (1, "")
    assert "is not a token service" in ran.err.splitlines()[0]
    assert "https" in ran.err.splitlines()[1]
