"""Recorded conversations with ARM, played to the client by rule: it ends where ARM ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import responses

from tests.arm import cassettes
from tests.arm.cassettes import Call, Line, Replay
from tests.arm.conftest import Tokens, VirtualClock
from vipswap_rest.arm import network
from vipswap_rest.arm.client import ArmClient, Completed, Started
from vipswap_rest.arm.errors import (
    ArmError,
    OperationCanceled,
    OperationError,
    OperationFailed,
    OperationTimedOut,
    arm_error_class,
)
from vipswap_rest.arm.http import Transport
from vipswap_rest.arm.ids import InvalidResourceId, ResourceId

SINGLE = sorted(cassettes.FOLDER.glob("errors_single.jsonl"))
CONVERSATIONS = cassettes.conversations()

pytestmark = pytest.mark.skipif(not CONVERSATIONS, reason=cassettes.ABSENT)

CALLS = [
    pytest.param(call, id=f"{path.stem}-{call}")
    for path in CONVERSATIONS
    for call in cassettes.calls(cassettes.read(path))
]
ERRORS = [pytest.param(line, id=f"{line.n}-{line.status}") for path in SINGLE for line in cassettes.read(path)]


def client_of(line: Line, clock: VirtualClock) -> ArmClient:
    subscription = line.path.split("/")[2] if line.path.startswith("/subscriptions/") else ""
    # Some were recorded in other clouds.
    endpoint = "/".join(line.url.split("/", 3)[:3])
    return ArmClient(Transport(endpoint, Tokens(), clock=clock), subscription, api_version=line.version)


def read_with(client: ArmClient, line: Line) -> Any:
    """The read, through the function for its kind of resource if there is one."""
    parts = line.path.strip("/").split("/")
    lists = {"loadbalancers": network.list_load_balancers, "publicipaddresses": network.list_public_ips}
    if parts[-1].lower() in lists and len(parts) == 7:
        return list(lists[parts[-1].lower()](client, line.path.partition("/providers/")[0]))
    if line.is_list and parts[-1].lower() == "backendaddresspools":
        return list(network.list_backend_pools(client, ResourceId.parse(line.path.rpartition("/")[0])))
    if line.is_list:
        return list(client.list(line.path))
    part = part_of(line)
    if part is not None:
        function, id = part
        return getattr(network, f"get_{function}")(client, id)
    kind, id = kind_of(line)
    gets: dict[str, Callable[..., Any]] = {
        "loadbalancers": network.get_load_balancer,
        "publicipaddresses": network.get_public_ip,
    }
    return gets[kind](client, id) if kind in gets else client.get(line.path)


def write_with(client: ArmClient, line: Line) -> Started:
    """The write, through the function for its kind of resource if there is one."""
    part = part_of(line)
    if part is not None:
        function, id = part
        if line.method == "DELETE":
            return getattr(network, f"delete_{function}")(client, id)
        return getattr(network, f"create_{function}")(client, id, line.request_body)
    kind, id = kind_of(line)
    body, etag = line.request_body, line.request_headers.get("if-match")
    if kind not in ("loadbalancers", "publicipaddresses"):
        return {
            "PUT": lambda: client.put(line.path, body),
            "PATCH": lambda: client.patch(line.path, body),
            "POST": lambda: client.post(line.path, body),
            "DELETE": lambda: client.delete(line.path),
        }[line.method]()
    what = "load_balancer" if kind == "loadbalancers" else "public_ip"
    if line.method == "DELETE":
        return getattr(network, f"delete_{what}")(client, id)
    if line.method == "PATCH":
        return getattr(network, f"tag_{what}")(client, id, (body or {}).get("tags") or {})
    if etag:
        return getattr(network, f"update_{what}")(client, id, body, etag=etag)
    return getattr(network, f"create_{what}")(client, id, body)


def part_of(line: Line) -> tuple[str, ResourceId] | None:
    """The functions' name for a pool or NAT rule that a line is about, and its id."""
    parts = line.path.strip("/").split("/")
    if len(parts) != 10 or parts[6].lower() != "loadbalancers":
        return None
    function = {"backendaddresspools": "backend_pool", "inboundnatrules": "nat_rule"}.get(parts[8].lower())
    return None if function is None else (function, ResourceId.parse(line.path))


def kind_of(line: Line) -> tuple[str, ResourceId | None]:
    """A network resource's type and id; nothing of any other."""
    try:
        id = ResourceId.parse(line.path)
    except InvalidResourceId:
        return "", None
    top = id.namespace.lower() == "microsoft.network" and id.parent is None
    return (id.types[0].lower() if top else ""), id


