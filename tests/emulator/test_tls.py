"""The emulator over https: whom a client must trust, what is left behind, and that it is the same emulator."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.stage import FLOAT, LB1, address
from tests.emulator.wire import PATIENCE_S, Connection, Process, check_end, command, once, process, wait_for_request
from vipswap_rest.emulator import Settings
from vipswap_rest.emulator.server import EmulatorServer
from vipswap_rest.emulator.settings import TENANT
from vipswap_rest.extras import install_command

TLS = Settings(tls=True)


def test_its_line_says_what_to_trust_and_everything_in_it_is_https() -> None:
    with process("--tls") as emulator:
        said = emulator.said
        status, body = once(said["endpoint"], "GET", LB1, ca_file=said["ca_file"])
        code, _, out, err = emulator.end()

    assert said["endpoint"].startswith("https://127.0.0.1:")
    assert said["authority"] == said["endpoint"]
    assert (status, body["id"], code, out, err) == (200, LB1, 0, "", "")


def test_a_client_that_does_not_trust_its_authority_refuses_it() -> None:
    with EmulatorServer(TLS) as server, EmulatorServer(TLS) as other:
        for trusted in (ssl.get_default_verify_paths().cafile, other.ca_file):
            if trusted:
                with pytest.raises(ssl.SSLCertVerificationError):
                    Connection(server.endpoint, trusted)
        assert once(server.endpoint, "GET", LB1, ca_file=server.ca_file)[0] == 200


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_the_certificate_is_for_loopback_by_address_and_by_name(name: str) -> None:
    with EmulatorServer(TLS) as server:
        port = int(server.endpoint.rpartition(":")[2])
        context = ssl.create_default_context(cafile=server.ca_file)
        with (
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as plain,
            context.wrap_socket(plain, server_hostname=name) as secured,
        ):
            assert secured.version() in ("TLSv1.2", "TLSv1.3")


def test_the_certificate_is_for_nobody_else() -> None:
    with EmulatorServer(TLS) as server:
        port = int(server.endpoint.rpartition(":")[2])
        context = ssl.create_default_context(cafile=server.ca_file)
        with (
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as plain,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            context.wrap_socket(plain, server_hostname="management.azure.com")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_folder_holds_the_authoritys_certificate_alone_and_is_gone_at_the_end(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with process("--tls") as emulator:
        (file,) = [path for path in tmp_path.rglob("*") if path.is_file()]
        found, folder_mode = file.read_text(encoding="ascii"), file.parent.stat().st_mode & 0o777
        code, _, _, err = emulator.end(number)

    assert str(file) == emulator.said["ca_file"]
    assert found.count("-----BEGIN") == found.count("-----BEGIN CERTIFICATE-----") == 1
    assert folder_mode == 0o700
    assert (code, err, list(tmp_path.iterdir())) == (0, "", [])


def test_a_server_in_a_test_leaves_nothing_behind_either() -> None:
    with EmulatorServer(TLS) as server:
        assert server.announcement["ca_file"] == server.ca_file
        assert server.ca_file is not None
        assert Path(server.ca_file).is_file()

    assert not Path(server.ca_file).parent.exists()


def test_a_port_that_is_taken_is_refused_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with EmulatorServer() as server:
        ran = run("--tls", "--port", server.endpoint.rpartition(":")[2])

    assert (ran.returncode, ran.stdout, list(tmp_path.iterdir())) == (2, "", [])
    assert "cannot listen on port" in ran.stderr


def test_what_it_needs_and_is_not_there_is_one_sentence_that_says_how_to_get_it() -> None:
    code = "import sys; sys.modules['trustme'] = None; from vipswap_rest.cli.main import main; sys.exit(main())"
    ran = subprocess.run(
        [sys.executable, "-c", code, "emulator", "--tls"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert (ran.returncode, ran.stdout) == (2, "")
    assert "trustme" in ran.stderr
    assert install_command("emulator") in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_urls_it_gives_out_are_https_and_lead_back_to_it() -> None:
    with EmulatorServer(TLS) as server, Connection(server.endpoint, server.ca_file) as connection:
        host = server.endpoint.removeprefix("https://")
        connection.ask("PUT", FLOAT, json.dumps(address()).encode(), Host=host)
        status, headers, _ = connection.answer()
        url = headers["azure-asyncoperation"]
        connection.ask("GET", url.removeprefix(server.endpoint))
        operation = connection.answer()
        connection.ask("GET", f"/{TENANT}/v2.0/.well-known/openid-configuration", Host=host)
        configuration = json.loads(connection.answer()[2])

    assert (status, url.startswith(f"{server.endpoint}/subscriptions/")) == (201, True)
    assert operation[2] == b'{"status":"Succeeded"}'
    assert configuration["token_endpoint"] == f"{server.endpoint}/{TENANT}/oauth2/v2.0/token"


@pytest.mark.parametrize(("effect", "done"), [({"reset": True}, False), ({"lose_response": True}, True)])
def test_a_fault_cuts_the_connection_before_or_after_the_deed(effect: dict[str, bool], done: bool) -> None:
    with EmulatorServer(TLS) as server:
        fault = {"match": {"method": "PUT"}, "effect": effect}
        once(server.endpoint, "POST", "/emulator/faults", fault, server.ca_file)
        with Connection(server.endpoint, server.ca_file) as connection:
            connection.ask("PUT", FLOAT, json.dumps(address()).encode())
            with pytest.raises((ConnectionError, ssl.SSLEOFError)):
                connection.answer()

        assert once(server.endpoint, "GET", FLOAT, ca_file=server.ca_file)[0] == (200 if done else 404)


def test_a_client_that_leaves_in_the_middle_of_a_hang_is_missed() -> None:
    with EmulatorServer(TLS) as server:
        # What is done because its client died tells that the server knows.
        fault = {"match": {"method": "PUT"}, "effect": {"hang_s": 600, "before": True, "zombie": True}}
        once(server.endpoint, "POST", "/emulator/faults", fault, server.ca_file)
        with Connection(server.endpoint, server.ca_file) as connection:
            connection.ask("PUT", FLOAT, json.dumps(address()).encode())
            wait_for_request(server.endpoint, FLOAT, server.ca_file)
            assert once(server.endpoint, "GET", FLOAT, ca_file=server.ca_file)[0] == 404

        until = time.monotonic() + PATIENCE_S
        while once(server.endpoint, "GET", FLOAT, ca_file=server.ca_file)[0] != 200:
            assert time.monotonic() < until


def test_plain_http_and_garbage_are_nothing_to_speak_of() -> None:
    with process("--tls") as emulator:
        for data in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"garbage\r\n\r\n", b"\x16\x03\x01\x02\x00", b""):
            with Connection(emulator.endpoint) as connection, contextlib.suppress(ConnectionError):
                connection.send(data)
                if data[-2:] == b"\r\n":
                    assert not connection.rest().startswith(b"HTTP/")
        assert once(emulator.endpoint, "GET", LB1, ca_file=emulator.said["ca_file"])[0] == 200
        code, _, out, err = emulator.end()

    assert (code, out, err) == (0, "", "")


@contextlib.contextmanager
def kept_connection(emulator: Process) -> Iterator[None]:
    with Connection(emulator.endpoint, emulator.said["ca_file"]) as connection:
        connection.ask("GET", LB1)
        connection.answer()
        yield


@contextlib.contextmanager
def request_under_way(emulator: Process) -> Iterator[None]:
    ca_file = emulator.said["ca_file"]
    fault = {"match": {"path": "vipswap1lb"}, "effect": {"hang_s": 600}}
    once(emulator.endpoint, "POST", "/emulator/faults", fault, ca_file)
    with Connection(emulator.endpoint, ca_file) as connection:
        connection.ask("GET", LB1)
        wait_for_request(emulator.endpoint, LB1, ca_file)
        yield


@contextlib.contextmanager
def half_a_handshake(emulator: Process) -> Iterator[None]:
    with Connection(emulator.endpoint) as connection:
        connection.send(b"\x16\x03\x01\x02\x00\x01")
        once(emulator.endpoint, "GET", LB1, ca_file=emulator.said["ca_file"])
        yield


@pytest.mark.parametrize("busy", [kept_connection, request_under_way, half_a_handshake])
def test_it_ends_within_a_second_of_a_signal_whatever_is_going_on(busy: Any) -> None:
    check_end(busy, signal.SIGTERM, "--tls")


def run(*flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*flags), capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=os.environ.copy()
    )


def test_a_client_that_a_proxy_leads_here_finds_microsofts_login_host() -> None:
    with EmulatorServer(TLS) as server:
        context = ssl.create_default_context(cafile=server.ca_file)
        place = ("127.0.0.1", int(server.endpoint.rpartition(":")[2]))
        with (
            socket.create_connection(place, timeout=PATIENCE_S) as plain,
            context.wrap_socket(plain, server_hostname="login.microsoftonline.com") as secured,
        ):
            assert secured.version() in ("TLSv1.2", "TLSv1.3")
