"""Assertions instead of a secret: which the token service takes, and what it says of the others."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from tests.emulator.stage import HOST, Json, Stage
from vipswap_rest.emulator import Answer, InvalidSettings, Settings
from vipswap_rest.emulator.settings import CLIENT_ID, TENANT

ENDPOINT = f"http://{HOST}/{TENANT}/oauth2/v2.0/token"
KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PADDINGS: dict[str, Any] = {"RS256": padding.PKCS1v15(), "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), 32)}


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def other_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def certificate_of(key: Any) -> x509.Certificate:
    """Of an application's certificate only the key and the thumbprint count."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vipswap")])
    now = Stage().clock.now()
    return x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now - timedelta(1), now + timedelta(1)
    ).sign(key, hashes.SHA256())


@pytest.fixture(scope="module")
def certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    return certificate_of(key)


@pytest.fixture
def registered(certificate: x509.Certificate, tmp_path: Path) -> Stage:
    """A token service that knows the application's certificate."""
    return Stage(Settings(client_certificate=str(saved(certificate, tmp_path))))


def saved(certificate: x509.Certificate, folder: Path) -> Path:
    file = folder / "certificate.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return file


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def jwt(head: Json, claims: Json, key: rsa.RSAPrivateKey | None = None) -> str:
    """A JWT; without a key, one whose signature is nobody's."""
    text = f"{encode(json.dumps(head).encode())}.{encode(json.dumps(claims).encode())}"
    signed = key.sign(text.encode(), PADDINGS[head["alg"]], hashes.SHA256()) if key else b"nobody's"
    return f"{text}.{encode(signed)}"


def claims_at(stage: Stage, **changes: Any) -> Json:
    now = int(stage.clock.now().timestamp())
    claims = {"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": ENDPOINT, "nbf": now, "exp": now + 600, **changes}
    return {name: value for name, value in claims.items() if value is not None}


def named(certificate: x509.Certificate, algorithm: str = "RS256") -> Json:
    der = certificate.public_bytes(serialization.Encoding.DER)
    if algorithm == "PS256":
        return {"alg": algorithm, "x5t#S256": encode(hashlib.sha256(der).digest())}
    return {"alg": algorithm, "x5t": encode(hashlib.sha1(der).digest())}


def present(stage: Stage, assertion: str, **changes: str | None) -> Answer:
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT_ID,
        "client_assertion": assertion,
        "client_assertion_type": KIND,
        "scope": "https://management.azure.com/.default",
        **changes,
    }
    body = urlencode({name: value for name, value in form.items() if value is not None})
    return stage.send("POST", f"/{TENANT}/oauth2/v2.0/token", body.encode(), {"authorization": ""})


def refusal(answer: Answer) -> tuple[int, str, int]:
    body = answer.json()
    assert body["error_description"].startswith(f"AADSTS{body['error_codes'][0]}: ")
    return answer.status, body["error"], body["error_codes"][0]


MALFORMED = (400, "invalid_request", 50027)
UNREGISTERED = (401, "invalid_client", 700027)
OUT_OF_TIME = (401, "invalid_client", 700024)
FOR_ANOTHER = (401, "invalid_client", 700023)


@pytest.mark.parametrize("algorithm", PADDINGS)
def test_the_registered_certificate_gets_a_token_by_either_signature(
    algorithm: str, registered: Stage, key: rsa.RSAPrivateKey, certificate: x509.Certificate
) -> None:
    answer = present(registered, jwt(named(certificate, algorithm), claims_at(registered), key))

    assert answer.status == 200, answer.body
    assert answer.json()["access_token"]


def test_where_none_is_registered_any_certificate_gets_a_token(
    other_key: rsa.RSAPrivateKey, certificate: x509.Certificate
) -> None:
    stage = Stage()

    assert present(stage, jwt(named(certificate), claims_at(stage), other_key)).status == 200


