"""A run's events as lines on stderr, each with the seconds since its beginning.

On a terminal each step has its number among those planned and, once one of its kind is over, how long that one took;
what is printed while production's address is off is red.
"""

from __future__ import annotations

from vipswap_rest.arm.clock import Clock
from vipswap_rest.arm.errors import without_ids
from vipswap_rest.arm.ids import ResourceId
from vipswap_rest.cli.colour import on_terminal, painted
from vipswap_rest.cli.output import tell
from vipswap_rest.measure.quantities import seconds, stamp
from vipswap_rest.switchover.report import Noted, Notice, StepAccepted, StepBegan, StepEnded, StepRecord


class Progress:
    """Prints each step as it begins and ends, but one that is only tried again as it ends well.

    `began`: the moment that its lines count from, monotonic seconds.
    """

    def __init__(self, clock: Clock, name: str = "", began: float | None = None, planned: int = 0) -> None:
        """name: what each line begins with, where several runs print theirs. planned: how many steps are foreseen."""
        self._clock, self.began = clock, clock.monotonic() if began is None else began
        self._name, self._timed = f"{name}: " if name else "", on_terminal()
        # The steps that are foreseen, 0 once it goes otherwise; the number of the one that runs.
        self._planned, self._number = planned if self._timed else 0, 0
        # The step that was refused last, whether the one that runs is that one again, and whether it was accepted.
        self._refused, self._again, self._accepted = "", False, False
        # Whether production's address is off; what the write of a kind of resource took last, in seconds.
        self._off, self._took = False, dict[str, float]()

    def __call__(self, event: Notice) -> None:
        """Print one event."""
        if isinstance(event, StepBegan):
            self._again, self._accepted = event.name == self._refused, False
            if not self._again:
                self._number += 1
                self._begin(event.name, event.resource)
        elif isinstance(event, StepAccepted):
            self._accepted = True
            if self._again:
                self._begin(event.name, event.resource)
            if event.opens_outage:
                self._off = True
                self._line("  accepted: downtime begins")
        elif isinstance(event, StepEnded):
            self._end(event.record)
        elif isinstance(event, Noted):
            words, ids = without_ids(event.message)
            self._line(f"{'warning: ' if event.warning else ''}{words}", "yellow" if event.warning else "")
            for one in ids:
                tell(f"  {one}")

    def _begin(self, name: str, resource: ResourceId) -> None:
        number = f"{self._number}/{self._planned} " if 0 < self._number <= self._planned else ""
        took = self._took.get(_kind(name, resource)) if self._timed else None
        before = f" (last: {seconds(took)})" if took is not None else ""
        self._line(f"{number}{sentence(name)}: {resource.name}{before}")

    def _end(self, record: StepRecord) -> None:
        self._refused = "" if self._accepted else record.name
        if self._again and not self._accepted:
            return
        ended = "done" if record.succeeded else "NOT done"
        polls = f", {record.polls} poll{'' if record.polls == 1 else 's'}" if record.polls else ""
        self._line(f"  {ended} in {seconds(record.seconds)}{polls}", "" if record.succeeded else "bold red")
        if record.succeeded:
            self._took[_kind(record.name, record.resource)] = record.seconds
            self._off &= not _attaches_production(record.name)
        else:
            self._planned = 0

    def _line(self, text: str, style: str = "") -> None:
        line = f"{stamp(self._clock.monotonic() - self.began)} {self._name}{text}"
        style = style or ("red" if self._off else "")
        tell(painted(line, style) if style else line)


def _kind(step: str, resource: ResourceId) -> str:
    """What takes about as long as this step: creating and deleting are each a kind, writing by its resource's type."""
    return step if step.startswith(("create_", "delete_")) else resource.type


def _attaches_production(step: str) -> bool:
    return step == "native_swap" or step.endswith("_to_production_address")


def sentence(name: str) -> str:
    """A step's name in words: production_to_staging_address -> production's load balancer takes staging's address."""
    words = {
        "create_float": "create the float",
        "delete_float": "delete the float",
        "repair_float": "put the float again as it is",
        "native_swap": "exchange both addresses natively",
    }
    if name in words:
        return words[name]
    if "_to_" in name:
        side, target = name.split("_to_", 1)
        taken = "the float" if target == "float" else f"{target.removesuffix('_address')}'s address"
        return f"{side}'s load balancer takes {taken}"
    verb, _, side = name.partition("_")
    purpose = "as a trial" if verb == "trial" else "to repair it"
    return f"put {side}'s load balancer again as it is, {purpose}"
