"""What the picture of one swap shows, as plain spans: no drawing here. Pure.

All times are seconds since the first operation of the swap began (since the recording began, if there is none).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vipswap_rest.measure.outages import Outage, Spans, Window
from vipswap_rest.measure.probe.findings import AddressFindings
from vipswap_rest.measure.probe.samples import SampleOutcome
from vipswap_rest.measure.quantities import none_seen, seconds
from vipswap_rest.measure.recording import Probed, Recording, SideName, TimedWrite

SIDES: tuple[SideName, ...] = ("production", "staging")
# How much is shown of the quiet time on both sides, as a part of the swap.
_MARGIN = 0.08


@dataclass(frozen=True, slots=True)
class Answering:
    """Good samples in a row by one answerer (None: it does not say who), without an outage or a blind spot between."""

    who: str | None
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Down:
    """An outage: it lies within `widest`, and in each of `certain` the address was down. Together these are as long as
    its lower bound; `widest` is as long as its upper one, or reaches to the end of the recording where it is open."""

    outage: Outage
    widest: Window
    certain: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class Lane:
    """One address. `remark` says in words what the lane does not show."""

    side: SideName
    address: str | None
    url: str | None
    answering: tuple[Answering, ...] = ()
    downs: tuple[Down, ...] = ()
    unknown: tuple[Window, ...] = ()
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """One swap, from `begin` to `end`."""

    begin: float
    end: float
    lanes: tuple[Lane, ...]
    operations: tuple[TimedWrite, ...]


def scene(recording: Recording) -> Scene:
    """What there is to draw of a recording."""
    origin = recording.operations[0].began if recording.operations else recording.began
    probed = {one.side: one for one in recording.probed}
    # A flip has one side.
    sides = [side for side in SIDES if side in probed or recording.report.get(side)] or list(SIDES)
    lanes = tuple(_lane(side, recording, probed.get(side), origin) for side in sides)
    operations = tuple(
        TimedWrite(
            one.name,
            one.resource,
            one.began - origin,
            None if one.accepted is None else one.accepted - origin,
            one.ended - origin,
            one.succeeded,
        )
        for one in recording.operations
    )
    recorded = [_shifted(_recorded(one.findings), origin) for one in recording.probed]
    begin, end = _extent(lanes, operations, recorded, recording.interval_s)
    return Scene(begin, end, lanes, operations)


def _extent(
    lanes: Sequence[Lane], operations: Sequence[TimedWrite], recorded: Sequence[Window], interval_s: float
) -> tuple[float, float]:
    """All that happened with a margin; of the quiet time around it no more than that, and no more than was recorded."""
    events = [moment for one in operations for moment in (one.began, one.ended)]
    events += [moment for lane in lanes for down in lane.downs for moment in (down.widest.begin, down.widest.end)]
    if not events:
        events = [moment for window in recorded for moment in (window.begin, window.end)] or [0.0, 1.0]
    first, last = min(events), max(events)
    margin = max(_MARGIN * (last - first), 3 * interval_s)
    begin = max([first - margin, *([min(window.begin for window in recorded)] if recorded else [])])
    end = min([last + margin, *([max(window.end for window in recorded)] if recorded else [])])
    # Nothing that happened is left out, and nothing sticks to the edge.
    return min(begin, first) - margin / 10, max(end, last) + margin / 10


def _lane(side: SideName, recording: Recording, probed: Probed | None, origin: float) -> Lane:
    told = recording.report.get(side)
    control = told.get("control_plane_outage_s") if isinstance(told, dict) else None
    remarks = [] if control is None else [f"control plane: {seconds(control)}"]
    if probed is None:
        address = told.get("address") if isinstance(told, dict) else None
        return Lane(side, address, None, remark="; ".join(["not probed", *remarks]))
    found = probed.findings
    if not found.account.outages:
        remarks.insert(0, none_seen(found.account.undetected_upper_s))
    return Lane(
        side,
        probed.address,
        probed.url,
        tuple(Answering(one.who, one.begin - origin, one.end - origin) for one in answering(found)),
        tuple(_moved(down, origin) for down in downs(found)),
        tuple(_shifted(window, origin) for window in found.account.unknown),
        "; ".join(remarks),
    )


def answering(found: AddressFindings) -> tuple[Answering, ...]:
    """Who answered when, in monotonic seconds: from the end of a run's first good sample to the sending of its last."""
    samples = found.samples
    divides = sorted(
        [outage.first_failed for outage in found.account.outages] + [window.end for window in found.account.unknown]
    )
    runs: list[tuple[int, int]] = []
    for at in samples.in_order():
        if samples.outcomes[at] != SampleOutcome.OK:
            continue
        if runs and samples.codes[runs[-1][0]] == samples.codes[at]:
            first, last = runs[-1]
            if bisect_right(divides, samples.sent[last]) == bisect_right(divides, samples.sent[at]):
                runs[-1] = (first, at)
                continue
        runs.append((at, at))
    return tuple(
        Answering(samples.identity(samples.codes[first]), *sorted((samples.done[first], samples.sent[last])))
        for first, last in runs
    )


def downs(found: AddressFindings) -> tuple[Down, ...]:
    """Each outage with where it may lie and where it certainly lies, in monotonic seconds."""
    _, bad, slots = found.samples.divided(found.doubtful)
    breaks = sorted([*slots, *((window.begin + window.end) / 2 for window in found.account.unknown)])
    recorded = _recorded(found)
    return tuple(
        Down(
            outage,
            Window(
                recorded.begin if outage.after is None else outage.after,
                recorded.end if outage.before is None else outage.before,
            ),
            tuple(_certain(bad, outage, breaks)),
        )
        for outage in found.account.outages
    )


def _certain(bad: Spans, outage: Outage, breaks: Sequence[float]) -> Iterable[Window]:
    """The stretches that its lower bound adds up: between unknown slots, from the first end to the last sending."""
    stretches: dict[int, list[tuple[float, float]]] = {}
    for at in range(bisect_left(bad.sent, outage.first_failed), bisect_right(bad.sent, outage.last_failed)):
        stretches.setdefault(bisect_right(breaks, bad.sent[at]), []).append((bad.sent[at], bad.done[at]))
    for stretch in stretches.values():
        begin, end = min(done for _, done in stretch), max(sent for sent, _ in stretch)
        if begin < end:
            yield Window(begin, end)


def _recorded(found: AddressFindings) -> Window:
    """From when to when the address was probed."""
    return Window(found.begin, max([found.end, *found.samples.done]))


def _shifted(window: Window, origin: float) -> Window:
    return Window(window.begin - origin, window.end - origin)


def _moved(down: Down, origin: float) -> Down:
    return Down(down.outage, _shifted(down.widest, origin), tuple(_shifted(one, origin) for one in down.certain))
