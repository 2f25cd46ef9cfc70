"""Two load balancers that exist in arithmetic only: swaps of known outages, on a clock that nobody waits for."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from vipswap_rest.arm.errors import VipswapError
from vipswap_rest.measure.experiment.design import VIP, Way
from vipswap_rest.measure.experiment.manifest import Manifest
from vipswap_rest.measure.probe.findings import address_findings
from vipswap_rest.measure.probe.samples import SampleOutcome, Samples
from vipswap_rest.measure.probe.target import Endpoint, parse_target
from vipswap_rest.measure.recording import Probed, Recording, SideName, TimedWrite

INTERVAL_S, TOOK_S = 0.1, 0.002
# Where the control plane's writes begin after the recording does, and how long the probing goes on after them.
BEFORE_S, AFTER_S = 3.5, 3.5

MANIFEST = Manifest(
    strategies=("float", "native"),
    float_on="staging",
    trials=10,
    seed=1,
    interval_s=INTERVAL_S,
    probe_url=None,
    load_balancers=("/lb1", "/lb2"),
    frontends=("/lb1/fe", "/lb2/fe"),
    public_ips=("/ip1", "/ip2"),
    endpoint_host="127.0.0.1",
    emulated=True,
    versions={"vipswap_rest": "0.1.0"},
    platform="test",
    cpu_count=2,
    started_at="2026-10-05T12:00:00.000Z",
)


def manifest(**changes: Any) -> Manifest:
    """A manifest with some fields changed."""
    return replace(MANIFEST, **changes)


@dataclass(frozen=True)
class Swapped:
    """How one swap goes; seconds. `length`: of each write that moves an address. still_down: production never answers
    again. by: what ARM did it by, if by something else. error: raised instead of a recording."""

    length: float = 1.0
    outcome: str = "swapped"
    before_s: float = BEFORE_S
    after_s: float = AFTER_S
    still_down: bool = False
    by: str | None = None
    stays_with: bool = False
    unprobed: tuple[SideName, ...] = ()
    error: VipswapError | None = None
    # Neither address is ever down; the other load balancer answers from one moment on.
    seamless: bool = False
    # When production is down besides, and when its samples come late, seconds after the recording began.
    also_down: tuple[float, float] = (0.0, 0.0)
    late: tuple[float, float] = (0.0, 0.0)


@dataclass
class FakeBench:
    """A Bench whose swaps go as `goes` says, by their number from 1, their strategy and their way."""

    goes: Callable[[int, str, Way], Swapped] = lambda number, strategy, way: Swapped()
    position: Way = Way.THERE
    done: list[tuple[str, Way]] = field(default_factory=list)
    settled: int = 0
    _clock: itertools.count[int] = field(default_factory=lambda: itertools.count(1000, 1000))

    def settle(self) -> dict[str, Way]:
        self.settled += 1
        return {VIP: self.position}

    def swap(self, strategy: str, way: Way) -> Recording:
        assert way is self.position, "the addresses lie otherwise"
        self.done.append((strategy, way))
        how = self.goes(len(self.done), strategy, way)
        if how.error is not None:
            raise how.error
        if how.outcome == "swapped":
            self.position = way.other
        return recording(how, strategy, way, began=float(next(self._clock)))


def recording(how: Swapped, strategy: str, way: Way = Way.THERE, *, began: float = 0.0) -> Recording:
    """What a prober would have recorded of such a swap."""
    operations = _operations(how, strategy, began + how.before_s)
    end = operations[-1].ended + how.after_s
    by_name = {one.name: one for one in operations}
    if strategy == "native":
        spans = dict.fromkeys(("production", "staging"), (by_name["native_swap"].began, by_name["native_swap"].ended))
    else:
        spans = {
            "production": (
                by_name["production_to_staging_address"].began,
                by_name["staging_to_production_address"].ended,
            ),
            "staging": (by_name["staging_to_float"].began, by_name["production_to_staging_address"].ended),
        }
    if how.outcome != "swapped":
        spans = {}
    if how.still_down:
        spans["production"] = (spans["production"][0], float("inf"))
    holders = ("vipswap1lb", "vipswap2lb") if way is Way.THERE else ("vipswap2lb", "vipswap1lb")
    who: Mapping[SideName, tuple[str, str]] = {"production": holders, "staging": (holders[1], holders[0])}
    sides: tuple[SideName, ...] = ("production", "staging")
    if how.seamless:
        spans = {side: (span[0], span[0]) for side, span in spans.items()}
    probed = tuple(
        _probed(side, who[side] if not how.stays_with else (who[side][0],) * 2, spans.get(side), began, end, how)
        for side in sides
        if side not in how.unprobed
    )
    report: dict[str, Any] = {
        "outcome": how.outcome,
        "strategy": how.by or strategy,
        "error": None if how.outcome == "swapped" else {"message": "It was said no.", "hint": "vipswap recover ..."},
    }
    for side in sides:
        span = spans.get(side)
        control = None if span is None or span[1] == float("inf") else round(span[1] - span[0], 3)
        report[side] = {"address": _address(side), "control_plane_outage_s": control}
    return Recording(began, "2026-10-05T12:00:00.000Z", INTERVAL_S, True, probed, operations, report)


def _operations(how: Swapped, strategy: str, at: float) -> tuple[TimedWrite, ...]:
    if strategy == "native":
        names = ["create_float", "native_swap", "delete_float"]
    else:
        names = [
            "create_float",
            "staging_to_float",
            "production_to_staging_address",
            "staging_to_production_address",
            "delete_float",
        ]
    found = []
    for name in names:
        ends = at + (0.2 if name.endswith("float") and "_to_" not in name else how.length)
        found.append(TimedWrite(name, "/lb", at, at, ends, succeeded=how.outcome == "swapped"))
        at = ends
    return tuple(found)


def _probed(
    side: SideName, who: tuple[str, str], span: tuple[float, float] | None, began: float, end: float, how: Swapped
) -> Probed:
    samples = Samples()
    for slot in range(int((end - began) / INTERVAL_S)):
        sent = began + slot * INTERVAL_S + 0.01
        instant = sent + TOOK_S / 2
        production = side == "production"
        if production and how.late[0] <= instant - began < how.late[1]:
            samples.add(sent, sent, SampleOutcome.LATE)
        elif (span and span[0] <= instant < span[1]) or (
            production and how.also_down[0] <= instant - began < how.also_down[1]
        ):
            samples.add(sent, sent + TOOK_S, SampleOutcome.REFUSED)
        else:
            samples.add(sent, sent + TOOK_S, SampleOutcome.OK, who[0] if span is None or instant < span[0] else who[1])
    address = _address(side)
    target = parse_target(f"http://{address}:9000/")
    found = address_findings(
        Endpoint(target, socket.AF_INET, (address, 9000)), samples, interval_s=INTERVAL_S, begin=began, end=end
    )
    return Probed(side, target.url, address, found)


def _address(side: str) -> str:
    return "192.0.2.1" if side == "production" else "192.0.2.2"
