"""The prober on real sockets: what each sample was, what it leaves behind, and how it ends."""

from __future__ import annotations

import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.measure.probe.answering import PLAIN, Answering, hang_up, reset, say, silent
from vipswap_rest.arm.errors import UsageError
from vipswap_rest.measure.probe import poller, sampler
from vipswap_rest.measure.probe.findings import AddressFindings
from vipswap_rest.measure.probe.poller import SelectorPoller, best_poller
from vipswap_rest.measure.probe.prober import Findings, Prober
from vipswap_rest.measure.probe.sampler import Sampler
from vipswap_rest.measure.probe.samples import SampleOutcome
from vipswap_rest.measure.probe.target import ProbeTarget, parse_target

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\none\r\n4\r\n-two\r\n0\r\n\r\n"
)
FAULT = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


def endless(connection: socket.socket) -> None:
    """Answer without a length, and leave the connection open."""
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\none-two")
    connection.recv(4096)


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def probed(*targets: ProbeTarget, samples: int = 5, interval_s: float = 0.01, timeout_s: float = 0.9) -> Findings:
    """Probe until each has so many samples that say something."""
    prober = Prober(targets, interval_s, timeout_s=timeout_s).start()
    asked = prober._started().asked
    until(lambda: all(sum(map(_known, one.samples.outcomes)) >= samples for one in asked))
    return prober.stop()


def _known(outcome: int) -> bool:
    return SampleOutcome(outcome).known


def outcomes(found: AddressFindings) -> set[str]:
    return {name for name in found.counts if SampleOutcome[name.upper()].known}


def test_an_answer_is_ok_and_says_who() -> None:
    with Answering() as server:
        found = probed(parse_target(server.url)).addresses[0]

    assert outcomes(found) == {"ok"}
    assert set(found.identities) == {"one"}
    assert found.account.outages == ()
    assert found.round_trips is not None


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (reset, "reset"),
        (hang_up, "reset"),
        (silent, "timeout"),
        (say(FAULT), "http_error"),
        (say(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), "http_error"),
        (say(b"220 mail ready\r\n"), "http_error"),
        (say(PLAIN[:30]), "reset"),
        (say(CHUNKED), "ok"),
        (endless, "ok"),
    ],
    ids=[
        "reset",
        "closed without an answer",
        "silence",
        "503",
        "404",
        "no HTTP",
        "half an answer",
        "chunked",
        "without an end",
    ],
)
def test_every_end_of_a_sample_has_its_name(act: Callable[[socket.socket], None], expected: str) -> None:
    with Answering(act) as server:
        found = probed(parse_target(server.url), timeout_s=0.3 if act in (silent, endless) else 0.9).addresses[0]

    assert outcomes(found) == {expected}
    assert set(found.identities) == ({"one-two"} if expected == "ok" else set())


def test_where_nobody_listens_it_is_refused(free_port: int) -> None:
    found = probed(parse_target(f"http://127.0.0.1:{free_port}")).addresses[0]

    assert outcomes(found) == {"refused"}
    assert not found.ever_answered
    assert [outage.upper_s for outage in found.account.outages] == [None]


def test_an_answer_of_somebody_who_is_not_expected_is_no_good_one() -> None:
    with Answering() as server:
        expected = parse_target(server.url, identities=frozenset({"one"}))
        other = parse_target(server.url, identities=frozenset({"two"}))
        good, bad = probed(expected, other).addresses

    assert outcomes(good) == {"ok"}
    assert outcomes(bad) == {"wrong_identity"}


def test_tcp_is_content_with_a_connection_to_a_server_that_says_nothing() -> None:
    with Answering(silent) as server:
        found = probed(parse_target(f"tcp://127.0.0.1:{server.port}")).addresses[0]

    assert outcomes(found) == {"ok"}
    assert set(found.identities) == {None}


@pytest.mark.skipif(not os.path.exists("/proc/net/if_inet6"), reason="there is no IPv6 here")
def test_an_ipv6_address_in_brackets_is_probed() -> None:
    with Answering(host="::1") as server:
        found = probed(parse_target(server.url)).addresses[0]

    assert outcomes(found) == {"ok"}
    assert found.endpoint.address[0] == "::1"


def test_without_epoll_it_works_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler, "best_poller", SelectorPoller)
    with Answering() as server:
        found = probed(parse_target(server.url)).addresses[0]

    assert outcomes(found) == {"ok"}


