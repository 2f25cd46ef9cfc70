"""The timeline tells the truth about the data plane: a loop that asks without end never contradicts it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.emulator.stage import FLOAT, IP1, IP2, LB1, LB2, NATIVE, address
from tests.emulator.test_routes import EXCHANGE, FAILURE
from tests.emulator.vips import (
    address_of,
    ask,
    bounds,
    check,
    events,
    names,
    plane,
    put_address,
    sampling,
    spells,
    wait_for,
    wait_until,
    write,
)
from tests.emulator.wire import once

FIRST = {IP1: "vipswap1lb", IP2: "vipswap2lb", FLOAT: None}


def latency(folder: Path) -> str:
    file = folder / "latency.json"
    file.write_text(json.dumps({"load_balancer_update": [0.15, 0.2, 0.1], "native_swap": 0.2}), encoding="utf-8")
    return str(file)


def float_swap(endpoint: str) -> None:
    for load_balancer, public_ip in ((LB2, FLOAT), (LB1, IP2), (LB2, IP1)):
        wait_until(endpoint, put_address(endpoint, load_balancer, public_ip))


def early_float_swap(endpoint: str) -> None:
    """With addresses that are free once their release was accepted, nobody has to wait for the operation."""
    operations = [put_address(endpoint, *pair) for pair in ((LB2, FLOAT), (LB1, IP2), (LB2, IP1))]
    for operation in operations:
        wait_until(endpoint, operation)


def native_swap(endpoint: str) -> None:
    wait_until(endpoint, write(endpoint, "POST", NATIVE, EXCHANGE))


def failed_swap(endpoint: str) -> None:
    fault = {"match": {"method": "PUT", "path": "vipswap1lb"}, "effect": FAILURE}
    once(endpoint, "POST", "/emulator/faults", fault)
    wait_until(endpoint, put_address(endpoint, LB1, FLOAT))


SWAPS = {
    "float": (float_swap, {}, True),
    "float, at complete": (float_swap, {"data_plane_down": "complete"}, True),
    "float, up at accept": (float_swap, {"data_plane_up": "accept"}, True),
    "float, released at accept": (early_float_swap, {"release": "accept"}, True),
    "native": (native_swap, {}, True),
    "native, at complete": (native_swap, {"data_plane_down": "complete"}, True),
    "failed": (failed_swap, {}, False),
}


@pytest.mark.parametrize("name", SWAPS)
def test_no_answer_and_no_refusal_contradicts_the_timeline_during_a_swap(name: str, tmp_path: Path) -> None:
    swap, settings, exchanged = SWAPS[name]
    with plane(latency=latency(tmp_path), **settings) as server:  # type: ignore[arg-type]
        wait_until(server.endpoint, write(server.endpoint, "PUT", FLOAT, address()))
        ips = {public_ip: address_of(server.endpoint, public_ip) for public_ip in FIRST}
        with sampling(*ips.values()) as samples:
            swap(server.endpoint)
            last = [ask(ips[public_ip]).who for public_ip in (IP1, IP2, FLOAT)]

        assert last == (["vipswap2lb", "vipswap1lb", None] if exchanged else ["vipswap1lb", "vipswap2lb", None])
        for public_ip, ip in ips.items():
            truth = spells(events(server.endpoint, public_ip), FIRST[public_ip])
            check(samples[ip], truth)
        assert names(events(server.endpoint, IP1)) == ["down", "up"]


def test_measured_bounds_contain_every_outage_of_known_length() -> None:
    with plane() as server:
        ip = address_of(server.endpoint, IP1)
        for number in range(8):
            seconds = 0.02 + number / 50
            before = ask(ip)
            with sampling(ip) as sampled:
                once(server.endpoint, "POST", "/emulator/outages", {"public_ip": IP1, "seconds": seconds})
                wait_for(server.endpoint, 2 * number + 2)
            samples = [before, *sampled[ip], ask(ip)]
            down, up = events(server.endpoint, IP1)[-2:]
            check(samples, spells([down, up], "vipswap1lb"))

            assert (samples[0].who, samples[-1].who) == ("vipswap1lb", "vipswap1lb")
            assert up["t"] - down["t"] >= seconds
            if any(one.who is None for one in samples):
                lower, upper = bounds(samples)
                assert lower <= up["t"] - down["t"] <= upper


def test_nobody_answers_during_an_outage_that_drops() -> None:
    with plane() as server:
        ip = address_of(server.endpoint, IP1)
        with sampling(ip, patience=0.1) as samples:
            outage = {"public_ip": IP1, "seconds": 0.5, "mode": "drop"}
            once(server.endpoint, "POST", "/emulator/outages", outage)
            wait_for(server.endpoint, 2)
            assert ask(ip).who == "vipswap1lb"

        # A question that was not answered in time may only have been asked on a busy machine.
        answered = [one for one in samples[ip] if one.who is not None]
        check(answered, spells(events(server.endpoint, IP1), "vipswap1lb"))
        assert {one.why for one in samples[ip]} <= {"", "TimeoutError"}
