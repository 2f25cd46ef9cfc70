"""Samples in arrays: 20 bytes each, and no objects for the garbage collector."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from enum import IntEnum
from itertools import accumulate

from vipswap_rest.measure.outages import Spans, Window

# Ten minutes of one address at 10 ms are 60,000 samples; this is 2.7 hours of it, in 20 MB.
MOST = 1_000_000
# Who answers is one of a few load balancers; a body that is new each time must not fill the memory.
MOST_IDENTITIES = 200
OTHERS = "(others)"


class SampleOutcome(IntEnum):
    """How a sample ended."""

    OK = 0
    REFUSED = 1
    # Reset, or closed without a whole answer.
    RESET = 2
    TIMEOUT = 3
    UNREACHABLE = 4
    # A status of 400 or above, or no HTTP at all.
    HTTP_ERROR = 5
    WRONG_IDENTITY = 6
    # A failure of this machine (no free port, no free file descriptor, a stall): the address's state is unknown.
    PROBER_ERROR = 7
    # Its turn came more than 50 ms late, and it was not sent: nothing is known.
    LATE = 8

    @property
    def known(self) -> bool:
        """Whether it says anything about the address."""
        return self not in (SampleOutcome.PROBER_ERROR, SampleOutcome.LATE)


class Samples:
    """The samples of one address in the order in which they were done, times in seconds of the monotonic clock."""

    def __init__(self, most: int = MOST) -> None:
        self.sent, self.done = array("d"), array("d")
        self.outcomes, self.codes = array("B"), array("H")
        # identities[code - 1]; code 0 is an answer without an identity.
        self.identities: list[str] = []
        self.skipped = 0
        self._most = most

    def __len__(self) -> int:
        return len(self.done)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Samples):
            return NotImplemented
        return self._parts() == other._parts()

    __hash__ = None  # type: ignore[assignment]

    @property
    def full(self) -> bool:
        """Whether there is no room for more: `add` raises MemoryError then."""
        return len(self) >= self._most

    def add(self, sent: float, done: float, outcome: SampleOutcome, identity: str | None = None) -> None:
        """Keep one sample. identity: who answered, if the answer has it."""
        if self.full:
            raise MemoryError(f"more than {self._most} samples of one address")
        self.sent.append(sent)
        self.done.append(done)
        self.outcomes.append(outcome)
        self.codes.append(self._code(identity))

    def identity(self, code: int) -> str | None:
        """Who a code stands for."""
        return self.identities[code - 1] if code else None

    def good_in_a_row(self, since: float, most: int) -> int:
        """How many samples in a row were good, counted from the last one back to `since` and up to `most`. Another
        thread may add samples meanwhile."""
        count = 0
        # `codes` is what `add` fills last.
        for at in range(len(self.codes) - 1, -1, -1):
            if count == most or self.done[at] <= since:
                break
            outcome = SampleOutcome(self.outcomes[at])
            if self.sent[at] <= since or not outcome.known:
                continue
            if outcome is not SampleOutcome.OK:
                break
            count += 1
        return count

    def counts(self) -> dict[str, int]:
        """How many samples there are of each outcome that occurred, by its name in lower case."""
        found = {outcome.name.lower(): self.outcomes.count(outcome) for outcome in SampleOutcome}
        return {name: count for name, count in found.items() if count}

    def failed(self) -> list[Window]:
        """From sending to end, the samples that were sent and are not good."""
        sent = (
            (at, outcome)
            for at, outcome in enumerate(self.outcomes)
            if outcome not in (SampleOutcome.OK, SampleOutcome.LATE)
        )
        return [Window(self.sent[at], self.done[at]) for at, _ in sent]

    def in_order(self) -> list[int]:
        """The positions of the samples in the order of sending."""
        return sorted(range(len(self)), key=self.sent.__getitem__)

    def divided(self, doubtful: Sequence[Window] = ()) -> tuple[Spans, Spans, array[float]]:
        """The good samples, the bad ones, and when the unknown ones were sent, or due.

        doubtful: when our own control endpoint failed; a bad sample that overlaps it may be our own failure, and is
        unknown. A good sample stays good.
        """
        good, bad, unknown = Spans(), Spans(), array("d")
        doubts = sorted((window.begin, window.end) for window in doubtful)
        ends = list(accumulate((end for _, end in doubts), max))
        for at in self.in_order():
            sent, done, outcome = self.sent[at], self.done[at], SampleOutcome(self.outcomes[at])
            begun = bisect_right(doubts, (done, float("inf")))
            if outcome == SampleOutcome.OK:
                good.add(sent, done)
            elif not outcome.known or (begun and ends[begun - 1] >= sent):
                unknown.append(sent)
            else:
                bad.add(sent, done)
        return good, bad, unknown

    def _parts(self) -> tuple[object, ...]:
        return self.sent, self.done, self.outcomes, self.codes, self.identities, self.skipped

    def _code(self, identity: str | None) -> int:
        if identity is None:
            return 0
        if identity in self.identities:
            return self.identities.index(identity) + 1
        if len(self.identities) < MOST_IDENTITIES:
            self.identities.append(identity if len(self.identities) < MOST_IDENTITIES - 1 else OTHERS)
        return len(self.identities)
