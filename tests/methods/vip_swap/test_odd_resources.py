"""Whatever is seeded and whatever is ignored: plan and swap end in a sentence, and change nothing beyond the swap.

VIPSWAP_ODD_RESOURCES=N tries N worlds, VIPSWAP_LONG=1 five thousand. They are the same in every run; VIPSWAP_SEED=n
tries others, the same ones for the same n.
"""

from __future__ import annotations

import copy
import io
import json
import os
from contextlib import redirect_stderr, redirect_stdout
from typing import Any
from unittest.mock import patch

import pytest
import requests
from hypothesis import HealthCheck, Phase, event, given, note, seed, settings

from tests.methods.vip_swap.lab import PRODUCTION_IP, PRODUCTION_LB, STAGING_LB, Lab, arriving_request, same
from tests.methods.vip_swap.odd_resources import Case, cases
from tests.methods.vip_swap.preflight.test_findings import CASES
from tests.methods.vip_swap.preflight.worlds import World
from vipswap_rest.cli import swap as command
from vipswap_rest.cli.main import main
from vipswap_rest.emulator import Answer, Request, Settings
from vipswap_rest.emulator.control.admin import Admin
from vipswap_rest.methods.vip_swap.preflight import CODES
from vipswap_rest.methods.vip_swap.preflight.finding import ERRORS

LONG = os.environ.get("VIPSWAP_LONG") == "1"
WORLDS = int(os.environ.get("VIPSWAP_ODD_RESOURCES") or (5000 if LONG else 300))
BALANCERS = (PRODUCTION_LB.lower(), STAGING_LB.lower())


def may_end(verb: str, options: list[str]) -> set[int]:
    """The exit codes of a verb: refused, failed with nothing changed, or done.

    Not 6: what ARM refuses both ways is refused before the outage, unless that was to be ignored.
    """
    if verb == "plan":
        return {0, 1, 2, 3, 4}
    insists = any(option.startswith("--ignore") for option in options)
    return {0, 1, 2, 3, 4, 5, 7} | ({6} if insists else set())


