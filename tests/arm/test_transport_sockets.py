"""The transport on real sockets: what it does when connections hang, break, go stale, or are not to be trusted."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.arm import certificates
from tests.arm.conftest import TOKEN, Tokens, VirtualClock
from tests.arm.server import Server, answer, close, hang, raw, reset, serve
from vipswap_rest.arm.clock import SystemClock
from vipswap_rest.arm.errors import AnswerLost, ProtocolError, TransportError, UntrustedServer, UsageError
from vipswap_rest.arm.http import TRIES, Transport

ODD_TARGETS = [
    "/operations/1?api-version=1&t=6&c=MII%2bB%2B==&s=x~y_z-%7E%7e&h=a+b%20c%252F",
    "/operations/1?s=a/b?c:d@e!f$g'h(i)j*k,l;m&=",
    "/a/../b/./c?x=/../",
    "/operations//1?",
    "/operations/%zz?s=%&t=%2",
    '/operations/[1]?s={x}|y^z`"<>\\',
]


def transport_to(
    server: Server, *, clock: VirtualClock | SystemClock | None = None, read_timeout: float = 5.0
) -> Transport:
    return Transport(server.url, Tokens(), clock=clock or VirtualClock(), read_timeout=read_timeout)


def get(transport: Transport, target: str = "/x") -> object:
    return transport.send("GET", transport.endpoint + target).body


# --- URLs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ODD_TARGETS)
def test_a_url_is_asked_for_byte_for_byte(target: str) -> None:
    with serve(answer()) as server, _closing(transport_to(server)) as transport:
        transport.send("GET", server.url + target)

    assert [request.target for request in server.requests] == [target]


def test_what_no_request_line_may_hold_is_encoded_and_nothing_else() -> None:
    with serve(answer()) as server, _closing(transport_to(server)) as transport:
        transport.send("GET", f"{server.url}/west us/é%2f?s=a b\r\nX: y#fragment")

    assert [request.target for request in server.requests] == ["/west%20us/%C3%A9%2f?s=a%20b%0D%0AX:%20y"]
    assert "x" not in server.requests[0].headers


# --- connections ------------------------------------------------------------------------------------------------------


def test_one_connection_serves_many_requests() -> None:
    with serve(*[answer()] * 3) as server, _closing(transport_to(server)) as transport:
        for _ in range(3):
            get(transport)

    assert server.connections == 1


def test_a_kept_connection_that_the_server_closed_is_replaced_before_a_write() -> None:
    with serve(answer(keep=False), answer()) as server, _closing(transport_to(server)) as transport:
        get(transport)
        assert server.closed.wait(5)
        answered = transport.send("PUT", f"{server.url}/x", body={"a": 1}, once=True)

    assert answered.status == 200
    assert [request.connection for request in server.requests] == [1, 2]


def test_a_connection_that_cannot_be_made_is_tried_again_and_was_never_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    clock = VirtualClock()
    with _closing(Transport(url, Tokens(), clock=clock)) as transport, pytest.raises(TransportError) as refused:
        transport.send("PUT", f"{url}/x", body={}, once=True)

    assert not isinstance(refused.value, AnswerLost)
    assert len(clock.slept) == TRIES - 1
    assert "cannot be reached" in refused.value.message
    assert refused.value.hint


def test_a_host_without_an_address_was_never_sent_to() -> None:
    with (
        _closing(Transport("https://nowhere.invalid", Tokens(), clock=VirtualClock())) as transport,
        pytest.raises(TransportError) as refused,
    ):
        transport.send("POST", "https://nowhere.invalid/x")

    assert not isinstance(refused.value, AnswerLost)


@pytest.mark.parametrize("cut", [close, reset, raw(b"HTTP/1.1 202 Acc"), raw(b"garbage\r\n\r\n")])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST", "DELETE"])
def test_a_write_whose_answer_is_lost_is_not_sent_again(method: str, cut: object) -> None:
    with serve(cut, answer()) as server, _closing(transport_to(server)) as transport, pytest.raises(AnswerLost) as lost:  # type: ignore[arg-type]
        transport.send(method, f"{server.url}/x", body={})

    assert len(server.requests) == 1
    assert "may have been done" in lost.value.message


@pytest.mark.parametrize(
    "cut",
    [
        *(close, reset, raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"),
    ],
)
def test_a_read_whose_answer_is_lost_is_sent_again(cut: object) -> None:
    with serve(cut, cut, answer()) as server, _closing(transport_to(server)) as transport:  # type: ignore[arg-type]
        assert get(transport) == {}

    assert len(server.requests) == 3


def test_a_write_whose_answer_came_in_part_may_have_been_done() -> None:
    part = raw(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{")
    with serve(part) as server, _closing(transport_to(server)) as transport, pytest.raises(AnswerLost):
        transport.send("PUT", f"{server.url}/x", body={})


# --- time -------------------------------------------------------------------------------------------------------------


def test_a_write_without_an_answer_is_given_up_after_the_read_timeout() -> None:
    with serve(hang) as server, _closing(transport_to(server, read_timeout=0.2)) as transport:
        began = time.monotonic()
        with pytest.raises(AnswerLost, match="took too long"):
            transport.send("PUT", f"{server.url}/x", body={})

    assert 0.2 <= time.monotonic() - began < 3


def test_a_deadline_shortens_the_timeout() -> None:
    clock = SystemClock()
    with serve(hang) as server, _closing(transport_to(server, clock=clock, read_timeout=30)) as transport:
        began = time.monotonic()
        with pytest.raises(AnswerLost):
            transport.send("GET", f"{server.url}/x", deadline=clock.monotonic() + 0.3)

    assert time.monotonic() - began < 3


def test_every_request_has_a_timeout_of_its_own_accord() -> None:
    with serve(answer()) as server, _closing(Transport(server.url, Tokens())) as transport:
        assert 0 < transport.read_timeout <= 60


# --- other hosts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_its_host_sees_neither_request_nor_token(status: int) -> None:
    with ExitStack() as stack:
        other = stack.enter_context(serve(answer()))
        server = stack.enter_context(serve(answer(status, b"", f"Location: {other.url}/y")))
        transport = stack.enter_context(_closing(transport_to(server)))
        with pytest.raises(ProtocolError, match="redirect"):
            get(transport)

    assert other.connections == 0
    assert len(server.requests) == 1


def test_a_url_on_another_port_of_the_same_host_is_another_host() -> None:
    with (
        serve(answer()) as other,
        serve(answer()) as server,
        _closing(transport_to(server)) as transport,
        pytest.raises(ProtocolError),
    ):
        transport.send("GET", f"{other.url}/x")

    assert other.connections == server.connections == 0


def test_a_url_that_two_parsers_read_in_two_ways_goes_nowhere() -> None:
    # urllib3 ends the host at the backslash, urllib.parse at the at-sign.
    with (
        serve(answer()) as other,
        serve(answer()) as server,
        _closing(transport_to(server)) as transport,
        pytest.raises(ProtocolError),
    ):
        transport.send("GET", f"http://127.0.0.1:{other.port}\\@127.0.0.1:{server.port}/x")

    assert other.connections == server.connections == 0


def test_no_proxy_and_no_netrc_come_between_us_and_loopback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with serve(answer()) as proxy, serve(answer()) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        with _closing(transport_to(server)) as transport:
            get(transport)

    assert proxy.connections == 0
    assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context for 127.0.0.1, and the file that makes it trusted."""
    return certificates.make(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def tls_server(authority: tuple[ssl.SSLContext, Path]) -> Iterator[Server]:
    with serve(answer(), answer(), tls=authority[0]) as server:
        yield server


@pytest.fixture(autouse=True)
def no_certificates_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def https(server: Server, ca_file: Path | None = None) -> Transport:
    endpoint = f"https://127.0.0.1:{server.port}"
    return Transport(endpoint, Tokens(), clock=VirtualClock(), ca_file=str(ca_file) if ca_file else None)


def test_a_server_that_is_not_trusted_gets_no_request_and_is_not_tried_again(tls_server: Server) -> None:
    with _closing(https(tls_server)) as transport, pytest.raises(UntrustedServer, match="not trusted") as refused:
        transport.send("PUT", f"{transport.endpoint}/x", body={})

    assert tls_server.requests == []
    assert tls_server.connections == 1
    assert "--ca-file" in refused.value.hint


def test_a_named_authority_is_trusted(tls_server: Server, authority: tuple[ssl.SSLContext, Path]) -> None:
    with _closing(https(tls_server, authority[1])) as transport:
        assert get(transport) == {}


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environments_authority_is_trusted_on_loopback_too(
    name: str, tls_server: Server, authority: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, str(authority[1]))
    with _closing(https(tls_server)) as transport:
        assert get(transport) == {}


def test_a_named_authority_goes_before_the_environments(
    tls_server: Server, authority: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _, other = certificates.make(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    with _closing(https(tls_server, authority[1])) as transport:
        assert get(transport) == {}


def test_a_ca_file_that_is_not_there_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(UsageError, match=r"/nowhere/ca\.pem"):
        Transport("https://management.azure.com", Tokens())


def test_a_ca_file_that_is_none_is_a_typed_error(tls_server: Server, tmp_path: Path) -> None:
    garbage = tmp_path / "ca.pem"
    garbage.write_text("this is no certificate")
    with _closing(https(tls_server, garbage)) as transport, pytest.raises(UntrustedServer):
        get(transport)


def test_a_server_without_tls_is_a_typed_error_and_sees_no_token() -> None:
    with (
        serve(greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n") as server,
        _closing(https(server)) as transport,
        pytest.raises(TransportError) as refused,
    ):
        transport.send("PUT", f"{transport.endpoint}/x", body={})

    assert not isinstance(refused.value, AnswerLost)
    assert server.requests == []


def test_a_tls_connection_cut_after_the_request_may_have_been_done(authority: tuple[ssl.SSLContext, Path]) -> None:
    with (
        serve(close, tls=authority[0]) as server,
        _closing(https(server, authority[1])) as transport,
        pytest.raises(AnswerLost),
    ):
        transport.send("PUT", f"{transport.endpoint}/x", body={})


class _closing:
    """Closes a transport's connections: a server serves one at a time."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def __enter__(self) -> Transport:
        return self.transport

    def __exit__(self, *_: object) -> None:
        self.transport.close()
