"""Each finding, made to appear in the emulator: its code, its severity, and that an error writes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import requests

from tests.methods.vip_swap.lab import GROUP, PRODUCTION_LB, STAGING_LB, TARGET, Lab
from tests.methods.vip_swap.preflight import test_access as access
from tests.methods.vip_swap.preflight import test_resources as resources
from tests.methods.vip_swap.preflight import test_services as services
from tests.methods.vip_swap.preflight import test_surroundings as surroundings
from tests.methods.vip_swap.preflight.worlds import World, Worlds, down, found, lock, serve
from tests.methods.vip_swap.test_refusals import answer, interrupted
from vipswap_rest.arm.errors import Refused, UsageError
from vipswap_rest.emulator import Answer
from vipswap_rest.methods.vip_swap.preflight import CODES, STRUCTURAL, Severity, checked_codes
from vipswap_rest.methods.vip_swap.preflight.finding import ERRORS, INFORMATION, WARNINGS
from vipswap_rest.methods.vip_swap.run import Options
from vipswap_rest.switchover.report import Outcome

WORLDS: Worlds = {**resources.WORLDS, **services.WORLDS, **surroundings.WORLDS, **access.WORLDS}
CASES = [
    pytest.param(code, world, id=f"{code}-{number}")
    for code, worlds in WORLDS.items()
    for number, world in enumerate(worlds, 1)
]


@pytest.mark.parametrize(("code", "world"), CASES)
def test_it_is_found_with_its_severity_a_sentence_and_a_remedy(code: str, world: World) -> None:
    lab = Lab()
    world(lab)

    findings = found(lab, code)

    severity = next(
        severity
        for codes, severity in (
            (ERRORS, Severity.ERROR),
            (WARNINGS, Severity.WARNING),
            (INFORMATION, Severity.INFORMATION),
        )
        if code in codes
    )
    assert {finding.severity for finding in findings} == {severity}
    assert all(finding.message and finding.remedy for finding in findings)
    assert lab.writes() == []


@pytest.mark.parametrize(("code", "world"), [case for case in CASES if case.values[0] in ERRORS])
def test_an_error_refuses_the_swap_and_ignored_it_is_a_warning(code: str, world: World) -> None:
    lab = Lab()
    world(lab)
    before = lab.snapshot()

    with pytest.raises(Refused) as told:
        lab.swap()
    others = {finding.code for finding in lab.plan().findings if finding.severity is Severity.ERROR}
    findings = lab.plan(options=Options(ignore=frozenset(others))).findings

    assert code in str(told.value)
    assert lab.writes() == []
    assert lab.snapshot() == before
    assert {finding.severity for finding in findings if finding.code == code} == {Severity.WARNING}
    assert not [finding for finding in findings if finding.severity is Severity.ERROR]


def test_every_code_that_can_be_ignored_or_shown_has_a_world_here() -> None:
    assert set(WORLDS) == set(CODES) - set(STRUCTURAL)


def test_the_default_environment_has_nothing_against_a_swap_and_it_takes_few_reads() -> None:
    lab = Lab()

    findings = lab.plan().findings

    assert {finding.code for finding in findings} == {"OutboundAddressChanges", "DnsLabelMoves"}
    assert len(lab.wire.sent) <= 15
    assert [path for method, path, _ in lab.wire.sent if method == "POST"] == [
        f"{STAGING_LB}/loadBalancingRules/http/health"
    ]


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
def test_no_refused_read_makes_a_swap_fail(status: int) -> None:
    lab = Lab()
    words = ("Microsoft.Authorization", "/usages", "/health", "resourcegroups/vipswap?")

    def before(request: requests.PreparedRequest) -> Answer | None:
        url = (request.url or "").lower()
        if any(word.lower() in url for word in words):
            return answer(status, "Refused")
        return None

    lab.wire.before = before

    report = lab.swap()

    assert report.outcome is Outcome.SWAPPED


def test_a_resumed_swap_is_not_inspected() -> None:
    lab = Lab()
    interrupted(lab)
    serve(PRODUCTION_LB, enableFloatingIP=True)(lab)
    down("all")(lab)

    report = lab.swap(replace(TARGET, vip="vipswap1pip"))

    assert report.outcome is Outcome.SWAPPED


def test_a_goal_that_is_reached_is_left_alone_whatever_else_is_found() -> None:
    lab = Lab()
    target = replace(TARGET, vip="vipswap2pip")
    lock(GROUP, "ReadOnly")(lab)
    down("all")(lab)

    report = lab.swap(target)

    assert report.outcome is Outcome.NOTHING_TO_DO
    assert lab.writes() == []


def test_codes_are_taken_in_any_case_and_an_unknown_one_names_the_known() -> None:
    assert checked_codes(["floatingip", "PORTNOTSERVED"]) == {"FloatingIp", "PortNotServed"}

    with pytest.raises(UsageError) as told:
        checked_codes(["FloatingIp", "Nonsense"])

    assert "'Nonsense'" in str(told.value)
    assert all(code in told.value.hint for code in ERRORS)
