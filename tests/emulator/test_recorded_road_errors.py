"""Single recorded errors of gateways, scale sets, deployments and groups: the same situation gets the same error."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.arm import cassettes
from tests.arm.cassettes import Line
from tests.emulator.conversation import headers_of
from tests.emulator.situations import LOCATION, ask, ask_again, ask_in_group, just_ask, locked, make_group
from tests.emulator.stage import Json, Stage
from tests.emulator.test_recorded_errors import form
from vipswap_rest.emulator import Answer, Settings

FILE = cassettes.FOLDER.parent / "recordings_roads" / "errors_single_roads.jsonl"
LINES = cassettes.read(FILE) if FILE.exists() else []

pytestmark = pytest.mark.skipif(not LINES, reason=cassettes.ABSENT)

_NICS = "network interfaces are stored without rules"
_WITHIN = "the emulator has no rules for what is within a machine"
# By number of the line; why the emulator has no such error.
NOT_DONE = {
    2: "a provider that fails: what a fault is for",
    3: _NICS,
    4: _NICS,
    5: "a template makes nothing in another group",
    7: "there is no quota of cores",
    8: _WITHIN,
    10: "nothing is bought",
    11: "there are no lists of images",
    12: "there are no Spot machines",
    15: _WITHIN,
    25: "instances are not written one by one",
    30: "storage accounts are stored without rules",
    32: _NICS,
}


def scale_set(stage: Stage, line: Line) -> None:
    """The scale set that a line is about is there, with no instance."""
    make_group(stage, line)
    parts = line.path.split("/")
    stage.seed({"id": "/".join(parts[:9]), "name": parts[8], "location": LOCATION, "etag": '"1"', "properties": POLICY})


POLICY: Json = {"upgradePolicy": {"mode": "Manual"}}


def with_scale_set(stage: Stage, line: Line) -> Answer:
    scale_set(stage, line)
    body = {"instanceIds": ["999"]} if line.path.endswith("manualupgrade") else None
    return ask(stage, line, body)


def stale_scale_set(stage: Stage, line: Line) -> Answer:
    scale_set(stage, line)
    return stage.call(line.method, line.path, {"location": LOCATION}, if_match='"invalid"')


def with_balancer(stage: Stage, line: Line) -> Answer:
    make_group(stage, line)
    parts = line.path.split("/")
    stage.seed({"id": "/".join(parts[:9]), "name": parts[8], "location": LOCATION, "properties": {}})
    return ask(stage, line)


def incomplete_parameters(stage: Stage, line: Line) -> Answer:
    make_group(stage, line)
    template = {"parameters": {"extra_param": {"type": "string"}}, "resources": []}
    return ask(stage, line, {"properties": {"template": template}})


def blocked(stage: Stage, line: Line) -> Answer:
    told = line.body["Error"]
    group = f"{'/'.join(line.path.split('/')[:3])}/resourceGroups/rgcomvf2727092"
    stage.seed({"id": group, "name": "rgcomvf2727092", "location": LOCATION})
    stage.fault({"fail_operation": {"code": told["Code"], "message": told["Message"]}}, method="DELETE")
    answer = stage.call("DELETE", group)
    stage.settle()
    return stage.follow(answer, "Location")


SITUATIONS: dict[int, Callable[[Stage, Line], Answer]] = {
    **dict.fromkeys((0, 14, 19, 21), ask_in_group),
    1: ask_again,
    **dict.fromkeys((18, 20, 23, 24, 27, 29), just_ask),
    6: incomplete_parameters,
    **dict.fromkeys((9, 13, 26, 31), with_scale_set),
    16: locked,
    17: with_balancer,
    22: stale_scale_set,
    28: blocked,
}


@pytest.mark.parametrize("line", [one for one in LINES if one.n not in NOT_DONE], ids=lambda one: f"{one.n}")
def test_a_recorded_error_is_answered_in_the_same_situation(line: Line) -> None:
    stage = Stage(Settings(env="none", latency="blog"))

    answer = SITUATIONS[line.n](stage, line)

    recorded, own = (next(iter(body.values())) for body in (line.body, answer.json()))
    code, message = ("Code", "Message") if "Code" in recorded else ("code", "message")
    assert (answer.status, own[code], form(own[message])) == (line.status, recorded[code], form(recorded[message]))
    assert set(own) == set(recorded)
    who = {"x-ms-failure-cause"}
    assert headers_of(answer.headers) & who == headers_of(line.headers) & who


def test_every_line_is_answered_or_has_its_reason() -> None:
    assert {line.n for line in LINES} == set(NOT_DONE) | set(SITUATIONS)
    assert not set(NOT_DONE) & set(SITUATIONS)
