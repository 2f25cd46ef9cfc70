"""The client against hostile and odd servers. Each test is a row of README.md's table, and is named for it."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import dataclass
from typing import Any

import pytest

from tests.arm.conftest import SUBSCRIPTION, TOKEN, Tokens, VirtualClock
from tests.hostile.scenarios import CALLS, OPERATION, RESULT, RETRY_AFTERS, SCENARIOS, SUCCEEDED, of
from tests.hostile.servers import Hostile, playing, told
from vipswap_rest.arm.client import PAGES_AT_MOST, ArmClient
from vipswap_rest.arm.clock import Clock, SystemClock
from vipswap_rest.arm.errors import (
    AnswerLost,
    ArmError,
    OperationCanceled,
    OperationFailed,
    OperationTimedOut,
    OperationUnreadable,
    ProtocolError,
    ServerFault,
    Throttled,
    TransportError,
    VipswapError,
)
from vipswap_rest.arm.http import TRIES, Transport
from vipswap_rest.arm.http.connection import LARGEST_ANSWER_B

GENEROUS_S, HURRIED_S = 10.0, 0.4
# What a machine that is busy with other things may need on top.
SLACK_S = 8.0


@dataclass
class Meeting:
    """What came of a scenario: a result or an error, and what the servers saw."""

    server: Hostile
    other: Hostile
    clock: VirtualClock
    result: Any = None
    error: VipswapError | None = None


class Ticking(VirtualClock):
    """A clock on which every look at it takes a second."""

    def monotonic(self) -> float:
        self.time += 1.0
        return self.time


def perform(client: ArmClient, verb: str, limit_s: float) -> Any:
    """One request of the verb; operations are waited for, and must end within the limit."""
    deadline = client.clock.monotonic() + limit_s
    if verb == "GET":
        return client.get("/x", deadline=deadline)
    if verb == "LIST":
        return list(client.list("/x", deadline=deadline))
    begin = {
        "PUT": lambda: client.put("/x", {"tags": {}}),
        "POST": lambda: client.post("/x", {}),
        "DELETE": lambda: client.delete("/x"),
    }[verb]
    return client.wait(begin(), deadline=deadline)


def meet(name: str, *, timeout_s: float = GENEROUS_S, clock: Clock | None = None, limit_s: float = 600.0) -> Meeting:
    """Ask the scenario's server. Whatever it does, an error is one of ours, and nothing else hears of the token."""
    scenario, time_ = SCENARIOS[name], clock or VirtualClock()
    with playing(lambda call: told(200, SUCCEEDED)) as other, playing(scenario.rule, other.url) as server:
        transport = Transport(server.url, Tokens(), clock=time_, read_timeout=timeout_s)
        met = Meeting(server, other, time_)  # type: ignore[arg-type]
        began = time.monotonic()
        try:
            met.result = perform(ArmClient(transport, SUBSCRIPTION), scenario.verb, limit_s)
        except VipswapError as error:
            met.error = error
        finally:
            transport.close()
        assert other.connections == 0
        assert TOKEN not in str(met.error)
        assert "signature-of-it" not in str(met.error)
        assert time.monotonic() - began < GENEROUS_S + SLACK_S
    return met


def rows(*names: str) -> Any:
    return pytest.mark.parametrize("name", [one for name in names for one in of(name)])


# --- other hosts ------------------------------------------------------------------------------------------------------


@rows("operation_elsewhere")
def test_operation_elsewhere(name: str) -> None:
    met = meet(name)

    assert isinstance(met.error, ProtocolError)
    assert "token was not sent" in met.error.message
    assert OPERATION in (met.error.operation_url or "")
    assert len(met.server.requests) == 1


@rows("operation_moves_elsewhere")
def test_operation_moves_elsewhere(name: str) -> None:
    met = meet(name)

    assert isinstance(met.error, ProtocolError)
    assert OPERATION in (met.error.operation_url or "")


