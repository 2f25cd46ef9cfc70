"""A whole swap on the emulator, in process: where everything ends, and what is said about it."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from tests.methods.vip_swap.lab import (
    PRODUCTION_IP,
    PRODUCTION_LB,
    ROUND_TRIP_S,
    STAGING_IP,
    STAGING_LB,
    TARGET,
    InProcess,
    Lab,
    exchanged,
)
from vipswap_rest.emulator import Settings
from vipswap_rest.methods.vip_swap.preflight import Severity
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.resolve import Target
from vipswap_rest.methods.vip_swap.run import Options
from vipswap_rest.switchover.report import Outcome, Side, StepBegan

EVERY_WAY = list(itertools.product(Opening, ("complete", "accept"), ("blog", "instant", "standard")))


@pytest.mark.parametrize(("opening", "release", "latency"), EVERY_WAY)
def test_every_strategy_and_order_exchanges_two_ids_and_nothing_else(
    opening: Opening, release: str, latency: str
) -> None:
    lab = Lab(Settings(release=release, latency=latency))
    before = lab.snapshot()

    report = lab.swap(options=Options(opening=opening))

    assert report.outcome is Outcome.SWAPPED
    assert report.exit_code == 0
    assert lab.snapshot() == exchanged(before)
    assert lab.floats() == []


@pytest.mark.parametrize(("opening", "release", "latency"), EVERY_WAY)
def test_the_reported_outage_is_the_timelines_plus_a_little(opening: Opening, release: str, latency: str) -> None:
    lab = Lab(Settings(release=release, latency=latency))

    report = lab.swap(options=Options(opening=opening))

    for side, address in ((Side.PRODUCTION, PRODUCTION_IP), (Side.STAGING, STAGING_IP)):
        true, said = lab.true_outage(address), report.addresses[side].control_plane_outage_s
        assert said is not None
        # What a pause between polls adds, and the way of a request and its answer.
        assert true <= said <= true * 1.02 + 0.1 + ROUND_TRIP_S


def test_a_second_plain_swap_swaps_back() -> None:
    lab = Lab()
    before = lab.snapshot()

    lab.swap()
    report = lab.swap()

    assert report.outcome is Outcome.SWAPPED
    assert lab.snapshot() == before


def test_a_stated_goal_is_reached_once_and_then_found_reached() -> None:
    lab = Lab()
    target = Target("vipswap1lb", "vipswap2lb", "vipswap", vip="vipswap1pip")

    first = lab.swap(target)
    written = len(lab.writes())
    second = lab.swap(target)

    assert (first.outcome, second.outcome) == (Outcome.SWAPPED, Outcome.NOTHING_TO_DO)
    assert second.exit_code == 0
    assert len(lab.writes()) == written
    assert lab.holds(STAGING_LB) == PRODUCTION_IP


def test_where_the_native_swap_is_not_supported_the_float_does_it() -> None:
    lab = Lab(Settings(latency="blog", native="reject"))
    before = lab.snapshot()

    report = lab.swap(options=Options(opening=Opening.NATIVE))

    assert report.outcome is Outcome.SWAPPED
    assert report.strategy == "float"
    assert lab.snapshot() == exchanged(before)


def test_a_native_swap_that_is_accepted_without_a_word_of_where_to_look_is_looked_for_in_the_resources() -> None:
    lab = Lab()
    before = lab.snapshot()

    class Mute(InProcess):
        def exchange(self, request: Any, *args: Any, **options: Any) -> Any:
            response = super().exchange(request, *args, **options)
            if "setLoadBalancerFrontendPublicIpAddresses" in request.url:
                assert response.status_code == 202
                response.headers = {"Content-Length": "0"}
            return response

    lab.wire = Mute(lab.core, lab.clock)
    report = lab.swap(options=Options(opening=Opening.NATIVE))

    assert report.outcome is Outcome.SWAPPED
    assert lab.snapshot() == exchanged(before)
    assert len([path for _, path in lab.writes() if "setLoadBalancer" in path]) == 1


def test_the_steps_are_told_in_their_order() -> None:
    lab = Lab()

    lab.swap()

    assert [event.name for event in lab.events if isinstance(event, StepBegan)] == [
        "create_float",
        "staging_to_float",
        "production_to_staging_address",
        "staging_to_production_address",
        "delete_float",
    ]


def test_production_first_tries_the_other_load_balancer_before_the_outage() -> None:
    lab = Lab()

    lab.swap(options=Options(opening=Opening.FLOAT_ON_PRODUCTION))

    began = [event for event in lab.events if isinstance(event, StepBegan)]
    assert [event.name for event in began] == [
        "create_float",
        "trial_staging",
        "production_to_float",
        "staging_to_production_address",
        "production_to_staging_address",
        "delete_float",
    ]
    assert [event.name for event in began if event.opens_outage] == ["production_to_float"]


def test_between_the_outages_two_writes_lies_one_round_trip() -> None:
    lab = Lab()

    lab.swap()

    requests = lab.core.requests
    attaching = [index for index, entry in enumerate(requests) if entry["method"] == "PUT"][-1]
    last_poll = requests[attaching - 1]
    assert "/operations/" in last_poll["path"]
    assert requests[attaching]["t"] - last_poll["t"] < 0.02


def test_load_balancers_of_two_resource_groups_are_swapped() -> None:
    lab = Lab()
    other = STAGING_LB.replace("resourceGroups/vipswap", "resourceGroups/other")
    moved = lab.get(STAGING_LB)
    lab.core.world.state.remove(STAGING_LB)
    text = json.dumps(moved).replace(STAGING_LB, other)
    lab.put(json.loads(text))
    address = lab.get(STAGING_IP)
    address["properties"]["ipConfiguration"]["id"] = f"{other}/frontendIPConfigurations/LoadBalancerFrontEnd"

    report = lab.swap(Target(PRODUCTION_LB, other))

    assert report.outcome is Outcome.SWAPPED
    assert lab.holds(other) == PRODUCTION_IP
    assert lab.floats() == []


def test_the_float_copies_what_a_frontend_needs_and_nothing_else() -> None:
    lab = Lab()
    staging = lab.get(STAGING_IP)
    staging["zones"] = ["1", "2", "3"]
    staging["tags"] = {"team": "blue"}
    staging["properties"]["ipTags"] = [
        {"ipTagType": "RoutingPreference", "tag": "Internet"},
        {"ipTagType": "FirstPartyUsage", "tag": "/Sql"},
    ]

    lab.swap()

    body = next(body for method, path, body in lab.wire.sent if method == "PUT" and "vipswap-float-" in path)
    sent = json.loads(body)
    assert sent["sku"] == {"name": "Standard", "tier": "Regional"}
    assert sent["zones"] == ["1", "2", "3"]
    assert sent["properties"] == {
        "publicIPAllocationMethod": "Static",
        "publicIPAddressVersion": "IPv4",
        "ipTags": staging["properties"]["ipTags"],
    }
    assert all(key.startswith("vipswap-") for key in sent["tags"])


@pytest.mark.parametrize("opening", Opening)
def test_a_plan_foretells_the_steps_and_changes_nothing(opening: Opening) -> None:
    lab = Lab(Settings(release="accept"))
    before = lab.snapshot()

    planned = lab.plan(TARGET, Options(opening=opening))

    assert [finding for finding in planned.findings if finding.severity is Severity.ERROR] == []
    assert lab.snapshot() == before
    assert lab.writes() == []
    lab.swap(TARGET, Options(opening=opening))
    assert [step["name"] for step in planned.steps] == [
        event.name for event in lab.events if isinstance(event, StepBegan)
    ]


@pytest.mark.parametrize("opening", [Opening.FLOAT_ON_STAGING, Opening.FLOAT_ON_PRODUCTION])
def test_the_float_is_read_again_before_each_write_to_a_load_balancer(opening: Opening) -> None:
    # Operations shorter than the age at which what is known is read again.
    lab = Lab(Settings(latency="blog", time_scale=0.1))
    lab.swap(options=Options(opening=opening))
    requests = [
        (method, "float" if "vipswap-float-" in path else path.split("/")[-2]) for method, path, _ in lab.wire.sent
    ]
    writes = [number for number, request in enumerate(requests) if request == ("PUT", "loadBalancers")]

    assert len(writes) >= 3
    for earlier, later in zip([0, *writes], writes, strict=False):
        assert ("GET", "float") in requests[earlier:later]
