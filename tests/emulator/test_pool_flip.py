"""A rule that goes over to another pool of its load balancer: who answers, what stays open, what the timeline says."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.stage import NETWORK, Json, Stage
from tests.emulator.vips import Vip, address_of, ask, events, plane, wait_for, wait_until, write
from tests.emulator.wire import once, process
from vipswap_rest.emulator import Settings

LB = f"{NETWORK}/loadBalancers/poolslb"
IP = f"{NETWORK}/publicIPAddresses/poolslbpip"
BLUE, GREEN = (f"{LB}/backendAddressPools/{colour}" for colour in ("blue", "green"))


def turned(body: Json, pools: dict[str, str], *, drop: tuple[str, ...] = ()) -> Json:
    """The load balancer's body whose rules lead to these pools, without the rules to drop."""
    rules = [one for one in body["properties"]["loadBalancingRules"] if one["name"] not in drop]
    for rule in rules:
        rule["properties"]["backendAddressPools"] = [{"id": pools[rule["name"]]}]
        del rule["properties"]["backendAddressPool"]
    body["properties"]["loadBalancingRules"] = rules
    return body


def trade(endpoint: str) -> str:
    """Let the two rules trade pools; the path of the operation."""
    body = turned(once(endpoint, "GET", LB)[1], {"http": GREEN, "http-staging": BLUE})
    return write(endpoint, "PUT", LB, body)


def bare(endpoint: str) -> None:
    """Take the staging rule away, so that no rule uses the pool green."""
    body = turned(once(endpoint, "GET", LB)[1], {"http": BLUE}, drop=("http-staging",))
    wait_until(endpoint, write(endpoint, "PUT", LB, body))


def everything(endpoint: str) -> list[Json]:
    """The whole timeline."""
    found: list[Json] = once(endpoint, "GET", "/emulator/timeline")[1]["events"]
    return found


def settings(folder: Path, seconds: float = 0.3) -> str:
    file = folder / "latency.json"
    file.write_text(json.dumps({"pool_update": seconds, "load_balancer_update": 0.0}), encoding="utf-8")
    return str(file)


def test_the_first_line_names_what_can_be_switched() -> None:
    with process("--env", "roads") as emulator:
        assert emulator.said["load_balancers"] == ["vipswap1lb", "vipswap2lb"]
        assert emulator.said["targets"]["vip"] == {"lb1": "vipswap1lb", "lb2": "vipswap2lb"}
        assert emulator.said["targets"]["pool"] == {"lb": "poolslb", "rules": ["http"], "pools": ["blue", "green"]}
        address = address_of(emulator.endpoint, IP)
        assert [ask(address, port).who for port in (9000, 9001)] == ["blue", "green"]


def test_rules_trade_pools_when_the_write_has_completed_and_no_question_fails(tmp_path: Path) -> None:
    with plane(env="roads", latency=settings(tmp_path)) as server:
        address = address_of(server.endpoint, IP)
        operation = trade(server.endpoint)
        assert [ask(address, port).who for port in (9000, 9001)] == ["blue", "green"]
        wait_until(server.endpoint, operation)

        assert [ask(address, port).who for port in (9000, 9001)] == ["green", "blue"]
        found = events(server.endpoint, IP)

    assert {one["event"] for one in found} == {"data_plane_changed"}
    assert {one["port"]: one["resource"] for one in found} == {9000: GREEN, 9001: BLUE}
    assert {one["operation"] for one in found} == {operation.rsplit("/", 1)[1].split("?")[0]}


