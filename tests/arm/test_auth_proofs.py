"""What an application proves itself with besides a secret, and the identity of a machine."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import responses
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from tests.arm.conftest import VirtualClock
from tests.arm.server import answer, serve
from tests.arm.test_auth import AUTHORITY, CLIENT, DISCOVERY, TENANT
from vipswap_rest.arm import auth
from vipswap_rest.arm.auth import ManagedIdentity, find_credential, is_azure_machine
from vipswap_rest.arm.auth.renewed import RENEW_BEFORE_S
from vipswap_rest.arm.clouds import PUBLIC
from vipswap_rest.arm.errors import CredentialError

APPLICATION = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT}
PASSWORD = "open-sesame"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any, Path]:
    """A private key and its certificate, and a folder for the files they are put into."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vipswap")])
    now = datetime.now(timezone.utc)
    certificate = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now - timedelta(1), now + timedelta(1)
    ).sign(key, hashes.SHA256())
    return key, certificate, tmp_path_factory.mktemp("keys")


def as_pem(key: Any, certificate: Any, password: str | None) -> bytes:
    locked = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    return bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
        + certificate.public_bytes(serialization.Encoding.PEM)
    )


def as_pfx(key: Any, certificate: Any, password: str | None) -> bytes:
    locked = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    return pkcs12.serialize_key_and_certificates(b"vipswap", key, certificate, None, locked)


def token_service(arm: responses.RequestsMock, *tokens: str) -> None:
    arm.get(f"{AUTHORITY}/v2.0/.well-known/openid-configuration", json=DISCOVERY)
    for token in tokens:
        arm.post(DISCOVERY["token_endpoint"], json={"access_token": token, "expires_in": 3600})


def asked(arm: responses.RequestsMock) -> dict[str, str]:
    body = arm.calls[-1].request.body
    return {name: values[0] for name, values in parse_qs(body if isinstance(body, str) else body.decode()).items()}


@pytest.mark.parametrize("password", [None, PASSWORD])
@pytest.mark.parametrize("form", [as_pem, as_pfx])
def test_a_certificate_in_either_form_signs_for_the_application(
    form: Callable[..., bytes],
    password: str | None,
    pair: tuple[Any, Any, Path],
    arm: responses.RequestsMock,
    clock: VirtualClock,
) -> None:
    key, certificate, folder = pair
    path = folder / "certificate"
    path.write_bytes(form(key, certificate, password))
    token_service(arm, "first")
    environment = {**APPLICATION, "AZURE_CLIENT_CERTIFICATE_PATH": str(path)}
    if password:
        environment["AZURE_CLIENT_CERTIFICATE_PASSWORD"] = password
    credential = find_credential(environment, cloud=PUBLIC, clock=clock)

    assert credential.token() == "first"
    assertion = asked(arm)["client_assertion"]
    head = json.loads(base64.urlsafe_b64decode(assertion.split(".")[0] + "=="))
    assert head.get("x5t") or head.get("x5t#S256")
    assert PASSWORD not in credential.description