def run(client: ArmClient, call: Call) -> Any:
    if call.first.method == "GET":
        return read_with(client, call.first)
    return client.wait(write_with(client, call.first))


def assert_is_arms(error: ArmError, line: Line) -> None:
    """The error says all that ARM said."""
    told = line.body.get("error", line.body)
    details = [item for item in told.get("details") or [] if item.get("code") or item.get("message")]

    assert type(error) is arm_error_class(line.status)
    assert (error.code, error.message, error.status) == (told["code"].strip(), told["message"].strip(), line.status)
    inner = [("", told["innerError"].split("\r\n   at ")[0].strip())] if told.get("innerError") else []
    assert [(item.code, item.message) for item in error.details] == [
        *(((item.get("code") or "").strip(), (item.get("message") or "").strip()) for item in details),
        *inner,
    ]
    ids = ("x-ms-request-id", "x-ms-arm-service-request-id", "x-ms-correlation-request-id")
    assert error.request_id == next((line.headers[name] for name in ids if name in line.headers), None)
    assert error.method == line.method
    assert error.resource.lower().startswith(line.path.lower())
    assert error.hint, "what to do next"
    assert told["code"].strip() in str(error)
    assert error.as_json()["code"] == error.code
    assert Tokens().token() not in str(error)


@pytest.mark.parametrize("call", CALLS)
def test_a_recorded_call_ends_as_it_ended(call: Call, arm: responses.RequestsMock, clock: VirtualClock) -> None:
    replay = Replay(arm, call)
    client = client_of(call.first, clock)
    last = call.answers[-1]

    if last.status >= 400:
        with pytest.raises(ArmError) as refused:
            run(client, call)
        assert_is_arms(refused.value, last)
        return
    word = str(call.last_word.get("status", "")).lower()
    if word in ("failed", "canceled"):
        kind = OperationCanceled if word == "canceled" else OperationFailed
        with pytest.raises(kind) as ended:
            run(client, call)
        assert_ended(ended.value, call)
        return
    if still_running(call):
        with pytest.raises(OperationTimedOut):
            run(client, call)
        return
    result = run(client, call)

    assert result_of(result) == expected(call)
    assert {line.url for line in call.polls[:1]} <= {url for _, url in replay.asked}, "signed URLs are asked verbatim"


def assert_ended(error: OperationError, call: Call) -> None:
    told = call.last_word.get("error") or {}
    assert error.code == told.get("code", error.code).strip()
    assert [item.code for item in error.details] == [item["code"] for item in told.get("details") or []]
    assert error.resource.lower().startswith(call.first.path.lower())
    assert error.hint


def still_running(call: Call) -> bool:
    """Whether the recording ends, or another write comes, before the operation has."""
    if call.first.method == "GET":
        return False
    if call.polls and call.polls[-1].body is None:
        # The result that Location names, where that is all there is: a group's deletion.
        return call.polls[-1].status == 202
    if call.polls:
        return str(call.last_word.get("status", "")).lower() not in cassettes.TERMINAL
    seen = call.gets or call.answers[-1:]
    states = [((line.body or {}).get("properties") or {}).get("provisioningState") for line in seen]
    return call.first.method != "DELETE" and "Succeeded" not in states


def expected(call: Call) -> Any:
    if call.first.is_list:
        return call.first.body["value"]
    if call.first.method == "DELETE":
        return None
    done = [
        line for line in call.gets if line.status == 200 and line.body["properties"]["provisioningState"] == "Succeeded"
    ]
    return (done or call.answers[-1:])[0].body


def result_of(result: Any) -> Any:
    return result.body if isinstance(result, Completed) else result


@pytest.mark.parametrize("line", ERRORS)
def test_a_recorded_error_becomes_a_typed_one_that_says_all_of_it(
    line: Line, arm: responses.RequestsMock, clock: VirtualClock
) -> None:
    Replay(arm, Call(line, [line]))

    with pytest.raises(ArmError) as refused:
        run(client_of(line, clock), Call(line, [line]))

    assert_is_arms(refused.value, line)
    json.dumps(refused.value.as_json())


@pytest.mark.parametrize("path", CONVERSATIONS, ids=lambda path: path.stem)
def test_every_recorded_line_belongs_to_a_call(path: Any) -> None:
    lines = cassettes.read(path)
    calls = list(cassettes.calls(lines))

    covered = {line.n for call in calls for line in (*call.answers, *call.polls, *call.gets)}
    # Polls that another write to the resource cut off are nobody's.
    left = [line for line in lines if line.n not in covered and not line.is_poll]
    assert not left
