"""Credentials for real: the command, msal, and the emulator's token service over TLS, which signs and checks."""

from __future__ import annotations

import base64
import json
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.arm.test_auth_proofs import as_pem, as_pfx
from tests.cli.conftest import PAIR, PRODUCTION_IP, PRODUCTION_LB, STAGING_IP, STAGING_LB, Arm, Ran
from vipswap_rest.arm.auth import find_credential
from vipswap_rest.arm.clouds import PUBLIC
from vipswap_rest.arm.errors import CredentialError
from vipswap_rest.cli.main import main
from vipswap_rest.emulator.identity.managed_identity import IDENTITY_HEADER
from vipswap_rest.emulator.server import EmulatorServer
from vipswap_rest.emulator.settings import CLIENT_ID, CLIENT_SECRET, SUBSCRIPTION, TENANT, Settings

PASSWORD = "open-sesame"
NOBODY = "44444444-4444-4444-4444-444444444444"
WRONG_SECRET = "s3cr3t~V-that-is-none"
TIMEOUT_S = 120

Environment = dict[str, str]


@dataclass
class Login:
    """The environment that a way of logging in is made of, and what of it must never be told.

    ENDPOINT stands for the emulator's.
    """

    environment: Environment
    secrets: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the application's certificate in every form there is, and one that is not registered."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("own", "stray"):
        key = rsa.generate_private_key(65537, 2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(timezone.utc)
        certificate = x509.CertificateBuilder(
            subject, subject, key.public_key(), x509.random_serial_number(), now - timedelta(1), now + timedelta(1)
        ).sign(key, hashes.SHA256())
        (folder / f"{name}.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
        for ending, password in (("", None), ("-locked", PASSWORD)):
            (folder / f"{name}{ending}.pem").write_bytes(as_pem(key, certificate, password))
            (folder / f"{name}{ending}.pfx").write_bytes(as_pfx(key, certificate, password))
    return folder


def assertion(lives_s: int = 3600) -> str:
    """What a pipeline's own issuer writes into the federated token file."""
    claims = {"iss": "https://issuer", "sub": "pipeline", "aud": "api://AzureADTokenExchange"}
    parts = ({"alg": "RS256", "kid": "1"}, {**claims, "exp": int(time.time()) + lives_s}, {"signed": "by the issuer"})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


def with_secret(keys: Path, secret: str = CLIENT_SECRET) -> Login:
    return Login({"AZURE_CLIENT_SECRET": secret}, [secret])


def with_certificate(name: str, password: str | None = None) -> Callable[[Path], Login]:
    def login(keys: Path) -> Login:
        environment = {"AZURE_CLIENT_CERTIFICATE_PATH": str(keys / name)}
        if password is None:
            return Login(environment, ["PRIVATE KEY"])
        return Login({**environment, "AZURE_CLIENT_CERTIFICATE_PASSWORD": password}, [password, "PRIVATE KEY"])

    return login


def with_federated_token(lives_s: int = 3600) -> Callable[[Path], Login]:
    def login(keys: Path) -> Login:
        text = assertion(lives_s)
        (keys / "federated").write_text(f"{text}\n", encoding="ascii")
        return Login({"AZURE_FEDERATED_TOKEN_FILE": str(keys / "federated")}, [text, *text.split(".")])

    return login


LOGINS: dict[str, Callable[[Path], Login]] = {
    "client secret": with_secret,
    "certificate": with_certificate("own.pem"),
    "certificate with a passphrase": with_certificate("own-locked.pem", PASSWORD),
    "PKCS #12": with_certificate("own.pfx"),
    "PKCS #12 with a passphrase": with_certificate("own-locked.pfx", PASSWORD),
    "federated token": with_federated_token(),
    "managed identity of a machine": lambda keys: Login({"AZURE_POD_IDENTITY_AUTHORITY_HOST": "ENDPOINT"}),
    "managed identity of an App Service": lambda keys: Login(
        {"IDENTITY_ENDPOINT": "ENDPOINT/msi/token", "IDENTITY_HEADER": IDENTITY_HEADER}, [IDENTITY_HEADER]
    ),
}


@pytest.fixture
def server(keys: Path, tmp_path: Path) -> Iterator[EmulatorServer]:
    """Three updates of half a second each, and tokens that live for one."""
    latency = tmp_path / "latency.json"
    latency.write_text('{"load_balancer_update": 0.5, "retry_after": 0.1}', encoding="utf-8")
    certificate = str(keys / "own.crt")
    settings = Settings(
        tls=True, latency=str(latency), require_token=True, token_lifetime_s=1, client_certificate=certificate
    )
    with EmulatorServer(settings) as found:
        yield found


@pytest.fixture
def arm(server: EmulatorServer) -> Arm:
    return Arm(server.endpoint, server.ca_file)


Swap = Callable[..., Ran]


@pytest.fixture
def swap(
    server: EmulatorServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> Swap:
    """Runs a swap in this process, with that login and nothing else; changes are of its environment.

    What is logged is added to stderr's lines, as --debug would; pytest has taken the log away from it.
    """

    def run(login: Login, *options: str, **changes: str) -> Ran:
        for name in [
            name for name in os.environ if name.startswith(("AZURE_", "IDENTITY_")) or name == "REQUESTS_CA_BUNDLE"
        ]:
            monkeypatch.delenv(name)
        environment = {
            "AZURE_RM_ENDPOINT": server.endpoint,
            "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": CLIENT_ID,
            "AZURE_AUTHORITY_HOST": str(server.announcement["authority"]),
            "REQUESTS_CA_BUNDLE": str(server.ca_file),
            **login.environment,
            **changes,
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value.replace("ENDPOINT", server.endpoint))
        capsys.readouterr()
        caplog.clear()
        caplog.set_level(logging.INFO)
        caplog.set_level(logging.DEBUG, "vipswap_rest")
        code = main(["swap", *PAIR, "--yes", "--no-probe", *options])
        out, err = capsys.readouterr()
        return Ran(code, out, err + caplog.text if "--debug" in options else err)

    return run


def check_untold(ran: Ran, login: Login) -> None:
    """No secret, and no token, which is a JWT, is in what was said."""
    for secret in (*login.secrets, "eyJ"):
        assert secret not in ran.out + ran.err


# --- what gets a token ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOGINS)
def test_a_swap_longer_than_its_tokens_lives_succeeds_by_every_way_to_log_in(
    name: str, keys: Path, arm: Arm, swap: Swap
) -> None:
    login = LOGINS[name](keys)
    # Besides the tokens that end by themselves, each of which is renewed in time, some that ARM declares ended.
    fault = {"match": {"every": 10}, "effect": {"expire_token": True}, "times": 3}
    posted = requests.post(f"{arm.endpoint}/emulator/faults", json=fault, timeout=10, verify=arm.trusted)
    assert posted.status_code == 200

    ran = swap(login, "-o", "json", "--debug")

    assert ran.code == 0, ran.err
    assert "GET /subscriptions" in ran.err
    assert ran.json()["outcome"] == "swapped"
    assert ran.json()["total_s"] > 1.5
    assert (arm.holds(PRODUCTION_LB), arm.holds(STAGING_LB)) == (STAGING_IP, PRODUCTION_IP)
    sent = arm.requests()
    refused = [number for number, entry in enumerate(sent) if entry["status"] == 401]
    assert len(refused) >= 3
    for number in refused:
        again = [entry for entry in sent[number + 1 :] if entry["path"] == sent[number]["path"]]
        assert again[0]["authorized"]
    check_untold(ran, login)


@pytest.mark.parametrize("authority", ["{}/", "{host}"])
def test_the_authority_is_a_url_or_a_hosts_name(
    authority: str, keys: Path, server: EmulatorServer, arm: Arm, swap: Swap
) -> None:
    text = authority.format(server.endpoint, host=server.endpoint.removeprefix("https://"))

    assert swap(with_secret(keys), AZURE_AUTHORITY_HOST=text).code == 0
    assert arm.holds(PRODUCTION_LB) == STAGING_IP


def test_the_option_names_the_authority_to_trust_before_the_environment_does(
    keys: Path, server: EmulatorServer, arm: Arm, swap: Swap
) -> None:
    ran = swap(with_secret(keys), "--ca-file", str(server.ca_file), REQUESTS_CA_BUNDLE=str(keys / "own.crt"))

    assert ran.code == 0, ran.err
    assert arm.holds(PRODUCTION_LB) == STAGING_IP


def test_a_federated_token_that_its_keeper_replaced_is_what_the_next_fetch_shows(
    keys: Path, server: EmulatorServer
) -> None:
    environment = {
        **with_federated_token()(keys).environment,
        "AZURE_TENANT_ID": TENANT,
        "AZURE_CLIENT_ID": CLIENT_ID,
        "AZURE_AUTHORITY_HOST": server.endpoint,
    }
    credential = find_credential(environment, cloud=PUBLIC, ca_file=server.ca_file)
    first = credential.token()
    with_federated_token(lives_s=-3600)(keys)
    credential.renew()
    with pytest.raises(CredentialError, match="AADSTS700024"):
        credential.token()
    with_federated_token()(keys)

    assert credential.token() != first


# --- what gets none ---------------------------------------------------------------------------------------------------


def nobody() -> tuple[socket.socket, str]:
    """A port that refuses connections while the socket lives: it is taken, and nobody listens."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken, f"https://127.0.0.1:{taken.getsockname()[1]}"


REFUSED: dict[str, tuple[Callable[[Path], Login], Environment, str]] = {
    "secret": (lambda keys: with_secret(keys, WRONG_SECRET), {}, "AADSTS7000215: Invalid client secret provided."),
    "application": (
        with_secret,
        {"AZURE_CLIENT_ID": NOBODY},
        f"AADSTS700016: Application with identifier '{NOBODY}' was not found",
    ),
    "tenant": (
        with_secret,
        {"AZURE_TENANT_ID": "55555555-5555-5555-5555-555555555555"},
        "it does not know this tenant",
    ),
    "authority, which is no URL": (with_secret, {"AZURE_AUTHORITY_HOST": "https://"}, "is not a token service"),
    "authority, in clear text": (with_secret, {"AZURE_AUTHORITY_HOST": "http://127.0.0.1"}, "is not a token service"),
    "certificate": (with_certificate("stray.pem"), {}, "AADSTS700027: "),
    **{
        f"{what}, {name}": (with_certificate(name, password), {}, f"{name} holds no private key that opens {how}.")
        for name in ("own-locked.pem", "own-locked.pfx")
        for what, password, how in (
            ("passphrase", WRONG_SECRET, "with AZURE_CLIENT_CERTIFICATE_PASSWORD"),
            ("missing passphrase", None, "without a password"),
        )
    },
    "certificate's file": (with_certificate("nowhere.pem"), {}, "nowhere.pem cannot be read: No such file"),
    "certificate without its key": (with_certificate("own.crt"), {}, "no certificate with its private key"),
    "federated token, which ended": (with_federated_token(lives_s=-3600), {}, "AADSTS700024: "),
    "managed identity": (LOGINS["managed identity of a machine"], {"AZURE_CLIENT_ID": NOBODY}, "Identity not found"),
    "managed identity of an App Service": (
        LOGINS["managed identity of an App Service"],
        {"AZURE_CLIENT_ID": NOBODY},
        "Unable to load the proper Managed Identity.",
    ),
    "secret of an App Service": (
        LOGINS["managed identity of an App Service"],
        {"IDENTITY_HEADER": WRONG_SECRET},
        "refused this machine's identity: 401",
    ),
    "machine, which has no such service": (
        LOGINS["managed identity of a machine"],
        {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "ENDPOINT/emulator"},
        "refused this machine's identity",
    ),
}


def check_refused(ran: Ran, login: Login, arm: Arm, sentence: str) -> None:
    """One sentence and what to do about it; ARM was never asked for anything."""
    assert ran.code == 1, ran.err
    told, hint = ran.err.splitlines()
    assert told.startswith("vipswap: ")
    assert sentence in told
    assert hint.startswith("  ")
    assert hint.strip()
    assert arm.requests() == []
    assert (arm.holds(PRODUCTION_LB), arm.holds(STAGING_LB)) == (PRODUCTION_IP, STAGING_IP)
    check_untold(ran, login)


@pytest.mark.parametrize("wrong", REFUSED)
def test_a_wrong_one_is_refused_in_one_sentence_and_nothing_is_changed(
    wrong: str, keys: Path, arm: Arm, swap: Swap
) -> None:
    login_of, changes, sentence = REFUSED[wrong]
    login = login_of(keys)

    check_refused(swap(login, **changes), login, arm, sentence)


def test_an_authority_that_cannot_be_reached_is_refused_in_one_sentence(keys: Path, arm: Arm, swap: Swap) -> None:
    taken, url = nobody()
    with taken:
        ran = swap(with_secret(keys), AZURE_AUTHORITY_HOST=url)

    check_refused(ran, with_secret(keys), arm, f"The token service {url} returned no token: it cannot be reached.")


def test_an_authority_that_is_no_token_service_is_refused_in_one_sentence(
    keys: Path, server: EmulatorServer, arm: Arm, swap: Swap
) -> None:
    ran = swap(with_secret(keys), AZURE_AUTHORITY_HOST=f"{server.endpoint}/emulator")

    check_refused(ran, with_secret(keys), arm, "it does not know this tenant, or it is not a token service")


@pytest.mark.parametrize("name", [name for name in LOGINS if name.startswith("managed")])
def test_a_managed_identity_that_cannot_be_reached_is_refused_in_one_sentence(name: str, arm: Arm, swap: Swap) -> None:
    taken, url = nobody()
    changes = {"IDENTITY_ENDPOINT" if "App" in name else "AZURE_POD_IDENTITY_AUTHORITY_HOST": url}
    login = LOGINS[name](Path())
    with taken:
        ran = swap(login, **changes)

    check_refused(ran, login, arm, "Managed identity returned no token: it cannot be reached.")


def test_without_an_authority_the_endpoint_says_where_to_log_in(keys: Path, arm: Arm, swap: Swap) -> None:
    ran = swap(with_secret(keys), AZURE_AUTHORITY_HOST="")

    assert ran.code == 0, ran.err
    assert arm.holds(PRODUCTION_LB) == STAGING_IP


def test_an_authority_whose_certificate_is_not_trusted_is_refused_in_one_sentence(
    keys: Path, arm: Arm, swap: Swap
) -> None:
    ran = swap(with_secret(keys), REQUESTS_CA_BUNDLE=str(keys / "own.crt"))

    check_refused(ran, with_secret(keys), arm, "its TLS certificate is not trusted")


def test_a_refusal_is_one_object_for_programs_too(keys: Path, arm: Arm, swap: Swap) -> None:
    login = with_secret(keys, WRONG_SECRET)

    ran = swap(login, "-o", "json", "--debug")

    assert ran.code == 1
    assert ran.json()["outcome"] == "failed"
    assert "AADSTS7000215" in ran.json()["error"]["message"]
    assert arm.requests() == []
    check_untold(ran, login)
