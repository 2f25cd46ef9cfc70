"""What one recorded swap measured, and whether it may count. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vipswap_rest.measure.experiment.stats import Value
from vipswap_rest.measure.probe.samples import SampleOutcome
from vipswap_rest.measure.quantities import Rounding, figure
from vipswap_rest.measure.recording import Probed, Recording, SideName, TimedWrite

# Good samples without a failure among them, of each address, before the swap and after it.
CLEAN_SAMPLES = 30
SIDES: tuple[SideName, ...] = ("production", "staging")
_FLOAT_STEPS = ("create_float", "delete_float", "repair_float")


@dataclass(frozen=True, slots=True)
class Measured:
    """One address in one swap; seconds.

    outages: how many were seen. lower_s, estimate_s, upper_s: all of them together; without one 0, 0 and the longest
    that could have gone unseen; estimate_s and upper_s are None if the address was still down at the end. lag_s: how
    long after Succeeded was read for the write that attached it the address had answered, at the latest (below 0:
    before). takes_effect_s: from sending the write until the new side had answered, at the latest; mixed_s: how long
    both sides answered, at most. None where it does not apply: not probed, no such write, no outage, no new side.
    """

    address: str | None
    outages: int | None
    lower_s: float | None
    estimate_s: float | None
    upper_s: float | None
    control_plane_outage_s: float | None
    lag_s: float | None
    takes_effect_s: float | None = None
    mixed_s: float | None = None

    @property
    def observed(self) -> Value | None:
        """The estimate; "at least" the lower bound where it was still down at the end."""
        if self.lower_s is None:
            return None
        return Value(self.lower_s, open=True) if self.estimate_s is None else Value(self.estimate_s)

    @property
    def upper(self) -> Value | None:
        """The upper bound; "at least" the lower one where there is none."""
        if self.lower_s is None:
            return None
        return Value(self.lower_s, open=True) if self.upper_s is None else Value(self.upper_s)

    def as_json(self) -> dict[str, Any]:
        """All of it, by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Measured:
        """What as_json gave. Raises KeyError for anything else."""
        # What was kept before there were these two has none.
        return cls(**{name: ({"takes_effect_s": None, "mixed_s": None} | dict(told))[name] for name in cls.__slots__})


def measure(recording: Recording) -> dict[SideName, Measured]:
    """What a recording says of each side's address."""
    probed = {one.side: one for one in recording.probed}
    return {side: _measure(recording, side, probed.get(side)) for side in _sides(recording)}


def _sides(recording: Recording) -> tuple[SideName, ...]:
    """The sides that were switched: a flip has one."""
    return tuple(side for side in SIDES if "rules" not in recording.report or recording.report.get(side))


def _measure(recording: Recording, side: SideName, probed: Probed | None) -> Measured:
    report = recording.report.get(side) or {}
    address, control = report.get("address"), report.get("control_plane_outage_s")
    if probed is None:
        return Measured(address, None, None, None, None, control, None)
    account = probed.findings.account
    found = [outage.as_json() for outage in account.outages]
    attached = _attached(recording.operations, side)
    ended = account.outages[-1].before if found else None
    return Measured(
        address,
        len(found),
        lower_s=_total([outage["lower_s"] for outage in found]),
        estimate_s=_total([outage["estimate_s"] for outage in found]),
        upper_s=_total([outage["upper_s"] for outage in found])
        if found
        else figure(account.undetected_upper_s, Rounding.UP),
        control_plane_outage_s=control,
        lag_s=None if attached is None or ended is None else figure(ended - attached, Rounding.UP),
        takes_effect_s=(report.get("takes_effect_s") or {}).get("upper"),
        mixed_s=(report.get("mixed_s") or {}).get("upper"),
    )


def flaw(recording: Recording, strategy: str) -> str | None:
    """Why a recording is not a valid trial of a strategy, in words; None if it is valid.

    An address that is still down at the end is not a flaw: its outage counts as "at least"; without it the longest ones
    would be missing.
    """
    report = recording.report
    if report.get("outcome") != "swapped":
        error = report.get("error") or {}
        return f"it ended {report.get('outcome')}" + (f": {error['message']}" if error.get("message") else "")
    if report.get("strategy") != strategy:
        return f"ARM did it by {report.get('strategy')}, not by {strategy}"
    moves = [one for one in recording.operations if one.name not in _FLOAT_STEPS and one.succeeded]
    if not moves:
        return "no operation that moves an address was recorded"
    sides = {one.side: one for one in recording.probed}
    for side in _sides(recording):
        if side not in sides:
            return f"{side}'s address did not answer beforehand, so it was not probed"
    began, ended = recording.operations[0].began, moves[-1].ended
    for side in _sides(recording):
        found = _unclean(sides[side], began, ended)
        if found:
            return f"{side}'s address {found}"
    return _unsettled(sides, began)


def _unclean(probed: Probed, began: float, ended: float) -> str | None:
    """What is wrong with an address before `began` and after `ended`, monotonic seconds; None if nothing is."""
    account = probed.findings.account
    if any(outage.after is None or outage.first_failed < began for outage in account.outages):
        return "was down before the swap began"
    before, after = _good(probed, until=began), _good(probed, since=ended)
    if len(before) < CLEAN_SAMPLES:
        return f"has {len(before)} clean samples before the swap; {CLEAN_SAMPLES} are needed"
    if account.outages and account.outages[-1].before is None:
        return None
    if len(after) < CLEAN_SAMPLES:
        return f"has {len(after)} clean samples after the swap; {CLEAN_SAMPLES} are needed"
    return None


def _unsettled(sides: Mapping[SideName, Probed], began: float) -> str | None:
    """Whether somebody still answers at the end who answered on that address at first; None if not.

    That can be told only where the two addresses were answered by different ones at first.
    """
    first = {side: _who(probed, _good(probed, until=began)) for side, probed in sides.items()}
    if None in set().union(*first.values()) or (len(first) > 1 and set.intersection(*first.values())):
        return None
    for side, probed in sides.items():
        account = probed.findings.account
        if account.outages and account.outages[-1].before is None:
            continue
        still = _who(probed, _good(probed, since=began)[-CLEAN_SAMPLES:]) & first[side]
        if still:
            return f"{side}'s address was still answered by {', '.join(sorted(map(str, still)))} at the end"
    return None


def _good(probed: Probed, *, since: float = float("-inf"), until: float = float("inf")) -> list[int]:
    """The positions of the last good samples without a failed one among or after them, of those that were sent from
    `since` on and done by `until`; in order of sending. Unknown ones say nothing."""
    samples = probed.findings.samples
    clean: list[int] = []
    for at in reversed(samples.in_order()):
        if samples.sent[at] < since or samples.done[at] > until or not SampleOutcome(samples.outcomes[at]).known:
            continue
        if samples.outcomes[at] != SampleOutcome.OK:
            break
        clean.append(at)
    return clean[::-1]


def _who(probed: Probed, positions: Sequence[int]) -> set[str | None]:
    samples = probed.findings.samples
    return {samples.identity(samples.codes[at]) for at in positions}


def _attached(operations: Sequence[TimedWrite], side: str) -> float | None:
    """When the last write that attached a side's address had succeeded, monotonic seconds."""
    ends = [
        one.ended
        for one in operations
        if one.succeeded and (one.name == "native_swap" or one.name.endswith(f"_to_{side}_address"))
    ]
    return ends[-1] if ends else None


def _total(parts: Sequence[float | None]) -> float | None:
    """The sum of figures in microseconds, exact; None if one of them is unknown."""
    total = 0.0
    for part in parts:
        if part is None:
            return None
        total += part
    return figure(total)
