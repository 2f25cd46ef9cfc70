"""A single sample: its times, and what it says of now."""

from __future__ import annotations

import socket
import time

import pytest

from tests.measure.probe.answering import Answering
from tests.measure.probe.test_prober import probed
from vipswap_rest.measure.probe.open_sample import EndpointRequest, OpenSample
from vipswap_rest.measure.probe.sampler import Asked, Sampler
from vipswap_rest.measure.probe.samples import SampleOutcome
from vipswap_rest.measure.probe.schedule import Schedule
from vipswap_rest.measure.probe.target import Endpoint, parse_target


def test_the_times_of_a_sample_enclose_all_that_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    began: dict[int, float] = {}
    ended: dict[int, float] = {}
    begin, advance = OpenSample.begin, OpenSample.advance

    def noted_begin(self: OpenSample) -> None:
        began[id(self)] = time.monotonic()
        begin(self)

    def noted_advance(self: OpenSample) -> bool:
        reading = advance(self)
        ended[id(self)] = time.monotonic()
        return reading

    monkeypatch.setattr(OpenSample, "begin", noted_begin)
    monkeypatch.setattr(OpenSample, "advance", noted_advance)
    # All are kept, so that no two have one id.
    flights: list[OpenSample] = []
    done: list[float] = []
    keep = Asked.ended

    def kept(self: Asked, flight: OpenSample, moment: float) -> None:
        flights.append(flight)
        done.append(moment)
        keep(self, flight, moment)

    monkeypatch.setattr(Asked, "ended", kept)
    with Answering(delay_s=0.02) as server:
        probed(parse_target(server.url))

    assert len(flights) >= 5
    for flight, moment in zip(flights, done, strict=True):
        assert flight.sent <= began[id(flight)]
        assert moment >= ended[id(flight)]


def test_what_ends_late_does_not_say_how_an_address_is_now() -> None:
    target = parse_target("http://127.0.0.1:9/")
    asked = Asked(Endpoint(target, socket.AF_INET, ("127.0.0.1", 9)), Schedule(0.0, 0.1), most=10)
    older, newer = (OpenSample(asked.request, sent, 0.0) for sent in (1.0, 1.5))
    newer.outcome, newer.identity, older.outcome = SampleOutcome.OK, "one", SampleOutcome.TIMEOUT

    asked.ended(newer, 1.6)
    asked.ended(older, 1.9)

    assert (asked.live.answers, asked.live.identity, asked.live.since) == (True, "one", 1.5)
    assert len(asked.samples) == 2


def test_a_slot_that_comes_too_late_is_kept_as_unknown_and_not_sent(free_port: int) -> None:
    target = parse_target(f"http://127.0.0.1:{free_port}/")
    sampler = Sampler([Endpoint(target, socket.AF_INET, ("127.0.0.1", free_port))], interval_s=0.2)
    try:
        sampler._take_turn(sampler.asked[0], sampler.began + 0.06)
    finally:
        sampler._close()

    samples = sampler.asked[0].samples
    assert [SampleOutcome(outcome) for outcome in samples.outcomes] == [SampleOutcome.LATE]
    assert samples.sent[0] == sampler.began


def test_a_connection_that_came_to_itself_is_refused() -> None:
    """Where nobody listens the kernel may choose that very port for the client's own end."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    sock.connect(("127.0.0.1", port))
    plan = EndpointRequest(Endpoint(parse_target(f"tcp://127.0.0.1:{port}"), socket.AF_INET, ("127.0.0.1", port)))
    flight = OpenSample(plan, time.monotonic(), 0.0)
    flight.sock = sock

    flight.advance()
    flight.close()

    assert flight.outcome is SampleOutcome.REFUSED