def test_another_certificate_or_another_key_is_refused_where_one_is_registered(
    registered: Stage, key: rsa.RSAPrivateKey, other_key: rsa.RSAPrivateKey, certificate: x509.Certificate
) -> None:
    claims = claims_at(registered)
    right, other = named(certificate), named(certificate_of(other_key))

    assert refusal(present(registered, jwt(other, claims, other_key))) == UNREGISTERED
    assert refusal(present(registered, jwt(other, claims, key))) == UNREGISTERED
    assert refusal(present(registered, jwt(right, claims, other_key))) == UNREGISTERED
    assert refusal(present(registered, jwt(right, claims))) == UNREGISTERED
    assert refusal(present(registered, jwt({**right, "alg": "HS256"}, claims))) == UNREGISTERED
    changed = jwt(right, claims, key).split(".")
    changed[1] = encode(json.dumps({**claims, "exp": claims["exp"] + 1}).encode())
    assert refusal(present(registered, ".".join(changed))) == UNREGISTERED


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"aud": f"http://{HOST}/common/oauth2/v2.0/token"}, FOR_ANOTHER),
        ({"aud": "https://login.microsoftonline.com"}, FOR_ANOTHER),
        ({"sub": "somebody"}, FOR_ANOTHER),
        ({"iss": "somebody"}, FOR_ANOTHER),
        ({"aud": None}, MALFORMED),
        ({"iss": None}, MALFORMED),
        ({"exp": None}, MALFORMED),
        ({"exp": "tomorrow"}, MALFORMED),
        ({"nbf": "today"}, MALFORMED),
    ],
)
def test_a_claim_that_is_not_right_is_refused_whatever_signed_it(
    changes: Json, expected: tuple[int, str, int], key: rsa.RSAPrivateKey, certificate: x509.Certificate
) -> None:
    stage = Stage()

    assert refusal(present(stage, jwt(named(certificate), claims_at(stage, **changes), key))) == expected


def test_the_authority_itself_is_as_good_an_audience_as_its_token_endpoint(
    registered: Stage, key: rsa.RSAPrivateKey, certificate: x509.Certificate
) -> None:
    claims = claims_at(registered, aud=f"http://{HOST}/{TENANT}/v2.0")

    assert present(registered, jwt(named(certificate), claims, key)).status == 200


def test_an_assertion_lives_for_its_own_time_and_five_minutes_of_skew(
    registered: Stage, key: rsa.RSAPrivateKey, certificate: x509.Certificate
) -> None:
    now = int(registered.clock.now().timestamp())
    assertion = jwt(named(certificate), claims_at(registered, nbf=now + 600, exp=now + 1200), key)

    statuses = []
    for _ in range(6):
        statuses.append(present(registered, assertion).status)
        registered.clock.advance(299.5)

    assert statuses == [401, 401, 200, 200, 200, 200]
    assert refusal(present(registered, assertion)) == OUT_OF_TIME


@pytest.mark.parametrize("text", ["a", "a.b", "a.b.c", "a.b.c.d", "....", "ä.ö.ü", "e30.e30.e30", "W10.W10.c2ln"])
def test_what_is_no_signed_jwt_is_refused(text: str, registered: Stage) -> None:
    assert refusal(present(Stage(), text)) == MALFORMED
    assert refusal(present(registered, text)) == MALFORMED


@pytest.mark.parametrize("head", [{"alg": "none", "x5t": "x"}, {"x5t": "x"}, {"alg": "RS256"}])
def test_a_head_without_an_algorithm_or_a_thumbprint_is_refused(head: Json) -> None:
    stage = Stage()

    assert refusal(present(stage, jwt(head, claims_at(stage)))) == MALFORMED


def test_another_issuers_assertion_is_taken_at_its_word_while_it_lives(registered: Stage) -> None:
    claims = claims_at(registered, iss="https://issuer", sub="pipeline", aud="api://AzureADTokenExchange")
    assertion = jwt({"alg": "RS256", "kid": "1"}, claims)

    assert present(registered, assertion).status == 200
    registered.clock.advance(901)
    assert refusal(present(registered, assertion)) == OUT_OF_TIME


@pytest.mark.parametrize("kind", [None, "", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"])
def test_an_assertion_says_its_type(kind: str | None) -> None:
    stage = Stage()
    claims = claims_at(stage, iss="https://issuer", sub="pipeline")
    answer = present(stage, jwt({"alg": "RS256"}, claims), client_assertion_type=kind)

    assert refusal(answer) == (400, "invalid_request", 900144)


def test_an_assertion_is_of_a_known_application(registered: Stage) -> None:
    assert refusal(present(registered, "x", client_id="somebody")) == (400, "unauthorized_client", 700016)


def test_a_registered_certificate_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    elliptic = certificate_of(ec.generate_private_key(ec.SECP256R1()))
    garbage = tmp_path / "garbage.pem"
    garbage.write_bytes(b"garbage")

    with pytest.raises(InvalidSettings, match=r"nowhere\.pem cannot be read: No such file"):
        Settings(client_certificate=str(tmp_path / "nowhere.pem"))
    for file in (garbage, saved(elliptic, tmp_path)):
        with pytest.raises(InvalidSettings, match="holds no certificate with an RSA key"):
            Settings(client_certificate=str(file))