@rows("next_link_elsewhere")
def test_next_link_elsewhere(name: str) -> None:
    met = meet(name)

    assert isinstance(met.error, ProtocolError)
    assert len(met.server.requests) == 1


@rows("redirect_elsewhere")
def test_redirect_elsewhere(name: str) -> None:
    met = meet(name)

    assert isinstance(met.error, ProtocolError)
    assert "redirect" in met.error.message
    assert met.server.asked("GET") == 1
    assert ("poll" in name) == (OPERATION in (met.error.operation_url or ""))


@rows("redirect_of_a_write")
def test_redirect_of_a_write(name: str) -> None:
    met = meet(name)

    assert isinstance(met.error, ProtocolError)
    assert len(met.server.requests) == 1


@rows("redirect_loop")
def test_redirect_loop(name: str) -> None:
    met = meet(name)

    assert isinstance(met.error, ProtocolError)
    assert len(met.server.requests) == 1


# --- without end ------------------------------------------------------------------------------------------------------


@rows("endless_polls")
def test_endless_polls(name: str) -> None:
    met = meet(name, limit_s=100)

    assert isinstance(met.error, OperationTimedOut)
    assert "signature-of-it" in met.error.operation_url
    assert met.clock.time == pytest.approx(1100)
    assert met.server.asked("GET") < 50


@rows("endless_pages")
def test_endless_pages(name: str) -> None:
    met = meet(name)

    assert isinstance(met.error, ProtocolError)
    assert met.server.asked("GET") == PAGES_AT_MOST

    met = meet(name, clock=Ticking(), limit_s=20)

    assert isinstance(met.error, TransportError)
    assert "time limit of the list" in met.error.message


@rows("endless_body")
def test_endless_body(name: str) -> None:
    met = meet(name)

    assert isinstance(met.error, ProtocolError)
    assert f"more than {LARGEST_ANSWER_B // 2**20} MiB" in met.error.message
    assert len(met.server.requests) == 1
    assert ("may have been done" in met.error.message) == ("write" in name)


@rows("endless_headers")
def test_endless_headers(name: str) -> None:
    met = meet(name)

    assert isinstance(met.error, (AnswerLost, ProtocolError))
    assert len(met.server.requests) <= TRIES


@rows("unpacked_bomb")
def test_unpacked_bomb(name: str) -> None:
    tracemalloc.start()
    try:
        met = meet(name)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert isinstance(met.error, ProtocolError)
    assert len(met.server.requests) == 1
    # A buffer that grows is copied now and then.
    assert peak < 3 * LARGEST_ANSWER_B


@rows("packed_twice")
def test_packed_twice(name: str) -> None:
    met = meet(name)

    assert isinstance(met.error, AnswerLost)
    assert "cannot be unpacked" in met.error.message


@rows("dripping_headers")
def test_dripping_headers(name: str) -> None:
    began = time.monotonic()
    met = meet(name, timeout_s=HURRIED_S, clock=SystemClock(), limit_s=HURRIED_S)

    assert isinstance(met.error, AnswerLost)
    assert "took too long" in met.error.message
    assert time.monotonic() - began < HURRIED_S + SLACK_S
    assert met.server.asked("PUT") <= 1


@rows("dripping_body")
def test_dripping_body(name: str) -> None:
    met = meet(name, timeout_s=HURRIED_S, clock=SystemClock(), limit_s=HURRIED_S)

    assert isinstance(met.error, OperationTimedOut if "poll" in name else AnswerLost)
    assert met.server.asked("PUT") <= 1


# --- asked for patience -----------------------------------------------------------------------------------------------


@rows("odd_retry_after")
def test_odd_retry_after(name: str) -> None:
    met = meet(name)

    assert met.error is None
    assert met.clock.slept == [pytest.approx(RETRY_AFTERS[name.partition(": ")[2]])]


@rows("throttled_for_ever")
def test_throttled_for_ever(name: str) -> None:
    met, where = meet(name), name.partition(": ")[2]

    assert isinstance(met.error, OperationUnreadable if where in ("poll", "operationResults") else Throttled)
    assert getattr(met.error, "status", None) == 429
    assert struck(met, where) == TRIES
    assert met.clock.slept == [3.0] * (TRIES - 1)


