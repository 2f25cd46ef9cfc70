"""Whether an address answers, on real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from vipswap_rest.switchover.health import HttpCheck, TcpCheck, check_of


class Backend(BaseHTTPRequestHandler):
    """Answers /ready with 200, /moved with 302, and all else with 503."""

    def do_GET(self) -> None:
        self.send_response({"/ready": 200, "/moved": 302}.get(self.path, 503))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Backend)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.mark.parametrize(("path", "good"), [("/ready", True), ("ready", True), ("/moved", True), ("/broken", False)])
def test_http_is_healthy_below_400(path: str, good: bool, port: int) -> None:
    assert (HttpCheck(path).answers("127.0.0.1", port) is None) is good


def test_tcp_is_healthy_where_a_connection_is_accepted(port: int) -> None:
    assert TcpCheck().answers("127.0.0.1", port) is None


@pytest.mark.parametrize("check", [TcpCheck(), HttpCheck("/ready")])
def test_what_refuses_the_connection_is_named(check: TcpCheck | HttpCheck, closed_port: int) -> None:
    told = check.answers("127.0.0.1", closed_port)

    assert told is not None
    assert str(closed_port) in told


def test_what_accepts_and_says_nothing_is_not_healthy_by_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = HttpCheck("/ready", timeout_s=0.2).answers("127.0.0.1", silent.getsockname()[1])

    assert told is not None
    assert "ReadTimeout" in told


def test_the_option_names_tcp_or_a_path() -> None:
    assert check_of("TCP") == TcpCheck()
    assert check_of("/healthz") == HttpCheck("/healthz")