class Watched:
    """A lab whose load balancers and addresses may be written by the swap alone, and no more of them than it needs."""

    def __init__(self, bodies: list[dict[str, Any]]) -> None:
        self.lab = Lab(Settings(latency="instant"))
        self.lab.clock.pace = 30.0
        request = Request("PUT", "/emulator/state", {}, json.dumps({"resources": bodies}).encode())
        answer = Admin(self.lab.core).handle(request)
        assert answer.status == 200, answer.body
        self.lab.wire.before = self._check
        self.complaints: list[str] = []

    def run(self, verb: str, *options: str) -> tuple[int, str, str]:
        """One command line; its exit code, stdout and stderr."""
        line = [verb, "-g=vipswap", "--lb1=vipswap1lb", "--lb2=vipswap2lb", *options]
        line += ["--yes", "--no-probe"] if verb == "swap" else []
        out, err = io.StringIO(), io.StringIO()
        with (
            patch.object(command, "connect", lambda *_: self.lab.client()),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = main(line)
        return code, out.getvalue(), err.getvalue()

    def _check(self, request: requests.PreparedRequest) -> Answer | None:
        """Complain of a write that the swap has no business with."""
        arriving = arriving_request(request)
        path = arriving.path.lower()
        if arriving.method == "GET" or path.endswith("/health") or "/publicipaddresses/vipswap-float-" in path:
            return None
        if "/locations/" in path and path.endswith("/setloadbalancerfrontendpublicipaddresses"):
            return None
        if arriving.method != "PUT" or path not in BALANCERS:
            self.complaints.append(f"{arriving.method} {arriving.path}")
            return None
        sent, present = json.loads(arriving.body), self.lab.get(path)
        if sent.get("etag") == present.get("etag") and not _only_the_address(present, sent):
            self.complaints.append(f"PUT {arriving.path}: {present} -> {sent}")
        return None


def _only_the_address(present: dict[str, Any], sent: dict[str, Any]) -> bool:
    """Whether nothing differs but one frontend's address, and the zones that a frontend without subnet may not send."""
    one, other = copy.deepcopy(present), copy.deepcopy(sent)
    changed = 0
    pairs = zip(*(body["properties"]["frontendIPConfigurations"] for body in (one, other)), strict=True)
    for mine, its in pairs:
        if not (mine.get("properties") or {}).get("subnet"):
            mine.pop("zones", None)
        if mine != its:
            changed += 1
            mine["properties"].pop("publicIPAddress"), its["properties"].pop("publicIPAddress")
    return one == other and changed <= 1


def holds(lab: Lab) -> list[Any]:
    """What the frontends of both load balancers refer to, whatever they are made of."""
    return [[_address_of(item) for item in _list(lab.get(id)["properties"])] for id in BALANCERS]


def _list(properties: dict[str, Any]) -> list[Any]:
    found = properties.get("frontendIPConfigurations")
    return found if isinstance(found, list) else []


def _address_of(item: Any) -> Any:
    properties = item.get("properties") if isinstance(item, dict) else None
    return copy.deepcopy(properties.get("publicIPAddress")) if isinstance(properties, dict) else None


@seed(int(os.environ.get("VIPSWAP_SEED") or 0))
@settings(
    max_examples=WORLDS,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
@given(cases())
def test_no_world_ends_in_a_traceback_or_is_changed_beyond_the_swap(case: Case) -> None:
    note(f"options: {case.options}")
    world = Watched(case.bodies)
    before, untouched = holds(world.lab), world.lab.snapshot()

    for verb in case.verbs:
        code, out, err = world.run(verb, *case.options)

        note(f"{verb} -> {code}\n{out}\n{err}")
        event(f"{verb} ends in {code}")
        assert code in may_end(verb, case.options)
        assert "Traceback" not in err
        assert code != 6 or "vipswap recover" in err
        assert world.complaints == []
        if verb == "plan":
            assert world.lab.writes() == []
            codes = [finding["code"] for finding in json.loads(out)["findings"]] if out.startswith("{") else []
            assert len(codes) == len(set(codes)), "a kind of finding is one line"
        elif code not in (0, 6, 7):
            assert holds(world.lab) == before
    moved = {id for id, body in world.lab.snapshot().items() if body != untouched.get(id)}
    assert not [id for id in moved if "/loadbalancers/" not in id.lower() and "/publicipaddresses/" not in id.lower()]


@pytest.mark.parametrize("code", CODES)
def test_whatever_code_is_ignored_an_address_that_another_holds_is_no_traceback(code: str) -> None:
    world = Watched([])
    configuration = {"id": f"{STAGING_LB}/frontendIPConfigurations/other"}
    world.lab.get(PRODUCTION_IP)["properties"]["ipConfiguration"] = configuration
    before = holds(world.lab)

    for options in ([f"--ignore={code}"], [f"--ignore={other}" for other in CODES]):
        for verb in ("plan", "swap"):
            ended, _, err = world.run(verb, *options)

            assert ended in may_end(verb, options)
            assert "Traceback" not in err
    assert (world.complaints, holds(world.lab)) == ([], before)


@pytest.mark.parametrize(("code", "change"), CASES)
def test_a_world_whose_finding_is_ignored_ends_in_a_sentence(code: str, change: World) -> None:
    for ignored in ([code], list(ERRORS)):
        world = Watched([])
        change(world.lab)
        options = ["--frontend1=LoadBalancerFrontEnd", *(f"--ignore={one}" for one in ignored)]

        for verb in ("plan", "swap"):
            ended, _, err = world.run(verb, *options)

            assert ended in may_end(verb, options)
            assert "Traceback" not in err


def test_a_foreign_write_would_be_complained_of() -> None:
    world = Watched([])
    present = world.lab.get(PRODUCTION_LB)
    changed = copy.deepcopy(present)
    changed["properties"]["probes"] = []

    assert _only_the_address(present, copy.deepcopy(present))
    assert not _only_the_address(present, changed)
    assert same(BALANCERS[0], PRODUCTION_LB)