@rows("server_timeout")
def test_server_timeout(name: str) -> None:
    met, where = meet(name), name.partition(": ")[2]

    if where == "POST":
        assert isinstance(met.error, ServerFault)
        assert len(met.server.requests) == 1
    else:
        assert met.error is None
        assert struck(met, where) == 2


@rows("server_timeout_for_ever")
def test_server_timeout_for_ever(name: str) -> None:
    met, where = meet(name), name.partition(": ")[2]

    assert isinstance(met.error, (ArmError, OperationUnreadable))
    assert met.error.code == "ServerTimeout"
    assert struck(met, where) == (1 if where == "POST" else TRIES)


def struck(met: Meeting, where: str) -> int:
    """How often the kind of call was made."""
    assert where in CALLS
    path = {"poll": OPERATION, "operationResults": RESULT, "list page": "/page2"}.get(where, "/x")
    return met.server.asked("GET" if path != "/x" or where == "GET" else where, path)


# --- broken answers ---------------------------------------------------------------------------------------------------


@rows("cut")
def test_cut(name: str) -> None:
    met = meet(name)

    if " GET " in name:
        assert met.error is None
        assert met.server.asked("GET") == 2
    else:
        assert isinstance(met.error, AnswerLost)
        assert "may have been done" in met.error.message
        assert len(met.server.requests) == 1


@rows("interim_answer")
def test_interim_answer(name: str) -> None:
    met = meet(name)

    assert met.result["id"] == "/x"
    assert [request.connection for request in met.server.requests] == [1, 2]


@rows("no_json")
def test_no_json(name: str) -> None:
    met = meet(name)

    assert isinstance(met.error, OperationUnreadable if "poll" in name else ProtocolError)
    assert met.server.asked("PUT") <= 1
    assert "PUT" not in name or "may be done" in met.error.message


@rows("truncated_json")
def test_truncated_json(name: str) -> None:
    met = meet(name)

    assert isinstance(met.error, OperationUnreadable if "poll" in name else ProtocolError)


@rows("wrong_json")
def test_wrong_json(name: str) -> None:
    met = meet(name)

    assert isinstance(met.error, OperationUnreadable if "poll" in name else ProtocolError)


@rows("properties_null")
def test_properties_null(name: str) -> None:
    assert meet(name).error is None


@rows("blank_in_code")
def test_blank_in_code(name: str) -> None:
    met = meet(name)

    assert isinstance(met.error, OperationFailed)
    assert met.error.code == "InternalError"


# --- odd operations ---------------------------------------------------------------------------------------------------


@rows("completed")
def test_completed(name: str) -> None:
    assert meet(name).result.body == SUCCEEDED


@rows("cancelled")
def test_cancelled(name: str) -> None:
    met = meet(name)

    assert isinstance(met.error, OperationCanceled)
    assert met.server.asked("GET", OPERATION) == 1


@rows("operation_moves")
def test_operation_moves(name: str) -> None:
    met = meet(name)

    assert met.error is None
    polls = [one.target for one in met.server.requests if OPERATION in one.target]
    assert [target.partition("moved=")[2] for target in polls] == ["", "1", "2"]


@rows("succeeded_but_updating")
def test_succeeded_but_updating(name: str) -> None:
    assert meet(name).result.body == SUCCEEDED


@rows("succeeded_but_failed")
def test_succeeded_but_failed(name: str) -> None:
    assert isinstance(meet(name).error, OperationFailed)


@rows("deletion_forgotten")
def test_deletion_forgotten(name: str) -> None:
    met = meet(name)

    assert met.error is None
    assert met.server.asked("DELETE") == 1


@rows("long_url")
def test_long_url(name: str) -> None:
    met = meet(name)

    assert met.error is None
    polled = next(one.target for one in met.server.requests if OPERATION in one.target)
    assert polled.endswith("+" * int(name.partition(": ")[2]))
