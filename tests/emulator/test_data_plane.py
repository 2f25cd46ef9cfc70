"""The public IPs on real sockets: who answers, on which ports, and what the timeline says of it."""

from __future__ import annotations

import ipaddress
import json
import socket
import time
from pathlib import Path

import pytest

from tests.emulator import balancers as lb
from tests.emulator.stage import FLOAT, FRONTEND1, IP1, IP2, LB1, LB2, NETWORK, Json, address
from tests.emulator.test_routes import EXCHANGE, FAILURE, NATIVE
from tests.emulator.vips import (
    PORT,
    Vip,
    address_of,
    ask,
    events,
    names,
    plane,
    put_address,
    wait_until,
    write,
)
from tests.emulator.wire import PATIENCE_S, once
from vipswap_rest.emulator.server import EmulatorServer

LONG_S = 600


def slow(folder: Path, seconds: float = LONG_S) -> str:
    """A latency file with which only load balancers take their time."""
    file = folder / "latency.json"
    file.write_text(json.dumps({"load_balancer_update": seconds, "native_swap": seconds}), encoding="utf-8")
    return str(file)


def both(server: EmulatorServer) -> tuple[str, str]:
    return address_of(server.endpoint, IP1), address_of(server.endpoint, IP2)


def make_float(endpoint: str, path: str = FLOAT) -> str:
    """A new address: its ipAddress."""
    wait_until(endpoint, write(endpoint, "PUT", path, address()))
    return address_of(endpoint, path)


