"""Which credential is taken: in azure-identity's order, after a ready token."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.arm.conftest import VirtualClock
from tests.arm.test_auth import WITH_SECRET, jwt
from vipswap_rest.arm import auth
from vipswap_rest.arm.auth import (
    AzLogin,
    ClientCertificate,
    ClientSecret,
    FederatedToken,
    ManagedIdentity,
    ReadyToken,
    find_credential,
)
from vipswap_rest.arm.clouds import PUBLIC
from vipswap_rest.arm.errors import CredentialError

# The ways in their order, each with the variables that make it possible; an application's share its ids.
WAYS = [
    (ReadyToken, {"AZURE_ACCESS_TOKEN": "any"}),
    (ClientSecret, WITH_SECRET),
    (ClientCertificate, {"AZURE_CLIENT_CERTIFICATE_PATH": "/c"}),
    (FederatedToken, {"AZURE_FEDERATED_TOKEN_FILE": "/f"}),
    (ManagedIdentity, {"IDENTITY_ENDPOINT": "http://127.0.0.1:9", "IDENTITY_HEADER": "x"}),
]


@pytest.fixture
def az(tmp_path: Path) -> dict[str, str]:
    """An az on a PATH of its own."""
    script = tmp_path / "az"
    script.write_text("#!/bin/sh\nexit 1\n")
    script.chmod(0o755)
    return {"PATH": str(tmp_path)}


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the tests run, this is no machine of Azure's."""
    monkeypatch.setattr(auth, "is_azure_machine", lambda: False)


@pytest.mark.parametrize("first", range(len(WAYS)), ids=[kind.__name__ for kind, _ in WAYS])
def test_each_way_goes_before_all_that_stand_below_it(first: int, az: dict[str, str]) -> None:
    environment = dict(az)
    for _, variables in WAYS[first:]:
        environment |= variables
    environment |= {name: WITH_SECRET[name] for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID")}

    assert type(find_credential(environment, cloud=PUBLIC)) is WAYS[first][0]


def test_az_comes_last(az: dict[str, str]) -> None:
    assert isinstance(find_credential(az, cloud=PUBLIC), AzLogin)


@pytest.mark.parametrize("missing", ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"])
def test_an_application_without_both_of_its_ids_is_passed_over(missing: str, az: dict[str, str]) -> None:
    environment = {name: text for name, text in {**az, **WITH_SECRET}.items() if name != missing}

    assert isinstance(find_credential(environment, cloud=PUBLIC), AzLogin)


@pytest.mark.parametrize(
    ("gives", "taken"), [(True, ManagedIdentity), (False, AzLogin)], ids=["has an identity", "has none"]
)
def test_on_a_machine_of_azures_its_identity_goes_before_az_if_it_has_one(
    gives: bool, taken: type, az: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def token(self: ManagedIdentity) -> str:
        if not gives:
            raise CredentialError("Identity not found")
        return "token"

    monkeypatch.setattr(auth, "is_azure_machine", lambda: True)
    monkeypatch.setattr(ManagedIdentity, "token", token)

    assert type(find_credential(az, cloud=PUBLIC)) is taken


@pytest.mark.parametrize(
    ("chosen", "taken"),
    [
        ("dev", AzLogin),
        ("prod", ClientSecret),
        ("ManagedIdentityCredential", ManagedIdentity),
        ("workloadidentitycredential", FederatedToken),
        ("EnvironmentCredential", ClientSecret),
        ("AzureCliCredential", AzLogin),
    ],
)
def test_azure_token_credentials_leaves_some_of_the_ways(chosen: str, taken: type, az: dict[str, str]) -> None:
    environment = {**az, "AZURE_TOKEN_CREDENTIALS": chosen}
    for _, variables in WAYS[1:]:
        environment |= variables

    assert type(find_credential(environment, cloud=PUBLIC)) is taken


def test_azure_token_credentials_that_name_nothing_known_are_one_sentence() -> None:
    with pytest.raises(CredentialError, match="'visualstudiocredential'") as refused:
        find_credential({"AZURE_TOKEN_CREDENTIALS": "VisualStudioCredential"}, cloud=PUBLIC)

    assert "azureclicredential" in refused.value.hint


def test_a_machine_that_is_told_to_use_az_only_is_not_asked_whether_it_is_azures(
    az: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "is_azure_machine", lambda: pytest.fail("it was asked"))

    assert isinstance(find_credential({**az, "AZURE_TOKEN_CREDENTIALS": "dev"}, cloud=PUBLIC), AzLogin)


@pytest.mark.parametrize("name", [kind.__name__ for kind, _ in WAYS])
def test_a_description_names_no_secret(name: str, az: dict[str, str]) -> None:
    kind, variables = next(way for way in WAYS if way[0].__name__ == name)
    ids = {name: WITH_SECRET[name] for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID")}
    token = jwt(VirtualClock().now())
    environment = ids | variables | ({"AZURE_ACCESS_TOKEN": token} if kind is ReadyToken else {})
    credential = find_credential(environment, cloud=PUBLIC, clock=_Long())

    told = credential.description + repr(credential) + json.dumps(str(vars(type(credential))))
    assert token not in told
    assert WITH_SECRET["AZURE_CLIENT_SECRET"] not in told


class _Long(VirtualClock):
    """A clock of long ago, by which nothing has expired."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0