def test_epoll_waits_microseconds() -> None:
    waiting = best_poller()
    waits = []
    for _ in range(100):
        began = time.monotonic()
        waiting.wait(0.0002)
        waits.append(time.monotonic() - began)
    waiting.close()

    # It waits; and if it rounded up to milliseconds, none of them would be shorter than one.
    assert min(waits) >= 0.0002
    assert min(waits) < 0.001
    if sys.platform == "linux":
        assert isinstance(waiting, poller.EpollPoller)


def test_a_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    original = socket.getaddrinfo

    def getaddrinfo(host: str, *arguments: object, **options: object) -> object:
        asked.append(host)
        return original("127.0.0.1", *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with Answering() as server:
        found = probed(parse_target(f"http://blue.example:{server.port}/"), samples=20).addresses[0]

    assert asked == ["blue.example"]
    assert found.endpoint.address[0] == "127.0.0.1"
    assert outcomes(found) == {"ok"}


@contextmanager
def no_more_files() -> Iterator[None]:
    """No new file descriptor for this process; those that are open go on."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_running_out_of_file_descriptors_is_our_own_trouble_and_no_outage() -> None:
    # The other end is the kernel alone: it needs no file descriptor either.
    with socket.create_server(("127.0.0.1", 0), backlog=4000) as listener:
        prober = Prober([parse_target(f"tcp://127.0.0.1:{listener.getsockname()[1]}")], 0.01).start()
        samples = prober._started().asked[0].samples
        until(lambda: samples.counts().get("ok", 0) >= 5)
        with no_more_files():
            until(lambda: samples.counts().get("prober_error", 0) >= 10)
        good = samples.counts()["ok"]
        until(lambda: samples.counts()["ok"] >= good + 5)
        found = prober.stop().addresses[0]

    assert found.account.outages == ()
    assert found.trouble == "EMFILE"
    assert any(window.end - window.begin >= 0.09 for window in found.account.unknown)


def test_a_failure_beside_a_failure_of_our_own_control_endpoint_is_unknown(free_port: int) -> None:
    prober = Prober([parse_target(f"http://127.0.0.1:{free_port}")], 0.01).start()
    running = prober._started()
    assert running.control is not None
    until(lambda: running.control is not None and len(running.control.samples) >= 2)
    assert set(running.control.samples.counts()) <= {"ok", "late"}
    control = running.control
    # As if the loopback had failed us all the time.
    control.samples.add(running.began, time.monotonic() + 60, SampleOutcome.TIMEOUT)
    found = prober.stop().addresses[0]

    assert found.account.outages == ()
    assert found.doubted == found.counts["refused"]
    assert found.account.unknown != ()


def test_it_leaves_nothing_open_and_no_connection_in_time_wait() -> None:
    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))

    with Answering(silent) as mute, Answering() as server:
        before = open_files()
        prober = Prober([parse_target(server.url), parse_target(mute.url)], 0.01, timeout_s=0.2).start()
        until(lambda: prober._started().asked[0].samples.counts().get("ok", 0) >= 30)
        prober.stop()
        until(lambda: open_files() <= before)
        states = _states_of(server.port)

    assert "06" not in states
    assert not [thread for thread in threading.enumerate() if thread.name == "vipswap-probe"]


def _states_of(port: int) -> set[str]:
    """The states of the sockets on our side of that server's connections; 06 is TIME_WAIT."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in list(table)[1:]]
    return {row[3] for row in rows if row[2].endswith(f":{port:04X}")}


def test_it_ends_by_itself_when_there_is_no_room_for_more() -> None:
    with Answering() as server:
        prober = Prober([parse_target(server.url)], 0.01, most=20).start()
        assert prober.wait(30)
        findings = prober.stop()

    assert findings.full
    assert sum(findings.addresses[0].counts.values()) == 20


def test_it_ends_by_itself_after_its_duration_and_findings_stay_the_same() -> None:
    with Answering() as server:
        prober = Prober([parse_target(server.url)], 0.05, duration_s=0.3).start()
        assert prober.wait(30)
        findings = prober.stop()

    assert findings.ended - findings.began >= 0.3
    assert not findings.full
    assert prober.stop() is findings


def test_live_says_who_answers_now_and_that_nobody_does(free_port: int) -> None:
    with Answering() as server:
        prober = Prober([parse_target(server.url), parse_target(f"tcp://127.0.0.1:{free_port}")], 0.01).start()
        until(lambda: all(state.answers is not None for state in prober.live()))
        one, other = prober.live()
        prober.stop()

    assert (one.answers, one.identity) == (True, "one")
    assert (other.answers, other.outcome) == (False, SampleOutcome.REFUSED)
    assert one.since is not None


def test_a_prober_that_was_not_started_says_so() -> None:
    prober = Prober([parse_target("tcp://127.0.0.1:9")])

    with pytest.raises(RuntimeError, match="not been started"):
        prober.stop()


@pytest.mark.parametrize("interval_s", [0.0, 0.009, -1.0, 61.0, float("nan")])
def test_an_interval_that_cannot_be_kept_is_refused(interval_s: float) -> None:
    with pytest.raises(UsageError, match="10 ms to 60 s"):
        Prober([parse_target("tcp://127.0.0.1:9")], interval_s)


def test_more_addresses_than_there_are_file_descriptors_for_are_refused() -> None:
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    targets = [parse_target("tcp://127.0.0.1:9")] * (allowed // 90 + 1)

    with pytest.raises(UsageError, match="open files"):
        Prober(targets, 0.01)


def test_an_error_in_the_loop_reaches_whoever_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Sampler) -> None:
        raise ZeroDivisionError("the loop's own")

    monkeypatch.setattr(Sampler, "_round", fail)
    prober = Prober([parse_target("tcp://127.0.0.1:9")]).start()

    with pytest.raises(ZeroDivisionError):
        prober.stop()


@pytest.mark.parametrize("part", ["_serve", "_expire", "_take_turn"])
@pytest.mark.parametrize("before", [True, False], ids=["before it", "after it"])
def test_wherever_the_loop_is_stopped_no_healthy_sample_becomes_a_timeout(
    part: str, before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some samples are always in flight, as each answer takes 50 ms."""
    original = getattr(Sampler, part)
    stops: list[float] = []

    def stopped(self: Sampler, *arguments: object) -> object:
        found = None if before else original(self, *arguments)
        if not stops and len(self.asked[0].samples) > 20:
            stops.append(time.monotonic())
            time.sleep(1.0)
        return original(self, *arguments) if before else found

    monkeypatch.setattr(Sampler, part, stopped)
    with Answering(delay_s=0.05) as server:
        found = probed(parse_target(server.url), samples=40)

    (address,) = found.addresses
    assert stops
    assert found.longest_stall_s >= 0.99
    assert outcomes(address) == {"ok"}
    assert "prober_error" not in address.counts


class StallingPoller:
    """A poller that once, when a sample has just been sent, comes back 1.2 s too late."""

    def __init__(self) -> None:
        self._poller = best_poller()
        self._sent = 0
        self._just_sent = False
        self.stalled: tuple[float, float] | None = None

    def watch(self, fd: int, *, writing: bool) -> None:
        self._poller.watch(fd, writing=writing)
        self._sent += writing
        self._just_sent = writing

    def only_read(self, fd: int) -> None:
        self._poller.only_read(fd)

    def forget(self, fd: int) -> None:
        self._poller.forget(fd)

    def wait(self, seconds: float) -> list[int]:
        if self._just_sent and self._sent > 20 and self.stalled is None:
            before = time.monotonic()
            time.sleep(1.2)
            self.stalled = (before, time.monotonic())
        self._just_sent = False
        return self._poller.wait(seconds)

    def close(self) -> None:
        self._poller.close()


def probed_with_a_stall(url: str, monkeypatch: pytest.MonkeyPatch) -> AddressFindings:
    waiting = StallingPoller()
    monkeypatch.setattr(sampler, "best_poller", lambda: waiting)
    # Without the control endpoint, what has just been sent is a sample of the address.
    monkeypatch.setattr(sampler, "_listener", lambda: None)
    prober = Prober([parse_target(url)], 0.05).start()
    until(lambda: waiting.stalled is not None)
    seen = len(prober._started().asked[0].samples)
    until(lambda: len(prober._started().asked[0].samples) >= seen + 25)
    findings = prober.stop()
    assert findings.longest_stall_s >= 1.1
    return findings.addresses[0]


def test_a_sample_that_we_had_no_time_for_gets_its_whole_time_after_our_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request of the last one is sent only after the stall, and answered 50 ms later."""
    with Answering(delay_s=0.05) as server:
        found = probed_with_a_stall(server.url, monkeypatch)

    assert outcomes(found) == {"ok"}
    assert "prober_error" not in found.counts
    assert found.skipped >= 20


def test_a_timeout_that_was_mostly_our_own_stall_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    with Answering(silent) as server:
        found = probed_with_a_stall(server.url, monkeypatch)

    assert outcomes(found) == {"timeout"}
    assert found.counts["prober_error"] >= 1
    assert found.trouble == "STALL"
