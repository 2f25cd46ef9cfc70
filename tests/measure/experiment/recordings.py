"""Recordings of swaps that never were, made from a truth: when each address was down, and who answers it."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

from vipswap_rest.measure.probe.findings import address_findings
from vipswap_rest.measure.probe.samples import SampleOutcome, Samples
from vipswap_rest.measure.probe.target import Endpoint, ProbeTarget
from vipswap_rest.measure.recording import Probed, Recording, SideName, TimedWrite

GROUP = "/subscriptions/0/resourceGroups/vipswap/providers/Microsoft.Network"


def probed(
    side: SideName,
    downs: Sequence[tuple[float, float]],
    *,
    names: Sequence[str | None] = ("vipswap1lb", "vipswap2lb"),
    begin: float = 98.0,
    end: float = 112.0,
    interval_s: float = 0.1,
    unknown: Sequence[tuple[float, float]] = (),
) -> Probed:
    """An address that refuses while it is down. Whoever of `names` comes next answers after each outage."""
    samples = Samples()
    for number in range(round((end - begin) / interval_s)):
        sent = begin + number * interval_s
        down = any(first <= sent + 0.0005 < last for first, last in downs)
        who = names[sum(last <= sent for _, last in downs) % len(names)]
        if not any(first <= sent < last for first, last in unknown):
            samples.add(sent, sent + 0.001, SampleOutcome.REFUSED if down else SampleOutcome.OK, None if down else who)
    address = "127.64.0.1" if side == "production" else "127.64.0.2"
    target = ProbeTarget(f"http://{address}:9000/", "http", address, 9000)
    findings = address_findings(
        Endpoint(target, socket.AF_INET, (address, 9000)), samples, interval_s=interval_s, begin=begin, end=end
    )
    return Probed(side, target.url, address, findings)


def operations(*spans: tuple[str, float, float], succeeded: bool = True) -> tuple[TimedWrite, ...]:
    """Writes of a load balancer: name, sent, ended."""
    return tuple(
        TimedWrite(name, f"{GROUP}/loadBalancers/vipswap1lb", began, min(began + 0.05, ended), ended, succeeded)
        for name, began, ended in spans
    )


def recording(*addresses: Probed, writes: Sequence[TimedWrite] = (), emulated: bool = True, **report: Any) -> Recording:
    """One swap that began at 100 s of the monotonic clock."""
    told: dict[str, Any] = {"outcome": "swapped", "strategy": "float"}
    for side in ("production", "staging"):
        told[side] = {"address": "127.64.0.1", "control_plane_outage_s": None}
    interval_s = 0.1
    return Recording(
        99.5, "2026-10-05T12:00:00.000Z", interval_s, emulated, tuple(addresses), tuple(writes), {**told, **report}
    )