@pytest.mark.parametrize(
    "content", [None, b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"]
)
def test_a_certificate_file_that_is_none_is_one_sentence(
    content: bytes | None, arm: responses.RequestsMock, clock: VirtualClock, tmp_path: Path
) -> None:
    arm.assert_all_requests_are_fired = False
    token_service(arm)
    path = tmp_path / "certificate"
    if content is not None:
        path.write_bytes(content)
    credential = find_credential({**APPLICATION, "AZURE_CLIENT_CERTIFICATE_PATH": str(path)}, cloud=PUBLIC, clock=clock)
    with pytest.raises(CredentialError) as refused:
        credential.token()

    assert "\n" not in str(refused.value)
    assert refused.value.hint


def test_a_wrong_password_is_one_sentence_without_it(
    pair: tuple[Any, Any, Path], arm: responses.RequestsMock, clock: VirtualClock
) -> None:
    arm.assert_all_requests_are_fired = False
    token_service(arm)
    key, certificate, folder = pair
    path = folder / "locked"
    path.write_bytes(as_pem(key, certificate, "another"))
    environment = {
        **APPLICATION,
        "AZURE_CLIENT_CERTIFICATE_PATH": str(path),
        "AZURE_CLIENT_CERTIFICATE_PASSWORD": PASSWORD,
    }
    with pytest.raises(CredentialError) as refused:
        find_credential(environment, cloud=PUBLIC, clock=clock).token()

    assert PASSWORD not in f"{refused.value} {refused.value.as_json()}"


def test_a_federated_token_is_read_anew_each_time(
    arm: responses.RequestsMock, clock: VirtualClock, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("assertion-1\n")
    token_service(arm, "first", "second")
    credential = find_credential({**APPLICATION, "AZURE_FEDERATED_TOKEN_FILE": str(file)}, cloud=PUBLIC, clock=clock)

    assert credential.token() == "first"
    assert asked(arm)["client_assertion"] == "assertion-1"
    file.write_text("assertion-2")
    clock.time += 3600 - RENEW_BEFORE_S
    assert credential.token() == "second"
    assert asked(arm)["client_assertion"] == "assertion-2"


@pytest.mark.parametrize("content", [None, "", "  \n"])
def test_a_federated_token_that_is_not_there_is_one_sentence(
    content: str | None, clock: VirtualClock, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    credential = find_credential({**APPLICATION, "AZURE_FEDERATED_TOKEN_FILE": str(file)}, cloud=PUBLIC, clock=clock)
    with pytest.raises(CredentialError) as refused:
        credential.token()

    assert "AZURE_FEDERATED_TOKEN_FILE" in refused.value.hint


# --- managed identity -------------------------------------------------------------------------------------------------

IDENTITY = "http://127.0.0.1:4141/msi/token"


@pytest.fixture
def app_service(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of an App Service with an identity; msal reads the process's own."""
    environment = {"IDENTITY_ENDPOINT": IDENTITY, "IDENTITY_HEADER": "secret-header", "PATH": ""}
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    return environment


def test_a_managed_identity_that_the_environment_names_is_used(
    app_service: dict[str, str], arm: responses.RequestsMock, clock: VirtualClock
) -> None:
    expires = int(time.time()) + 3600
    arm.get(IDENTITY, json={"access_token": "first", "expires_on": str(expires), "resource": "x"})
    credential = find_credential({**app_service, "AZURE_CLIENT_ID": CLIENT}, cloud=PUBLIC, clock=clock)

    assert credential.token() == "first"
    asked_for = arm.calls[0].request
    assert asked_for.headers["X-IDENTITY-HEADER"] == "secret-header"
    assert f"client_id={CLIENT}" in (asked_for.url or "")
    assert "resource=https%3A%2F%2Fmanagement.azure.com" in (asked_for.url or "")


@pytest.mark.parametrize(
    "told", [{"status": 400, "json": {"statusCode": 400, "message": "no"}}, {"status": 500, "body": "x"}, {"body": "{"}]
)
def test_a_machine_without_an_identity_is_one_sentence_that_names_the_other_ways(
    told: dict[str, Any], app_service: dict[str, str], arm: responses.RequestsMock, clock: VirtualClock
) -> None:
    arm.get(IDENTITY, **told)
    with pytest.raises(CredentialError) as refused:
        find_credential(app_service, cloud=PUBLIC, clock=clock).token()

    assert "identity" in str(refused.value)
    assert "AZURE_ACCESS_TOKEN" in refused.value.hint


@pytest.mark.parametrize(
    ("said", "azure"),
    [(b'{"compute": {}}', True), (b"{}", False), (b"latest\n", False), (b"[]", False), (b"3", False)],
)
def test_an_azure_machine_is_known_by_its_metadata(
    said: bytes, azure: bool, monkeypatch: pytest.MonkeyPatch, clock: VirtualClock
) -> None:
    with serve(answer(200, said, keep=False)) as server:
        monkeypatch.setattr(auth, "METADATA_URL", f"{server.url}/metadata/instance")

        assert is_azure_machine() is azure
    assert server.requests[0].headers["metadata"] == "true"


def test_a_machine_of_azures_has_its_identity_when_there_is_nothing_else(
    monkeypatch: pytest.MonkeyPatch, clock: VirtualClock
) -> None:
    monkeypatch.setattr(auth, "is_azure_machine", lambda: True)

    assert isinstance(find_credential({"PATH": ""}, cloud=PUBLIC, clock=clock), ManagedIdentity)
