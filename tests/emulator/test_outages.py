"""`POST /emulator/outages`: outages of known length."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.emulator.stage import FLOAT, FRONTEND1, GROUP, IP1, IP2, LB1, LB2, NATIVE, Json, Stage, address
from tests.emulator.test_routes import EXCHANGE
from tests.emulator.vips import Vip, address_of, ask, events, names, plane, put_address, wait_for, wait_until, write
from tests.emulator.wire import once
from vipswap_rest.emulator import Emulator, Settings

OUTAGES = "/emulator/outages"
LONG_S = 600


def post(endpoint: str, **outage: Any) -> None:
    status, answer = once(endpoint, "POST", OUTAGES, outage)
    assert status == 200, answer


def test_an_outage_begins_with_its_post_and_ends_by_itself_and_both_stand_in_the_timeline() -> None:
    with plane() as server:
        before = time.monotonic()
        post(server.endpoint, public_ip=IP1, seconds=0.2)
        (down,) = events(server.endpoint)
        _, up = wait_for(server.endpoint, 2)

        same: Json = {"public_ip": IP1, "resource": LB1, "frontend": FRONTEND1, "operation": None}
        assert down == {"t": down["t"], "event": "data_plane_down", **same}
        assert up == {"t": up["t"], "event": "data_plane_up", **same}
        assert before <= down["t"]
        assert up["t"] - down["t"] >= 0.2
        assert ask(address_of(server.endpoint, IP1)).who == "vipswap1lb"


def test_an_outage_may_begin_later() -> None:
    with plane() as server:
        before = time.monotonic()
        post(server.endpoint, public_ip=IP1, after_s=0.2, seconds=0.1)
        down, up = wait_for(server.endpoint, 2)

        assert down["t"] >= before + 0.2
        assert up["t"] - down["t"] >= 0.1


def test_while_it_lasts_connections_are_refused_and_the_other_address_answers() -> None:
    with plane() as server:
        one, other = (address_of(server.endpoint, public_ip) for public_ip in (IP1, IP2))
        with Vip(one) as vip:
            assert vip.ask() == "vipswap1lb"
            post(server.endpoint, public_ip=IP1, seconds=LONG_S)

            with pytest.raises(ConnectionResetError):
                vip.ask()
        assert (ask(one).why, ask(other).who) == ("ConnectionRefusedError", "vipswap2lb")


def test_one_that_drops_accepts_and_stays_silent_to_old_connections_and_new_ones() -> None:
    with plane() as server:
        one = address_of(server.endpoint, IP1)
        with Vip(one) as old:
            assert old.ask() == "vipswap1lb"
            post(server.endpoint, public_ip=IP1, seconds=LONG_S, mode="drop")
            with Vip(one) as new:
                for vip in (old, new):
                    vip.send(b"GET / HTTP/1.1\r\nHost: vip\r\n\r\n")
                once(server.endpoint, "DELETE", OUTAGES)
                assert ask(one).who == "vipswap1lb"
                assert not old.has_heard()
                assert not new.has_heard()


def test_without_a_mode_it_is_as_for_unattached_addresses() -> None:
    with plane(unattached="drop") as server:
        one = address_of(server.endpoint, IP1)
        post(server.endpoint, public_ip=IP1, seconds=LONG_S)

        Vip(one).close()
        assert once(server.endpoint, "GET", OUTAGES)[1]["outages"][0]["mode"] == "drop"


@pytest.mark.parametrize("how", [("DELETE", OUTAGES), ("POST", "/emulator/reset")])
def test_deleting_them_or_a_reset_ends_them(how: tuple[str, str]) -> None:
    with plane() as server:
        post(server.endpoint, public_ip=IP1, seconds=LONG_S)
        post(server.endpoint, public_ip=IP2, after_s=LONG_S, seconds=1)

        once(server.endpoint, *how)

        assert ask(address_of(server.endpoint, IP1)).who == "vipswap1lb"
        assert once(server.endpoint, "GET", OUTAGES)[1] == {"outages": []}
        assert names(events(server.endpoint)) == (["down", "up"] if how[0] == "DELETE" else [])


def test_several_come_as_a_list_and_those_that_overlap_are_one() -> None:
    with plane() as server:
        outages = [
            {"public_ip": IP1, "seconds": 0.2},
            {"public_ip": IP1, "after_s": 0.1, "seconds": 0.3},
            {"public_ip": IP1, "seconds": LONG_S},
        ]
        before = time.monotonic()
        assert once(server.endpoint, "POST", OUTAGES, outages[:2])[0] == 200
        down, up = wait_for(server.endpoint, 2)

        assert up["t"] >= before + 0.4
        assert names(events(server.endpoint)) == ["down", "up"]
        assert down["t"] < up["t"]


def test_an_outage_of_an_address_that_moves_meanwhile_lasts_until_its_end() -> None:
    with plane() as server:
        post(server.endpoint, public_ip=IP1, seconds=LONG_S)
        wait_until(server.endpoint, write(server.endpoint, "POST", NATIVE, EXCHANGE))
        one = address_of(server.endpoint, IP1)
        assert ask(one).why == "ConnectionRefusedError"

        once(server.endpoint, "DELETE", OUTAGES)

        assert ask(one).who == "vipswap2lb"
        found = [(event["event"], event["resource"]) for event in events(server.endpoint, IP1)]
        assert found == [("data_plane_down", LB1), ("data_plane_up", LB2)]


def test_an_unattached_address_has_no_outage_to_speak_of_until_it_is_attached() -> None:
    with plane() as server:
        wait_until(server.endpoint, write(server.endpoint, "PUT", FLOAT, address()))
        post(server.endpoint, public_ip=FLOAT, seconds=LONG_S)
        wait_until(server.endpoint, put_address(server.endpoint, LB2, FLOAT))

        assert ask(address_of(server.endpoint, FLOAT)).why == "ConnectionRefusedError"
        assert events(server.endpoint, FLOAT) == []


@pytest.mark.parametrize("name", ["id", "upper", "name", "address"])
def test_the_address_is_named_by_its_id_its_name_or_itself(name: str) -> None:
    with plane() as server:
        one = address_of(server.endpoint, IP1)
        given = {"id": IP1, "upper": IP1.upper(), "name": "vipswap1pip", "address": one}[name]
        post(server.endpoint, public_ip=given, seconds=LONG_S)

        assert ask(one).why == "ConnectionRefusedError"
        assert once(server.endpoint, "GET", OUTAGES)[1]["outages"][0]["public_ip"] == IP1


BAD: list[Any] = [
    b"{",
    1,
    {},
    {"seconds": 1},
    {"public_ip": IP1},
    {"public_ip": IP1, "seconds": 0},
    {"public_ip": IP1, "seconds": -1},
    {"public_ip": IP1, "seconds": True},
    {"public_ip": IP1, "seconds": "1"},
    {"public_ip": IP1, "seconds": None},
    b'{"public_ip": "vipswap1pip", "seconds": 1e999}',
    b'{"public_ip": "vipswap1pip", "seconds": NaN}',
    {"public_ip": IP1, "seconds": 1, "after_s": -1},
    {"public_ip": IP1, "seconds": 1, "after_s": None},
    {"public_ip": IP1, "seconds": 1, "mode": "break"},
    {"public_ip": IP1, "seconds": 1, "mode": None},
    {"public_ip": IP1, "seconds": 1, "mode": ["drop"]},
    {"public_ip": IP1, "seconds": 1, "until": 3},
    {"public_ip": None, "seconds": 1},
    {"public_ip": "", "seconds": 1},
    {"public_ip": "nosuch", "seconds": 1},
    {"public_ip": LB2, "seconds": 1},
    {"public_ip": "twice", "seconds": 1},
    [{"public_ip": IP1, "seconds": 1}, {"public_ip": IP1}],
    [[]],
]


@pytest.mark.parametrize("body", BAD)
def test_an_outage_that_cannot_be_is_400_with_one_sentence_and_begins_none(body: Any) -> None:
    stage = Stage()
    stage.emulator = Emulator(Settings(), stage.clock, "127.64.9.0/24")
    stage.seed(
        *({"id": f"{group}/providers/Microsoft.Network/publicIPAddresses/twice"} for group in (GROUP, f"{GROUP}b"))
    )

    answer = stage.send("POST", OUTAGES, body)

    assert answer.status == 400
    (sentence,) = [answer.json()["error"]]
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert stage.admin("outages") == {"outages": []}


def test_without_a_data_plane_there_is_nothing_to_break() -> None:
    answer = Stage().send("POST", OUTAGES, {"public_ip": IP1, "seconds": 1})

    assert (answer.status, "no data plane" in answer.json()["error"]) == (400, True)


def test_outages_long_over_are_forgotten() -> None:
    stage = Stage()
    stage.emulator = Emulator(Settings(), stage.clock, "127.64.9.0/24")
    for _ in range(3):
        stage.send("POST", OUTAGES, {"public_ip": IP1, "seconds": 1})
        stage.settle()

    assert len(stage.admin("outages")["outages"]) == 1
