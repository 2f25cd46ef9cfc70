"""What a URL names, and the sentence for one that names nothing."""

from __future__ import annotations

import socket

import pytest

from vipswap_rest.arm.errors import UsageError, VipswapError
from vipswap_rest.measure.probe.target import ProbeTarget, parse_target, resolve


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://10.0.0.1", ("http", "10.0.0.1", 80, "/", "10.0.0.1")),
        ("http://10.0.0.1:9000/a/b?c=d", ("http", "10.0.0.1", 9000, "/a/b?c=d", "10.0.0.1:9000")),
        ("HTTP://Blue.Example/", ("http", "blue.example", 80, "/", "blue.example")),
        ("http://[2001:db8::1]:81", ("http", "2001:db8::1", 81, "/", "[2001:db8::1]:81")),
        ("tcp://10.0.0.1:22", ("tcp", "10.0.0.1", 22, "/", "10.0.0.1:22")),
    ],
)
def test_a_url_names_a_scheme_a_host_a_port_and_a_path(url: str, expected: tuple[object, ...]) -> None:
    target = parse_target(url)

    assert (target.scheme, target.host, target.port, target.path, target.authority) == expected


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "not an http:// or tcp:// URL"),
        ("nonsense", "not an http:// or tcp:// URL"),
        ("ftp://host/", "not an http:// or tcp:// URL"),
        ("http:/host", "not an http:// or tcp:// URL"),
        ("https://host/", "https is not supported"),
        ("http://", "not an http:// or tcp:// URL"),
        ("http://:80/", "the host is missing"),
        ("http://host:/", "the port is missing"),
        ("http://host:0/", "the port is missing"),
        ("http://host:65536/", "not a valid URL"),
        ("http://host:port/", "not a valid URL"),
        ("http://[::1/", "not a valid URL"),
        ("tcp://host", "the port is missing"),
        ("tcp://host:22/path", "no path"),
        ("http://host/a b", "printable ASCII"),
        ("http://host/\r\nX: y", "printable ASCII"),
        ("http://host/ü", "printable ASCII"),
    ],
)
def test_what_is_no_target_is_told_in_a_sentence(url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_target(url)


def test_of_several_addresses_the_first_is_asked_and_the_others_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def several(*_: object, **__: object) -> list[tuple[object, ...]]:
        hosts = ("192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 80)) for host in hosts]

    monkeypatch.setattr(socket, "getaddrinfo", several)
    found = resolve(parse_target("http://many.example/"))

    assert (found.address, found.others) == (("192.0.2.1", 80), ("192.0.2.2", "192.0.2.3"))


@pytest.mark.parametrize(
    "url", ["http://user:pass-word@host/", "http://user:pass-word@host:port/", "http://pass-word@"]
)
def test_a_password_in_a_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_target(url)

    assert "pass-word" not in str(refused.value) + refused.value.hint


def test_an_address_resolves_to_itself() -> None:
    endpoint = resolve(parse_target("tcp://127.0.0.1:9"))

    assert (endpoint.family, endpoint.address) == (socket.AF_INET, ("127.0.0.1", 9))


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64, "."])
def test_a_name_without_an_address_is_told_in_a_sentence(host: str) -> None:
    with pytest.raises(VipswapError, match="has no address"):
        resolve(ProbeTarget(f"http://{host}/", "http", host, 80))