def wait_for(address: str, port: int = PORT) -> str:
    """Who answers there, as soon as anybody does."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if (who := ask(address, port).who) is not None:
            return who
    raise AssertionError("nobody ever answered")


def free_port() -> int:
    """A port that nothing on this machine has, outside those that clients get."""
    for port in range(20000, 32000):
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port
    raise AssertionError("every port is taken")


def test_each_address_is_a_loopback_address_of_its_own_where_its_load_balancer_answers() -> None:
    with plane() as server:
        one, other = both(server)

        assert one != other
        assert all(ipaddress.ip_address(ip) in ipaddress.ip_network("127.64.0.0/16") for ip in (one, other))
        assert (ask(one).who, ask(other).who) == ("vipswap1lb", "vipswap2lb")
        assert events(server.endpoint) == []


def test_without_the_setting_addresses_are_documentations_and_nothing_listens() -> None:
    with EmulatorServer() as server:
        assert address_of(server.endpoint, IP1) == "203.0.113.1"
        assert once(server.endpoint, "POST", "/emulator/outages", {"public_ip": IP1, "seconds": 1})[0] == 400


def test_a_connection_carries_many_questions() -> None:
    with plane() as server, Vip(both(server)[0]) as vip:
        assert [vip.ask() for _ in range(3)] == ["vipswap1lb"] * 3


@pytest.mark.parametrize("data", [b"garbage\r\n\r\n", b"\x16\x03\x01\x02\x00\r\n\r\n", b"x" * 100000])
def test_garbage_gets_a_4xx_and_harms_nobody(data: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with plane() as server:
        one, _ = both(server)
        with Vip(one) as vip:
            vip.send(data)
            assert vip.answer()[0] in (400, 431)
        assert ask(one).who == "vipswap1lb"

    assert capfd.readouterr() == ("", "")


def test_nat_ports_and_ports_without_a_rule_are_nobodys() -> None:
    with plane() as server:
        one, _ = both(server)

        assert {ask(one, port).why for port in (50000, 50120, 9200, 22, 80)} == {"ConnectionRefusedError"}


def test_a_new_address_has_an_address_and_nobody_behind_it() -> None:
    with plane() as server:
        assert ask(make_float(server.endpoint)).why == "ConnectionRefusedError"


def test_an_address_is_off_when_the_write_is_answered_and_on_when_success_is_told(tmp_path: Path) -> None:
    with plane(latency=slow(tmp_path, 0.3)) as server:
        one, _ = both(server)
        new = make_float(server.endpoint)

        operation = put_address(server.endpoint, LB1, FLOAT)
        off = ask(one).why
        wait_until(server.endpoint, operation)

        assert (off, ask(one).why) == ("ConnectionRefusedError", "ConnectionRefusedError")
        assert ask(new).who == "vipswap1lb"


def test_an_address_comes_up_when_its_operation_is_due_though_nobody_polls(tmp_path: Path) -> None:
    with plane(latency=slow(tmp_path, 0.3)) as server:
        new = make_float(server.endpoint)
        put_address(server.endpoint, LB1, FLOAT)

        assert wait_for(new) == "vipswap1lb"
        (event,) = events(server.endpoint, FLOAT)
        (done,) = [
            one
            for one in once(server.endpoint, "GET", "/emulator/timeline")[1]["events"]
            if one["event"] == "address_attached"
        ]
        assert event["t"] >= done["t"]


@pytest.mark.parametrize("down", ["accept", "complete"])
@pytest.mark.parametrize("up", ["accept", "complete"])
def test_the_settings_say_when_an_address_goes_and_when_one_comes(tmp_path: Path, down: str, up: str) -> None:
    with plane(latency=slow(tmp_path), data_plane_down=down, data_plane_up=up) as server:
        one, _ = both(server)
        new = make_float(server.endpoint)

        put_address(server.endpoint, LB1, FLOAT)

        assert ask(one).who == ("vipswap1lb" if down == "complete" else None)
        assert ask(new).who == ("vipswap1lb" if up == "accept" else None)


@pytest.mark.parametrize("effect", [FAILURE, {**FAILURE, "restore": True}])
def test_a_failed_operation_leaves_who_answers_as_it_was(effect: Json) -> None:
    with plane() as server:
        one, _ = both(server)
        new = make_float(server.endpoint)
        fault = {"match": {"method": "PUT", "path": "vipswap1lb"}, "effect": effect}
        once(server.endpoint, "POST", "/emulator/faults", fault)

        wait_until(server.endpoint, put_address(server.endpoint, LB1, FLOAT))

        held = once(server.endpoint, "GET", LB1)[1]["properties"]["frontendIPConfigurations"][0]["properties"]
        assert held["publicIPAddress"]["id"] == (IP1 if effect.get("restore") else FLOAT)
        assert (ask(one).who, ask(new).who) == ("vipswap1lb", None)


def test_both_addresses_go_off_with_the_native_swap_and_come_back_exchanged(tmp_path: Path) -> None:
    with plane(latency=slow(tmp_path, 0.3)) as server:
        one, other = both(server)

        operation = write(server.endpoint, "POST", NATIVE, EXCHANGE)
        off = (ask(one).who, ask(other).who)
        wait_until(server.endpoint, operation)

        assert off == (None, None)
        assert (ask(one).who, ask(other).who) == ("vipswap2lb", "vipswap1lb")
        assert names(events(server.endpoint)) == ["down", "down", "up", "up"]


def test_an_event_names_the_address_the_frontend_and_the_operation() -> None:
    with plane() as server:
        make_float(server.endpoint)
        operation = put_address(server.endpoint, LB1, FLOAT)
        wait_until(server.endpoint, operation)

        down, up = events(server.endpoint)

    identity = operation.split("?")[0].rsplit("/", 1)[1]
    same = {"resource": LB1, "frontend": FRONTEND1, "operation": identity}
    assert down == {"t": down["t"], "event": "data_plane_down", "public_ip": IP1, **same}
    assert up == {"t": up["t"], "event": "data_plane_up", "public_ip": FLOAT, **same}
    assert down["t"] < up["t"]


def test_the_timeline_is_in_the_order_of_its_times() -> None:
    with plane() as server:
        make_float(server.endpoint)
        for load_balancer, public_ip in ((LB1, FLOAT), (LB2, IP1), (LB1, IP2)):
            once(server.endpoint, "POST", "/emulator/outages", {"public_ip": public_ip, "seconds": 0.001})
            wait_until(server.endpoint, put_address(server.endpoint, load_balancer, public_ip))

        times = [event["t"] for event in once(server.endpoint, "GET", "/emulator/timeline")[1]["events"]]

    assert times == sorted(times)


def test_dropping_accepts_and_stays_silent_and_never_makes_up_for_it(tmp_path: Path) -> None:
    with plane(unattached="drop", latency=slow(tmp_path, 0.2)) as server:
        one, _ = both(server)
        make_float(server.endpoint)
        with Vip(one) as old:
            assert old.ask() == "vipswap1lb"
            wait_until(server.endpoint, put_address(server.endpoint, LB1, FLOAT))
            with Vip(one) as new:
                for vip in (old, new):
                    vip.send(b"GET / HTTP/1.1\r\nHost: vip\r\n\r\n")
                wait_until(server.endpoint, put_address(server.endpoint, LB2, IP1))
                # Whoever is answered after them shows that they have been read, and were not answered.
                assert ask(one).who == "vipswap2lb"
                assert not old.has_heard()
                assert not new.has_heard()

        assert names(events(server.endpoint, IP1)) == ["down", "up"]


def test_a_new_address_does_not_even_drop_while_no_rule_says_on_which_port() -> None:
    with plane(unattached="drop") as server:
        assert ask(make_float(server.endpoint)).why == "ConnectionRefusedError"


def test_an_open_connection_is_reset_when_its_address_goes_down(tmp_path: Path) -> None:
    with plane(latency=slow(tmp_path)) as server:
        make_float(server.endpoint)
        with Vip(both(server)[0]) as vip:
            assert vip.ask() == "vipswap1lb"
            put_address(server.endpoint, LB1, FLOAT)
            with pytest.raises(ConnectionResetError):
                vip.ask()


def test_an_open_connection_may_hang_silently_instead(tmp_path: Path) -> None:
    with plane(established="silent", latency=slow(tmp_path, 0.2)) as server:
        one, _ = both(server)
        make_float(server.endpoint)
        with Vip(one) as vip:
            assert vip.ask() == "vipswap1lb"
            wait_until(server.endpoint, put_address(server.endpoint, LB1, FLOAT))
            vip.send(b"GET / HTTP/1.1\r\nHost: vip\r\n\r\n")
            assert ask(one).why == "ConnectionRefusedError"
            wait_until(server.endpoint, put_address(server.endpoint, LB2, IP1))
            assert ask(one).who == "vipswap2lb"
            assert not vip.has_heard()


def test_a_load_balancer_with_many_frontends_answers_on_every_rules_port() -> None:
    with plane() as server:
        ports = [free_port(), free_port() + 1]
        made = [make_float(server.endpoint, f"{FLOAT}{number}") for number in range(15)]
        fronts = [lb.child(f"front{n}", publicIPAddress={"id": f"{FLOAT}{n}"}) for n in range(15)]
        rules = [
            lb.rule(f"r{n}-{port}", port, frontendIPConfiguration=lb.part("frontendIPConfigurations", f"front{n}"))
            for n in range(15)
            for port in ports
        ]
        body = lb.balancer("", frontendIPConfigurations=fronts, loadBalancingRules=rules, probes=lb.PROBES)
        wait_until(server.endpoint, write(server.endpoint, "PUT", lb.OTHER, body))

        assert len(set(made)) == 15
        assert {ask(ip, port).who for ip in made for port in ports} == {"other"}
        assert names(events(server.endpoint)) == ["up"] * 15


def test_a_rule_that_comes_or_goes_opens_or_closes_its_port() -> None:
    port = free_port()
    with plane() as server:
        one, _ = both(server)
        body = once(server.endpoint, "GET", LB1)[1]
        rule = json.loads(json.dumps(body["properties"]["loadBalancingRules"][0]))
        rule["name"], rule["properties"]["frontendPort"] = "second", port
        body["properties"]["loadBalancingRules"].append(rule)
        wait_until(server.endpoint, write(server.endpoint, "PUT", LB1, body))
        with Vip(one) as vip:
            assert (ask(one).who, ask(one, port).who, vip.ask()) == ("vipswap1lb",) * 3

            del body["properties"]["loadBalancingRules"][0]
            wait_until(server.endpoint, write(server.endpoint, "PUT", LB1, body))

        assert (ask(one).why, ask(one, port).who) == ("ConnectionRefusedError", "vipswap1lb")
        assert events(server.endpoint) == []


def test_without_its_last_rule_an_address_is_down() -> None:
    with plane() as server:
        body = once(server.endpoint, "GET", LB1)[1]
        body["properties"]["loadBalancingRules"] = []
        operation = write(server.endpoint, "PUT", LB1, body)
        wait_until(server.endpoint, operation)

        assert ask(both(server)[0]).why == "ConnectionRefusedError"
        assert names(events(server.endpoint, IP1)) == ["down"]


def test_a_port_that_is_taken_is_named_in_one_warning_and_the_rest_answers(capfd: pytest.CaptureFixture[str]) -> None:
    with plane() as server, socket.socket() as other:
        one, _ = both(server)
        other.bind(("0.0.0.0", free_port()))
        other.listen()
        taken = other.getsockname()[1]
        body = once(server.endpoint, "GET", LB1)[1]
        rules = body["properties"]["loadBalancingRules"]
        rules.append({**rules[0], "name": "second", "properties": {**rules[0]["properties"], "frontendPort": taken}})
        for _ in range(2):
            wait_until(server.endpoint, write(server.endpoint, "PUT", LB1, body))

        assert ask(one).who == "vipswap1lb"

    out, err = capfd.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("vipswap: warning: The data plane cannot listen")
    assert f"port {taken} of {one} (Address already in use)" in line


def test_two_emulators_at_once_have_other_addresses_and_answer_for_themselves() -> None:
    with plane() as one, plane() as other:
        wait_until(other.endpoint, write(other.endpoint, "POST", NATIVE, EXCHANGE))

        assert not {*both(one)} & {*both(other)}
        assert [ask(ip).who for ip in (*both(one), *both(other))] == [
            "vipswap1lb",
            "vipswap2lb",
            "vipswap2lb",
            "vipswap1lb",
        ]


def test_a_seeded_address_has_listeners_within_loopback_only() -> None:
    port = free_port()
    with plane() as server:
        mine = both(server)[0].rsplit(".", 1)[0] + ".200"
        for public_ip, ip in ((f"{FLOAT}1", "203.0.113.9"), (f"{FLOAT}2", mine)):
            body = {**address(), "id": public_ip, "name": public_ip.rsplit("/", 1)[1]}
            body["properties"] = {**body["properties"], "ipAddress": ip}
            seeded: Json = lb.balancer(public_ip, loadBalancingRules=[lb.rule("web", port, of=f"{lb.OTHER}{ip}")])
            seeded |= {"id": f"{lb.OTHER}{ip}", "name": f"other{ip}"}
            seeded["properties"]["frontendIPConfigurations"][0]["id"] = f"{lb.OTHER}{ip}/frontendIPConfigurations/front"
            assert once(server.endpoint, "PUT", "/emulator/state", {"resources": [body, seeded]})[0] == 200

        assert address_of(server.endpoint, f"{FLOAT}1") == "203.0.113.9"
        assert ask(mine, port).who == f"other{mine}"
        assert events(server.endpoint) == []


def test_what_is_seeded_over_an_address_that_answered_stands_in_the_timeline() -> None:
    with plane() as server:
        body = once(server.endpoint, "GET", LB2)[1]
        body["properties"]["frontendIPConfigurations"][0]["properties"]["publicIPAddress"] = {"id": IP1}
        once(server.endpoint, "PUT", "/emulator/state", {"resources": [body]})

        assert [ask(ip).who for ip in both(server)] == ["vipswap2lb", None]
        found = [(event["event"], event["resource"]) for event in events(server.endpoint, IP1)]
        assert found == [("data_plane_down", LB1), ("data_plane_up", LB2)]
        assert names(events(server.endpoint, IP2)) == ["down"]


def test_a_deleted_address_answers_no_more_even_where_others_drop() -> None:
    with plane(unattached="drop") as server:
        one, _ = both(server)
        make_float(server.endpoint)
        wait_until(server.endpoint, put_address(server.endpoint, LB1, FLOAT))
        Vip(one).close()

        wait_until(server.endpoint, write(server.endpoint, "DELETE", IP1))

        assert ask(one).why == "ConnectionRefusedError"


def test_reset_brings_back_who_answered_at_the_start() -> None:
    with plane() as server:
        before = both(server)
        wait_until(server.endpoint, write(server.endpoint, "POST", NATIVE, EXCHANGE))
        once(server.endpoint, "POST", "/emulator/reset")

        assert both(server) == before
        assert [ask(ip).who for ip in before] == ["vipswap1lb", "vipswap2lb"]
        assert events(server.endpoint) == []


def test_when_it_ends_nothing_listens_any_more_and_open_connections_are_cut() -> None:
    with plane() as server:
        one, _ = both(server)
        vip = Vip(one)
        assert vip.ask() == "vipswap1lb"

    with vip, pytest.raises(ConnectionError):
        vip.ask()
    assert ask(one).why == "ConnectionRefusedError"


def test_a_pool_of_addresses_of_ones_own_is_used_and_runs_out() -> None:
    with plane(vip_pool="127.77.5.0/29") as server:
        assert {ip.rsplit(".", 1)[0] for ip in both(server)} == {"127.77.5"}
        for number in range(4):
            make_float(server.endpoint, f"{NETWORK}/publicIPAddresses/more{number}")
        status, body = once(server.endpoint, "PUT", FLOAT, address())

        assert (status, body["error"]["code"]) == (400, "PublicIPCountLimitReached")
