"""The emulator on real sockets, in this process."""

from __future__ import annotations

import http.client
import json

import pytest

from tests.emulator.stage import FLOAT, GROUP, IP1, LB1, NETWORK, address
from tests.emulator.wire import Connection, head, once, wait_for_request
from vipswap_rest.emulator import Settings
from vipswap_rest.emulator.server import EmulatorServer

HANG_S = 600


def test_it_listens_on_loopback_for_the_length_of_the_block() -> None:
    with EmulatorServer() as server:
        assert server.endpoint.startswith("http://127.0.0.1:")
        assert once(server.endpoint, "GET", LB1)[0] == 200
        assert server.announcement["endpoint"] == server.endpoint

    with pytest.raises(ConnectionRefusedError):
        Connection(server.endpoint)


def test_two_servers_know_nothing_of_each_other() -> None:
    with EmulatorServer() as one, EmulatorServer(Settings(env="none")) as other:
        assert one.endpoint != other.endpoint
        assert (once(one.endpoint, "GET", LB1)[0], once(other.endpoint, "GET", LB1)[0]) == (200, 404)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_there_is_not_is_an_oserror(port: int) -> None:
    with pytest.raises(OSError, match="0 to 65535"), EmulatorServer(port=port):
        pass


def test_a_port_that_is_taken_is_an_oserror() -> None:
    with EmulatorServer() as server:
        port = int(server.endpoint.rsplit(":", 1)[1])
        with pytest.raises(OSError, match="in use"), EmulatorServer(port=port):
            pass


def test_the_operation_urls_of_the_wire_can_be_polled() -> None:
    with EmulatorServer() as server, Connection(server.endpoint) as connection:
        host = server.endpoint.removeprefix("http://")
        connection.ask("PUT", FLOAT, json.dumps(address()).encode(), Host=host)
        status, headers, _ = connection.answer()
        url = headers["azure-asyncoperation"]
        connection.ask("GET", url.removeprefix(server.endpoint))

        assert (status, url.startswith(f"{server.endpoint}/subscriptions/")) == (201, True)
        assert connection.answer()[2] == b'{"status":"Succeeded"}'


def test_one_connection_carries_many_requests() -> None:
    with EmulatorServer() as server, Connection(server.endpoint) as connection:
        for path in (LB1, f"{NETWORK}/none/none", IP1):
            connection.ask("GET", path)
        statuses = [connection.answer()[0] for _ in range(3)]

    assert statuses == [200, 404, 200]


def test_one_connection_is_answered_while_another_one_hangs() -> None:
    with EmulatorServer() as server, Connection(server.endpoint) as slow:
        fault = {"match": {"path": "vipswap1lb"}, "effect": {"hang_s": HANG_S, "before": True}}
        once(server.endpoint, "POST", "/emulator/faults", fault)
        slow.ask("GET", LB1)
        entry = wait_for_request(server.endpoint, LB1)

        assert entry["status"] is None
        assert once(server.endpoint, "GET", IP1)[0] == 200


@pytest.mark.parametrize(("path", "status"), [(GROUP, 204), (LB1, 405), ("/emulator/state", 200), ("/none", 404)])
def test_head_is_answered_without_a_body(path: str, status: int) -> None:
    with EmulatorServer() as server, Connection(server.endpoint) as connection:
        connection.ask("HEAD", path)
        assert connection.answer(bodiless=True)[0] == status
        connection.ask("GET", GROUP)
        assert connection.answer()[0] == 200


def test_a_client_that_waits_for_100_continue_gets_it() -> None:
    body = json.dumps(address()).encode()
    with EmulatorServer() as server, Connection(server.endpoint) as connection:
        connection.send(head("PUT", FLOAT, len(body), Expect="100-continue"))
        interim = connection.answer(bodiless=True)
        connection.send(body)

        assert interim[0] == 100
        assert connection.answer()[0] == 201


def test_a_body_that_is_too_large_is_413_and_the_server_lives_on() -> None:
    with EmulatorServer() as server:
        with Connection(server.endpoint) as connection:
            connection.ask("PUT", FLOAT, b"x" * (17 * 2**20))
            assert connection.answer()[0] == 413
        assert once(server.endpoint, "GET", LB1)[0] == 200


def test_a_body_of_a_hundred_rules_comes_and_goes_whole() -> None:
    with EmulatorServer() as server:
        tags = {f"tag{number}": "x" * 5000 for number in range(500)}
        status, body = once(server.endpoint, "PATCH", LB1, {"tags": tags})

    assert (status, body["tags"]) == (200, tags)


@pytest.mark.parametrize(
    "data",
    [
        b"garbage\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /\xff HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 20000 + b"\r\n\r\n",
        b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    ],
)
def test_what_is_no_http_gets_a_400_and_nothing_is_written(data: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with EmulatorServer() as server:
        with Connection(server.endpoint) as connection:
            connection.send(data)
            assert connection.answer()[0] == 400
        assert once(server.endpoint, "GET", LB1)[0] == 200

    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("name", "value"), [("Content-Encoding", "gzip"), ("x-ms-correlation-request-id", "\xe9\xff"), ("Host", "a b\xff")]
)
def test_a_strange_header_never_gets_a_500(name: str, value: str) -> None:
    with EmulatorServer() as server, Connection(server.endpoint) as connection:
        lines = head("PUT", FLOAT, 2).replace(b"Host: arm.test\r\n", b"Host: arm.test\r\n" if name != "Host" else b"")
        connection.send(lines[:-2] + f"{name}: {value}\r\n\r\n{{}}".encode("latin-1"))

        assert connection.answer()[0] == 400


@pytest.mark.parametrize(("effect", "done"), [({"reset": True}, False), ({"lose_response": True}, True)])
def test_a_fault_cuts_the_connection_before_or_after_it_is_done(effect: dict[str, bool], done: bool) -> None:
    with EmulatorServer() as server:
        once(server.endpoint, "POST", "/emulator/faults", {"match": {"method": "PUT"}, "effect": effect})
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            once(server.endpoint, "PUT", FLOAT, address())

        assert once(server.endpoint, "GET", FLOAT)[0] == (200 if done else 404)


@pytest.mark.parametrize(
    ("more", "done"), [({"before": True}, False), ({"before": True, "zombie": True}, True), ({}, True)]
)
@pytest.mark.parametrize("how", ["client leaves", "fault deleted"])
def test_a_hang_ends_when_its_client_leaves_or_its_fault_is_deleted(
    more: dict[str, bool], done: bool, how: str
) -> None:
    effect = {"hang_s": HANG_S, **more}
    with EmulatorServer() as server:
        once(server.endpoint, "POST", "/emulator/faults", {"match": {"method": "PUT"}, "effect": effect})
        with Connection(server.endpoint) as connection:
            connection.ask("PUT", FLOAT, json.dumps(address()).encode())
            wait_for_request(server.endpoint, FLOAT)
            if how == "fault deleted":
                once(server.endpoint, "DELETE", "/emulator/faults")
                connection.rest() if not done else connection.answer()
        if how == "client leaves" and more.get("zombie"):
            wait_until_there(server.endpoint)
        # Leaving the block ends whatever still hangs, so this is the last word.

    assert (server.core.world.state.get(FLOAT) is not None) is done


def wait_until_there(endpoint: str) -> None:
    for _ in range(3000):
        if once(endpoint, "GET", FLOAT)[0] == 200:
            return
    raise AssertionError("it was never done")