@pytest.mark.parametrize("mode", ["refuse", "drop"])
def test_a_pool_that_no_rule_used_answers_after_a_while(mode: str, tmp_path: Path) -> None:
    with plane(env="roads", latency=settings(tmp_path), cold_pool_s=0.5, unattached=mode) as server:
        address = address_of(server.endpoint, IP)
        bare(server.endpoint)
        count = len(events(server.endpoint, IP))
        body = turned(once(server.endpoint, "GET", LB)[1], {"http": GREEN})
        wait_until(server.endpoint, write(server.endpoint, "PUT", LB, body))

        assert ask(address, patience=0.1).who is None
        down, up, changed = wait_for(server.endpoint, count + 3)[count:]
        assert ask(address).who == "green"

        assert not [one for one in everything(server.endpoint) if one["event"].startswith("instance_")]

    assert [one["event"] for one in (down, up, changed)] == ["data_plane_down", "data_plane_up", "data_plane_changed"]
    # From when the write has completed, which the data plane follows a little later.
    assert up["t"] - down["t"] > 0.4
    assert up["t"] == changed["t"]
    assert changed["resource"] == GREEN


def test_a_pool_that_a_rule_used_is_warm(tmp_path: Path) -> None:
    with plane(env="roads", latency=settings(tmp_path), cold_pool_s=60.0) as server:
        wait_until(server.endpoint, trade(server.endpoint))

        assert ask(address_of(server.endpoint, IP)).who == "green"


@pytest.mark.parametrize("drain", [0.0, 0.5])
@pytest.mark.parametrize("established", ["keep", "reset", "silent"])
def test_open_connections_stay_are_reset_or_hang(established: str, drain: float, tmp_path: Path) -> None:
    made = plane(env="roads", latency=settings(tmp_path), flip_established=established, drain_s=drain)
    with made as server, Vip(address_of(server.endpoint, IP), patience=0.5) as vip:
        assert vip.ask() == "blue"
        wait_until(server.endpoint, trade(server.endpoint))
        (changed, _) = wait_for(server.endpoint, 2)
        left = outcome(vip)
        while left == "blue" and time.monotonic() < changed["t"] + drain + 1.0:
            last, left = time.monotonic(), outcome(vip)

        assert left == {"keep": "blue", "reset": "reset", "silent": "silent"}[established]
        assert not drain or last >= changed["t"] + drain - 0.1


def outcome(vip: Vip) -> str:
    """What one more question on an open connection comes to."""
    try:
        return vip.ask()
    except TimeoutError:
        return "silent"
    except ConnectionError:
        return "reset"


@pytest.mark.parametrize("effect", [{"fail_operation": {"code": "X", "message": "no"}}, {"cancel_operation": True}])
def test_a_write_that_fails_leaves_the_traffic_where_it_was(effect: Json) -> None:
    stage = Stage(Settings(env="roads"))
    stage.fault(effect, method="PUT", path="poolslb")

    stage.put(LB, turned(stage.get(LB), {"http": GREEN, "http-staging": BLUE}))
    stage.settle()

    assert answering(stage) == {9000: BLUE, 9001: GREEN}
    assert stage.get(LB)["properties"]["provisioningState"] in ("Failed", "Canceled")


def answering(stage: Stage) -> dict[int, str]:
    stage.admin("timeline")
    (route,) = [one for one in stage.emulator.world.routes.table(stage.clock.time).values() if one.resource == LB]
    return {port: service.pool for port, service in route.ports.items()}


@pytest.mark.parametrize(
    ("key", "pools", "seconds"),
    [
        ("pool_update", {"http": GREEN, "http-staging": BLUE}, 7.0),
        ("load_balancer_update", {"http": BLUE, "http-staging": GREEN}, 7.0),
    ],
)
def test_a_change_of_pools_takes_as_long_as_its_own_key_says(
    key: str, pools: dict[str, str], seconds: float, tmp_path: Path
) -> None:
    file = tmp_path / "latency.json"
    file.write_text(json.dumps({key: seconds}), encoding="utf-8")
    stage = Stage(Settings(env="roads", latency=str(file)))

    answer = stage.put(LB, turned(stage.get(LB), pools))

    stage.clock.advance(seconds - 0.1)
    assert stage.status(answer) == "InProgress"
    stage.clock.advance(0.1)
    assert stage.status(answer) == "Succeeded"


@pytest.mark.parametrize("changes", [{"cold_pool_s": -1.0}, {"drain_s": float("nan")}, {"flip_established": "x"}])
def test_a_setting_that_means_nothing_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Settings(**changes)
