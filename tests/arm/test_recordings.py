"""Recorded conversations with ARM, played to the client by rule: it ends where ARM ended."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses

from tests.arm import cassettes
from tests.arm.cassettes import Call, Line, Replay
from tests.arm.conftest import Tokens, VirtualClock
from vipswap_rest.arm import compute, gateway, network, resources
from vipswap_rest.arm.client import ArmClient, Completed, Started
from vipswap_rest.arm.clouds import API_VERSIONS
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

SINGLE = cassettes.singles()
CONVERSATIONS = cassettes.conversations()

pytestmark = pytest.mark.skipif(not CONVERSATIONS, reason=cassettes.ABSENT)

CALLS = [
    pytest.param(call, id=f"{path.stem}-{call}")
    for path in CONVERSATIONS
    for call in cassettes.calls(cassettes.read(path))
]
ERRORS = [
    pytest.param(line, id=f"{path.stem}-{line.n}-{line.status}") for path in SINGLE for line in cassettes.read(path)
]


def client_of(line: Line, clock: VirtualClock) -> ArmClient:
    subscription = line.path.split("/")[2] if line.path.startswith("/subscriptions/") else ""
    # Some were recorded in other clouds.
    endpoint = "/".join(line.url.split("/", 3)[:3])
    return ArmClient(Transport(endpoint, Tokens(), clock=clock), subscription, api_version=line.version)


def road_of(line: Line) -> Callable[[ArmClient], Any] | None:
    """The call of gateways, scale sets, groups and deployments that a line is, or None."""
    scope, _, rest = line.path.partition("/providers/")
    words, body = rest.lower().split("/"), line.request_body if isinstance(line.request_body, dict) else {}
    shape = "/".join(word for index, word in enumerate(words) if index % 2 == 1 or index == 0)
    tail = f"{line.method} {shape}"
    if not rest and re.fullmatch(r"/subscriptions/[^/]+/resourcegroups/[^/]+", scope, re.IGNORECASE):
        return {
            "PUT": lambda client: resources.put_resource_group(client, scope, body["location"], body.get("tags")),
            "DELETE": lambda client: resources.delete_resource_group(client, scope),
            "GET": lambda client: resources.get_resource_group(client, scope),
        }[line.method]
    listed = re.fullmatch(r"(.*)/deployments/([^/]+)/operations", line.path, re.IGNORECASE)
    if listed and not rest:
        return lambda client: list(resources.list_deployment_operations(client, listed[1], listed[2]))
    try:
        id = ResourceId.parse("/".join(line.path.split("/")[:9]))
    except InvalidResourceId:
        return None
    told, etag = body.get("properties", {}), line.request_headers.get("if-match")
    calls: dict[str, Callable[[ArmClient], Any]] = {
        "GET microsoft.network/applicationgateways": lambda c: gateway.get_application_gateway(c, id),
        "PUT microsoft.network/applicationgateways": lambda c: gateway.create_application_gateway(c, id, body),
        "POST microsoft.network/applicationgateways/backendhealth": lambda c: gateway.query_backend_health(c, id),
        "POST microsoft.network/applicationgateways/getbackendhealthondemand": (
            lambda c: gateway.query_backend_health_on_demand(c, id, body)
        ),
        "GET microsoft.compute/virtualmachinescalesets": lambda c: compute.get_scale_set(c, id),
        "PUT microsoft.compute/virtualmachinescalesets": lambda c: compute.create_scale_set(c, id, body),
        "PATCH microsoft.compute/virtualmachinescalesets": lambda c: compute.patch_scale_set(c, id, body, etag=etag),
        "POST microsoft.compute/virtualmachinescalesets/manualupgrade": (
            lambda c: compute.upgrade_instances(c, id, body.get("instanceIds", []))
        ),
        "POST microsoft.compute/virtualmachinescalesets/osrollingupgrade": (
            lambda c: compute.start_rolling_upgrade(c, id)
        ),
        "GET microsoft.compute/virtualmachinescalesets/rollingupgrades": lambda c: compute.get_rolling_upgrade(c, id),
        "POST microsoft.compute/virtualmachinescalesets/rollingupgrades": (
            lambda c: compute.cancel_rolling_upgrade(c, id)
        ),
        "GET microsoft.resources/deployments": lambda c: resources.get_deployment(c, scope, id.name),
        "PUT microsoft.resources/deployments": lambda c: resources.put_deployment(c, scope, id.name, told),
        "POST microsoft.resources/deployments/validate": (
            lambda c: resources.validate_deployment(c, scope, id.name, told)
        ),
        "POST microsoft.resources/deployments/whatif": lambda c: resources.what_if_deployment(c, scope, id.name, told),
        "POST microsoft.resources/deployments/cancel": lambda c: resources.cancel_deployment(c, scope, id.name),
    }
    return calls.get(tail)


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
    """The call through its function, which pins another api-version than the recorded one."""
    road = road_of(call.first)
    if road is not None:
        rows = ("compute", "deployments", "resource_groups", "resource_group_writes")
        with pytest.MonkeyPatch.context() as patch:
            for row in rows:
                patch.setitem(API_VERSIONS, row, call.first.version)
            result = road(client)
            return client.wait(result) if isinstance(result, Started) else result
    if call.first.method == "GET":
        return read_with(client, call.first)
    return client.wait(write_with(client, call.first))


def assert_is_arms(error: ArmError, line: Line) -> None:
    """The error says all that ARM said."""
    told = lower(line.body)
    told = lower(told.get("error", told))

    codes = [told["code"], *(code for code, _ in below(told))]
    assert type(error) is arm_error_class(line.status, codes)
    assert (error.code, error.message, error.status) == (told["code"].strip(), words_of(told), line.status)
    inner = [("", told["innererror"].split("\r\n   at ")[0].strip())] if told.get("innererror") else []
    assert [(item.code, item.message) for item in error.details] == list(dict.fromkeys([*below(told), *inner]))
    ids = ("x-ms-request-id", "x-ms-arm-service-request-id", "x-ms-correlation-request-id")
    assert error.request_id == next((line.headers[name] for name in ids if name in line.headers), None)
    assert error.method == line.method
    assert error.resource.lower().startswith(line.path.lower())
    assert error.hint, "what to do next"
    assert told["code"].strip() in str(error)
    assert error.as_json()["code"] == error.code
    assert Tokens().token() not in str(error)


def lower(body: dict[str, Any]) -> dict[str, Any]:
    """An error's object: its keys are in capitals at the end of a group's deletion."""
    return {key.lower(): value for key, value in body.items()}


def words_of(error: dict[str, Any]) -> str:
    """Its message, with the target that it does not name."""
    message, target = (str(error.get(key) or "").strip() for key in ("message", "target"))
    return message if not target or target.lower() in message.lower() else f"{message} (target: {target})"


def below(error: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Code and message of all that an error holds: details, their own, and errors as texts in messages."""
    for item in map(lower, error.get("details") or []):
        if item.get("code") or item.get("message"):
            yield str(item.get("code") or "").strip(), words_of(item)
        yield from below(item)
    for item in error.get("additionalinfo") or []:
        yield item["type"], ", ".join(f"{key}: {value}" for key, value in item["info"].items())
    message = str(error.get("message") or "")
    if message.startswith("{"):
        inner = lower(lower(json.loads(message))["error"])
        yield inner["code"], words_of(inner)


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
    word = "failed" if call.polls and call.polls[-1].status >= 400 else ending(call)
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


