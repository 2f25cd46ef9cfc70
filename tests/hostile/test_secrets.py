"""Nothing secret in anything that a run leaves: its output, its events, its files. Each test is a row of README.md's
third table.

The servers echo what they got, as gateways do: the token, the Authorization header, the signed URL, the secret; in
bodies, in headers, in the reason phrase.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.arm import certificates
from tests.arm.server import Act, close, raw
from tests.cli.conftest import PAIR
from tests.hostile import front as fronts
from tests.hostile.front import TOKEN, Ended, Front, Passed, Scene, scene, vipswap
from tests.hostile.scenarios import OPERATION, SIGNED
from tests.hostile.servers import Call, Hostile, playing

SIGNATURES = [pair.partition("=")[2] for pair in SIGNED[1:].split("&")[1:]]
SECRET, PASSPHRASE = "s3cr3t+of/the~application", "open-sesame-to-the-key"
REQUEST_LINE = ("--yes", "--no-probe", "--request-timeout", "2", "--debug", "-o", "json", "--events", "events.jsonl")


def everything(ended: Ended, folder: Path) -> dict[str, str]:
    """All that a run left, by where it stands."""
    left = {"stdout": ended.out, "stderr": ended.err}
    for path in folder.rglob("*"):
        if path.is_file():
            left[str(path.relative_to(folder))] = path.read_text(encoding="utf-8", errors="replace")
            left[f"the name {path.name}"] = path.name
    return left


def leaks(left: dict[str, str], *secrets: str) -> list[str]:
    """Where a secret stands, as it is, or as base64 or a URL would have it."""
    found = []
    for secret in secrets:
        for shape in {secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode().rstrip("=")}:
            found += [f"{shape} in {place}" for place, text in left.items() if shape in text]
    return found


def check(ended: Ended, folder: Path, *secrets: str) -> None:
    """That nothing leaked, and no file was written but the events."""
    left = everything(ended, folder)
    written = {place for place in left if place not in ("stdout", "stderr") and not place.startswith("the name ")}

    assert leaks(left, TOKEN, *TOKEN.split("."), *SIGNATURES, *secrets) == []
    assert written <= {"cwd/events.jsonl"}
    assert "PRIVATE KEY" not in "".join(left.values())


def echo(call: Call, status: int = 403, code: str = "AuthorizationFailed") -> Act:
    """An error that holds all there is of the request, and of a signed URL."""
    authorization, operation = call.request.headers.get("authorization", ""), f"{call.own}{OPERATION}{SIGNED}"
    heard = {
        "code": code,
        "message": f"Refused: Authorization: {authorization}; {operation}; {call.request.target}; s={SIGNATURES[2]}",
        "details": [{"code": authorization, "message": operation}, {"code": "Again", "message": authorization[7:]}],
    }
    # As some serializers escape it.
    text = json.dumps({"error": heard}).replace("/", "\\/").replace("&", "\\u0026").replace(".", "\\u002e")
    head = [
        f"HTTP/1.1 {status} {authorization}",
        f"Content-Length: {len(text)}",
        f"x-ms-request-id: {operation}",
        f"x-ms-arm-service-request-id: s={SIGNATURES[2]}",
        f"x-ms-correlation-request-id: {authorization[7:]}",
        f"WWW-Authenticate: {authorization}",
        f"Azure-AsyncOperation: {operation}",
        "Connection: close",
    ]
    return raw("\r\n".join(head).encode() + b"\r\n\r\n" + text.encode())


def run(front: Front, folder: Path, *, exits: set[int]) -> tuple[Ended, Scene]:
    with scene(front) as world:
        ended = vipswap(world.front.url, folder, *REQUEST_LINE)
    assert ended.code in exits
    assert "Traceback" not in ended.err
    assert world.other.connections == 0
    # The server did get what must not be shown.
    assert any(TOKEN in str(one.headers.get("authorization")) for one in world.front.requests)
    return ended, world


def signed(passed: Passed, call: Call) -> Act:
    return passed.act(("Azure-AsyncOperation", f"{call.own}{OPERATION}{SIGNED}"))


def is_write(call: Call) -> bool:
    return call.method == "PUT" and "loadBalancers" in call.path


def test_secrets_read_refused(tmp_path: Path) -> None:
    ended, _ = run(lambda call, passed: echo(call), tmp_path, exits={1})
    check(ended, tmp_path)

    assert "Refused" in ended.err


def test_secrets_write_refused(tmp_path: Path) -> None:
    ended, _ = run(
        lambda call, passed: echo(call, 400, "Bad") if is_write(call) else passed().act(), tmp_path, exits={1, 5}
    )
    check(ended, tmp_path)

    assert "Refused" in ended.err


def test_secrets_operation_failed(tmp_path: Path) -> None:
    def front(call: Call, passed: Callable[[], Passed]) -> Act:
        if call.path == OPERATION:
            error = json.loads(echo_body(call)) | {"status": "Failed"}
            body = json.dumps(error).encode()
            return raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
        return signed(passed(), call) if is_write(call) else passed().act()

    ended, world = run(front, tmp_path, exits={0, 1, 5, 6})
    check(ended, tmp_path)

    assert any(SIGNATURES[2] in one.target for one in world.front.requests)
    assert "Refused" in ended.err


def echo_body(call: Call) -> str:
    return json.dumps(
        {"error": {"code": "Broken", "message": f"Refused: {call.request.headers} {call.request.target}"}}
    )


def test_secrets_operation_unreadable(tmp_path: Path) -> None:
    def front(call: Call, passed: Callable[[], Passed]) -> Act:
        if call.path == OPERATION:
            return close if call.count % 2 else echo(call)
        return signed(passed(), call) if is_write(call) else passed().act()

    ended, _ = run(front, tmp_path, exits={0, 1, 5, 6})
    check(ended, tmp_path)

    assert OPERATION in ended.err


def test_secrets_operation_elsewhere(tmp_path: Path) -> None:
    def front(call: Call, passed: Callable[[], Passed]) -> Act:
        authorization = call.request.headers["authorization"]
        if is_write(call):
            return passed().act(
                ("Azure-AsyncOperation", f"{call.other}{OPERATION}{SIGNED}&a={authorization[7:]}"),
                reason=authorization,
            )
        return passed().act(reason=authorization)

    ended, _ = run(front, tmp_path, exits={0, 1, 5, 6})
    check(ended, tmp_path)

    assert "the token was not sent there" in ended.err


def test_secrets_fault_inside(tmp_path: Path) -> None:
    """A fault of our own, in the middle of a poll: there is a traceback, and nothing secret in it."""
    broken = (
        "import sys; from vipswap_rest.arm import lro; from vipswap_rest.cli.main import main\n"
        "as_it_is = lro.advance\n"
        "def advance(operation, answer):\n"
        f"    if {OPERATION!r} in operation.url: raise RuntimeError(f'a fault with {{operation}} and {{answer}}')\n"
        "    return as_it_is(operation, answer)\n"
        "lro.advance = advance\n"
        "sys.exit(main(sys.argv[1:]))"
    )

    def front(call: Call, passed: Callable[[], Passed]) -> Act:
        if call.path == OPERATION:
            return echo(call, 200)
        return signed(passed(), call) if call.method == "PUT" else passed().act()

    with scene(front) as world:
        ran = subprocess.run(
            [sys.executable, "-c", broken, "swap", *PAIR, *REQUEST_LINE],
            env=fronts.environment(world.front.url, tmp_path),
            cwd=tmp_path / "cwd",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=fronts.TIMEOUT_S,
        )
    check(Ended(ran.returncode, ran.stdout, ran.stderr), tmp_path)

    assert "RuntimeError: a fault with Operation(method='PUT'" in ran.stderr
    assert any(SIGNATURES[2] in one.target for one in world.front.requests)


def token_service(call: Call) -> Act:
    """A token service that knows itself, and refuses whatever proof comes, with all of it in the reason."""
    if "openid-configuration" in call.path:
        found = {f"{name}_endpoint": f"{call.own}/t/{name}" for name in ("token", "authorization")}
        body = json.dumps({**found, "issuer": f"{call.own}/t/v2.0"}).encode()
        return raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
    heard = f"AADSTS7000215: Invalid: {call.request.body.decode()}; {call.request.headers}; {SECRET}"
    body = json.dumps({"error": "invalid_client", "error_description": heard}).encode()
    head = [f"HTTP/1.1 401 {SECRET}", f"x-ms-request-id: {SECRET}", f"Content-Length: {len(body)}", "Connection: close"]
    return raw("\r\n".join(head).encode() + b"\r\n\r\n" + body)


def log_in(folder: Path, keys: Path, **environment: str) -> tuple[Ended, Hostile]:
    context, trusted = certificates.make(keys)
    with playing(token_service, tls=context) as service:
        ended = vipswap(
            "https://127.0.0.1:1",
            folder,
            *REQUEST_LINE,
            AZURE_TENANT_ID="t",
            AZURE_CLIENT_ID="c",
            AZURE_AUTHORITY_HOST=service.url,
            REQUESTS_CA_BUNDLE=str(trusted),
            **environment,
        )
    assert ended.code == 1
    assert "Traceback" not in ended.err
    return ended, service


def test_secrets_client_secret_refused(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    ended, service = log_in(tmp_path, tmp_path_factory.mktemp("keys"), AZURE_CLIENT_SECRET=SECRET)
    check(ended, tmp_path, SECRET)

    assert quote(SECRET, safe="~").encode() in service.requests[-1].body
    assert "AADSTS7000215" in ended.err + ended.out


@pytest.mark.parametrize("passphrase", [PASSPHRASE, f"{PASSPHRASE}, which is wrong"])
def test_secrets_certificate_refused(passphrase: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    keys = tmp_path_factory.mktemp("keys")
    _, certificate = certificates.make(keys)
    private = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(PASSPHRASE.encode()),
    )
    proof = keys / "proof.pem"
    proof.write_bytes(certificate.read_bytes() + private)
    ended, service = log_in(
        tmp_path,
        tmp_path_factory.mktemp("tls"),
        AZURE_CLIENT_CERTIFICATE_PATH=str(proof),
        AZURE_CLIENT_CERTIFICATE_PASSWORD=passphrase,
    )
    assertions = [one.body.decode().partition("client_assertion=")[2].partition("&")[0] for one in service.requests]
    check(ended, tmp_path, passphrase, *(part for text in assertions if text for part in text.split(".")))

    assert any(assertions) == (passphrase == PASSPHRASE)


def test_secrets_no_token_kept(tmp_path: Path) -> None:
    """A run that succeeds leaves no file but the events it was asked for, and no token in any."""
    with scene(lambda call, passed: passed().act()) as world:
        ended = vipswap(world.front.url, tmp_path, *REQUEST_LINE)
    check(ended, tmp_path)

    assert ended.code == 0
    assert (tmp_path / "cwd" / "events.jsonl").stat().st_size > 0
