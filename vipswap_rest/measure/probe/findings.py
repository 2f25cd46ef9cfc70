"""What the samples of a run show, for each address. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vipswap_rest.measure.outages import Account, Window, account
from vipswap_rest.measure.probe.held import HeldFindings
from vipswap_rest.measure.probe.samples import SampleOutcome, Samples
from vipswap_rest.measure.probe.target import Endpoint

# Behind a load balancer whose backends name themselves the answerer changes with each sample.
MOST_CHANGES = 1000


@dataclass(frozen=True, slots=True)
class Change:
    """Another backend began to answer: between sending the last sample that `old` answered and the end of the first one
    that `new` did, in monotonic seconds. None: an answer without an identity."""

    old: str | None
    new: str | None
    last_old: float
    first_new: float


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """How long good samples took, seconds."""

    p50: float
    p90: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True)
class AddressFindings:
    """One address.

    counts: samples by outcome. skipped: slots that passed during a stall of ours. doubted: how many of the failed
    samples count as unknown, because our own control endpoint failed at the same time. identities: good samples by who
    answered. changes: the first thousand. trouble: the last prober error, as errno names it. held: the connections that
    were held open, if any were. begin, end, doubtful: what the account was made with, beside the samples.
    """

    endpoint: Endpoint
    account: Account
    counts: Mapping[str, int]
    skipped: int
    doubted: int
    identities: Mapping[str | None, int]
    changes: tuple[Change, ...]
    round_trips: RoundTrips | None
    trouble: str | None
    samples: Samples
    begin: float
    end: float
    doubtful: tuple[Window, ...] = ()
    held: HeldFindings | None = None

    @property
    def ever_answered(self) -> bool:
        """Whether there is one good sample."""
        return bool(self.counts.get("ok"))


def address_findings(
    endpoint: Endpoint,
    samples: Samples,
    *,
    interval_s: float,
    begin: float,
    end: float,
    doubtful: Sequence[Window] = (),
    trouble: str | None = None,
    held: HeldFindings | None = None,
) -> AddressFindings:
    """The findings of one address's samples between `begin` and `end`, monotonic seconds. doubtful: when our own
    control endpoint failed."""
    good, bad, unknown = samples.divided(doubtful)
    doubted = (
        len(samples) - len(good) - len(bad) - sum(samples.outcomes.count(one) for one in SampleOutcome if not one.known)
    )
    identities, changes = answerers(samples)
    return AddressFindings(
        endpoint,
        account(good, bad, interval_s=interval_s, begin=begin, end=end, unknown=unknown),
        samples.counts(),
        samples.skipped,
        doubted,
        identities,
        changes,
        round_trips(array("d", (done - sent for sent, done in zip(good.sent, good.done, strict=True)))),
        trouble,
        samples,
        begin,
        end,
        tuple(doubtful),
        held,
    )


def answerers(samples: Samples) -> tuple[dict[str | None, int], tuple[Change, ...]]:
    """How many good samples each backend answered, and when another one began to; it may flap.

    At some moment of a change's window the answerer changed, whether or not the two samples overlap.
    """
    counts: dict[int, int] = {}
    changes: list[Change] = []
    last: int | None = None
    for at in samples.in_order():
        if samples.outcomes[at] != SampleOutcome.OK:
            continue
        code = samples.codes[at]
        counts[code] = counts.get(code, 0) + 1
        if last is not None and samples.codes[last] != code and len(changes) < MOST_CHANGES:
            ended = max(samples.done[last], samples.done[at])
            old, new = samples.identity(samples.codes[last]), samples.identity(code)
            changes.append(Change(old, new, samples.sent[last], ended))
        last = at
    return {samples.identity(code): count for code, count in counts.items()}, tuple(changes)


def round_trips(durations: Sequence[float]) -> RoundTrips | None:
    """Percentiles by the nearest rank; None of nothing."""
    if not durations:
        return None
    ordered = array("d", sorted(durations))

    def percentile(percent: int) -> float:
        return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]

    return RoundTrips(percentile(50), percentile(90), percentile(99), ordered[-1])