def state_of(line: Line) -> str:
    """A resource's state; one that has none has succeeded."""
    body = line.body if isinstance(line.body, dict) else {}
    return str((body.get("properties") or {}).get("provisioningState", "Succeeded"))


def ending(call: Call) -> str:
    """What the operation's last status says, or where it was not asked, the resource."""
    if call.polls or call.first.method == "POST":
        return str(call.last_word.get("status", "")).lower()
    return state_of(call.gets[0]).lower() if call.gets else ""


def assert_ended(error: OperationError, call: Call) -> None:
    told = lower(lower(call.last_word).get("error") or {})
    assert error.code == (told.get("code") or error.code).strip()
    assert [(item.code, item.message) for item in error.details] == list(dict.fromkeys(below(told)))
    assert error.resource.lower().startswith(call.first.path.lower())
    assert error.hint


def still_running(call: Call) -> bool:
    """Whether the recording ends, or another write comes, before the operation has."""
    if call.first.method == "GET":
        return False
    if call.polls and (call.polls[-1].body is None or "azure-asyncoperation" not in call.answers[-1].headers):
        # The result that Location names, where that is all there is, or comes last: a group's deletion.
        return call.polls[-1].status == 202
    if call.polls:
        return str(call.last_word.get("status", "")).lower() not in cassettes.TERMINAL
    seen = call.gets or call.answers[-1:]
    if call.first.method == "POST":
        return call.answers[-1].status == 202
    return call.first.method != "DELETE" and "Succeeded" not in [state_of(line) for line in seen]


def expected(call: Call) -> Any:
    if call.first.is_list:
        return call.first.body["value"]
    if call.first.method == "DELETE":
        return None
    first = call.answers[-1]
    status_url, location = (first.headers.get(name) for name in ("azure-asyncoperation", "location"))
    if call.first.method == "POST" and call.polls:
        return call.polls[-1].body if call.polls[-1].url != status_url else None
    if not status_url and not location and first.body is not None and state_of(first) == "Succeeded":
        return first.body
    done = [line for line in call.gets if line.status == 200 and state_of(line) == "Succeeded"]
    if done:
        return done[0].body
    return json.loads(cassettes.settled(call)) if call.answers[-1].text.strip() else None


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
