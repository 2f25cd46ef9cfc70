"""az's login: its answers in all their forms, and one sentence for each way in which there is none."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.arm.conftest import VirtualClock
from vipswap_rest.arm.auth import AzLogin, find_credential
from vipswap_rest.arm.auth import az as az_login
from vipswap_rest.arm.auth.renewed import RENEW_AGAIN_S, RENEW_BEFORE_S
from vipswap_rest.arm.clouds import PUBLIC, US_GOVERNMENT
from vipswap_rest.arm.errors import CredentialError


@pytest.fixture
def az(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Puts an az on a PATH of its own that prints what it is told to, and notes its arguments."""

    def install(out: str = "", err: str = "", code: int = 0, then: str = "") -> dict[str, str]:
        (tmp_path / "out").write_text(out, encoding="utf-8")
        (tmp_path / "err").write_text(err, encoding="utf-8")
        script = tmp_path / "az"
        script.write_text(
            f'#!/bin/sh\necho "$@" >> {tmp_path}/arguments\n/bin/cat {tmp_path}/out\n/bin/cat {tmp_path}/err >&2\n'
            f"{then}\nexit {code}\n"
        )
        script.chmod(0o755)
        return {"PATH": str(tmp_path)}

    return install


def token_of_az(environment: dict[str, str], clock: VirtualClock, **options: Any) -> tuple[str, AzLogin]:
    credential = find_credential(environment, cloud=options.pop("cloud", PUBLIC), clock=clock, **options)
    assert isinstance(credential, AzLogin)
    return credential.token(), credential


@pytest.mark.parametrize("kind", ["number", "text", "local", "local with fraction", "both"])
def test_az_says_in_two_ways_when_its_token_expires(
    kind: str, az: Callable[..., dict[str, str]], clock: VirtualClock
) -> None:
    expires = clock.now() + timedelta(hours=1)
    local = expires.astimezone().replace(tzinfo=None)
    told: dict[str, dict[str, Any]] = {
        "number": {"expires_on": int(expires.timestamp())},
        "text": {"expires_on": str(int(expires.timestamp()))},
        "local": {"expiresOn": str(local)},
        "local with fraction": {"expiresOn": f"{local}.000000"},
        "both": {"expires_on": int(expires.timestamp()), "expiresOn": "2000-01-01 00:00:00.000000"},
    }
    environment = az(json.dumps({"accessToken": "first", "subscription": "sub-1", **told[kind]}))
    token, credential = token_of_az(environment, clock)
    az(json.dumps({"accessToken": "second", **told[kind]}))
    clock.time += 3600 - RENEW_BEFORE_S - 1

    assert (token, credential.token(), credential.default_subscription) == ("first", "first", "sub-1")
    clock.time += 2
    assert credential.token() == "second"


@pytest.mark.parametrize("behind_s", [0, 1, 3600], ids="{} s".format)
def test_a_token_that_is_over_by_a_clock_that_is_fast_is_used_and_az_is_not_asked_at_every_request(
    behind_s: int, az: Callable[..., dict[str, str]], clock: VirtualClock, tmp_path: Path
) -> None:
    expires = int((clock.now() - timedelta(seconds=behind_s)).timestamp())
    _, credential = token_of_az(az(json.dumps({"accessToken": "first", "expires_on": expires})), clock)
    for _ in range(10):
        clock.time += 1
        assert credential.token() == "first"

    assert len((tmp_path / "arguments").read_text().splitlines()) == 1
    clock.time += RENEW_AGAIN_S
    assert credential.token() == "first"
    assert len((tmp_path / "arguments").read_text().splitlines()) == 2


def test_az_is_asked_for_the_clouds_token_and_the_subscription(
    az: Callable[..., dict[str, str]], clock: VirtualClock, tmp_path: Path
) -> None:
    expires = int((clock.now() + timedelta(hours=1)).timestamp())
    token_of_az(
        az(json.dumps({"accessToken": "t", "expires_on": expires})), clock, cloud=US_GOVERNMENT, subscription="sub-2"
    )

    assert (tmp_path / "arguments").read_text().split() == [
        *("account", "get-access-token", "--resource", US_GOVERNMENT.audience),
        *("--output", "json", "--subscription", "sub-2"),
    ]


def test_az_without_a_login_is_one_sentence(az: Callable[..., dict[str, str]], clock: VirtualClock) -> None:
    err = "WARNING: old\nERROR: Please run 'az login' to setup account.\nTrace ID: 1\n"
    with pytest.raises(CredentialError) as refused:
        token_of_az(az(err=err, code=1), clock)

    assert str(refused.value) == "az returned no token: Please run 'az login' to setup account."
    assert "az login" in refused.value.hint


def test_azs_own_advice_is_shown(az: Callable[..., dict[str, str]], clock: VirtualClock) -> None:
    err = (
        "WARNING: old\nERROR: AADSTS50076: you must use multi-factor authentication.\n"
        "Interactive authentication is needed. Please run:\naz logout\naz login --tenant t1 --scope s1/x\n"
    )
    with pytest.raises(CredentialError) as refused:
        token_of_az(az(err=err, code=1), clock)

    assert "AADSTS50076" in str(refused.value)
    assert refused.value.hint == (
        "az advises: Interactive authentication is needed. Please run: az logout; az login --tenant t1 --scope s1/x"
    )


@pytest.mark.parametrize(
    "out",
    [
        *("", "x", "[]", "null", "{}", '{"accessToken": "t"}', '{"accessToken": null, "expires_on": 1}'),
        *('{"accessToken": "", "expires_on": 1}', '{"accessToken": "t", "expiresOn": "soon"}'),
        *('{"accessToken": "t", "expires_on": 1e300}', '{"accessToken": "t", "expires_on": []}'),
    ],
)
def test_an_az_that_cannot_be_understood_is_one_sentence(
    out: str, az: Callable[..., dict[str, str]], clock: VirtualClock
) -> None:
    with pytest.raises(CredentialError, match="invalid token") as refused:
        token_of_az(az(out), clock)

    assert refused.value.hint


def test_an_az_that_does_not_run_is_one_sentence(clock: VirtualClock, tmp_path: Path) -> None:
    script = tmp_path / "az"
    script.write_text("#!/nowhere/interpreter\n")
    script.chmod(0o755)
    with pytest.raises(CredentialError, match="did not run"):
        token_of_az({"PATH": str(tmp_path)}, clock)


def test_an_az_that_hangs_is_ended_with_all_it_started(
    az: Callable[..., dict[str, str]], clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # az is a script round a Python that keeps the pipe open when the script is killed.
    monkeypatch.setattr(az_login, "AZ_TIMEOUT_S", 0.3)
    began = time.monotonic()
    with pytest.raises(CredentialError, match="did not end"):
        token_of_az(az(then="/bin/sleep 20"), clock)

    assert time.monotonic() - began < 5
