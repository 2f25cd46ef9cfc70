"""The data plane of `vipswap emulator`: it is always there, has its flags, and ends with it."""

from __future__ import annotations

import contextlib
import resource
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.stage import FLOAT, IP1, IP2, LB1, address
from tests.emulator.test_data_plane import free_port, slow
from tests.emulator.vips import Vip, address_of, ask, events, put_address, wait_until, write
from tests.emulator.wire import Process, check_end, once, process

QUESTION = b"GET / HTTP/1.1\r\nHost: vip\r\n\r\n"


def test_both_load_balancers_answer_from_the_first_line_on() -> None:
    with process() as emulator:
        assert [ask(address_of(emulator.endpoint, one)).who for one in (IP1, IP2)] == ["vipswap1lb", "vipswap2lb"]
        assert events(emulator.endpoint) == []
        assert emulator.end()[2:] == ("", "")


def taken_off(emulator: Process) -> tuple[str, str]:
    """Production's address is taken off, and the float's put on, by an operation that takes long."""
    wait_until(emulator.endpoint, write(emulator.endpoint, "PUT", FLOAT, address()))
    put_address(emulator.endpoint, LB1, FLOAT)
    return address_of(emulator.endpoint, IP1), address_of(emulator.endpoint, FLOAT)


@pytest.mark.parametrize(
    ("flags", "old", "new"),
    [
        ([], None, None),
        (["--data-plane-down", "complete"], "vipswap1lb", None),
        (["--data-plane-up", "accept"], None, "vipswap1lb"),
    ],
)
def test_flags_say_when_an_address_goes_and_when_one_comes(
    flags: list[str], old: str | None, new: str | None, tmp_path: Path
) -> None:
    with process("--latency", slow(tmp_path), *flags) as emulator:
        assert tuple(ask(ip).who for ip in taken_off(emulator)) == (old, new)


def test_a_flag_lets_unattached_addresses_accept_and_stay_silent(tmp_path: Path) -> None:
    with process("--latency", slow(tmp_path), "--unattached", "drop") as emulator, Vip(taken_off(emulator)[0]) as vip:
        vip.send(QUESTION)
        assert ask(address_of(emulator.endpoint, IP2)).who == "vipswap2lb"
        assert not vip.has_heard()


def test_a_flag_lets_open_connections_hang(tmp_path: Path) -> None:
    with process("--latency", slow(tmp_path), "--established", "silent") as emulator, kept(emulator) as vip:
        taken_off(emulator)
        vip.send(QUESTION)
        assert ask(address_of(emulator.endpoint, IP2)).who == "vipswap2lb"
        assert not vip.has_heard()


def test_a_flag_says_where_addresses_are_taken_from() -> None:
    with process("--vip-pool", "127.78.0.0/28") as emulator:
        assert address_of(emulator.endpoint, IP1) == "127.78.0.1"


@contextlib.contextmanager
def kept(emulator: Process) -> Iterator[Vip]:
    with Vip(address_of(emulator.endpoint, IP1)) as vip:
        assert vip.ask() == "vipswap1lb"
        yield vip


@contextlib.contextmanager
def half_asked(emulator: Process) -> Iterator[None]:
    with Vip(address_of(emulator.endpoint, IP1)) as vip:
        vip.send(QUESTION[:9])
        yield


@contextlib.contextmanager
def silent(emulator: Process) -> Iterator[None]:
    outage = {"public_ip": IP1, "seconds": 600, "mode": "drop"}
    once(emulator.endpoint, "POST", "/emulator/outages", outage)
    with Vip(address_of(emulator.endpoint, IP1)) as vip:
        vip.send(QUESTION)
        yield


@pytest.mark.parametrize("busy", [kept, half_asked, silent])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_within_a_second_of_a_signal_whoever_is_connected(busy: Any, number: signal.Signals) -> None:
    check_end(busy, number)


def test_a_port_that_may_not_be_bound_is_named_in_one_warning_on_stderr() -> None:
    port = free_port()
    with process() as emulator, contextlib.ExitStack() as stack:
        ips = [address_of(emulator.endpoint, one) for one in (IP1, IP2)]
        for ip in ips:
            listener = stack.enter_context(socket.socket())
            listener.bind((ip, port))
            listener.listen()
        state = once(emulator.endpoint, "GET", "/emulator/state")[1]["resources"]
        balancers = [body for body in state if "/loadBalancers/" in body["id"]]
        for body in balancers:
            body["properties"]["loadBalancingRules"][0]["properties"]["frontendPort"] = port
        once(emulator.endpoint, "PUT", "/emulator/state", {"resources": balancers})
        _, _, out, err = emulator.end()

    assert out == ""
    named = ", ".join(f"port {port} of {ip} (Address already in use)" for ip in sorted(ips))
    assert err == f"vipswap: warning: The data plane cannot listen, so that nothing answers, on {named}.\n"


def test_with_no_descriptors_left_the_oldest_connections_make_room_for_the_newest() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (60, before[1]))
    try:
        started = process()
        emulator = started.__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    with contextlib.ExitStack() as stack:
        stack.push(started)
        ip = address_of(emulator.endpoint, IP1)
        vips = [stack.enter_context(Vip(ip)) for _ in range(80)]

        assert vips[-1].ask() == "vipswap1lb"
        with pytest.raises(ConnectionError):
            vips[0].ask()
        for vip in vips:
            vip.close()
        assert ask(ip).who == "vipswap1lb"
        assert emulator.end()[2:] == ("", "")
