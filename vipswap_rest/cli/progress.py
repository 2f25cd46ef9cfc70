"""A run's events as plain lines on stderr, each with the seconds since its beginning."""

from __future__ import annotations

from vipswap_rest.arm.clock import Clock
from vipswap_rest.cli.output import tell
from vipswap_rest.measure.quantities import seconds, stamp
from vipswap_rest.switchover.report import Noted, Notice, StepAccepted, StepBegan, StepEnded


class Progress:
    """Prints each step as it begins and ends, but one that is only tried again as it ends well.

    `began`: the moment that its lines count from, monotonic seconds.
    """

    def __init__(self, clock: Clock, name: str = "", began: float | None = None) -> None:
        """name: what each line begins with, where several runs print theirs."""
        self._clock, self.began = clock, clock.monotonic() if began is None else began
        self._name = f"{name}: " if name else ""
        # The step that was refused last, whether the one that runs is that one again, and whether it was accepted.
        self._refused, self._again, self._accepted = "", False, False

    def __call__(self, event: Notice) -> None:
        """Print one event."""
        if isinstance(event, StepBegan):
            self._again, self._accepted = event.name == self._refused, False
            if not self._again:
                self._line(f"{sentence(event.name)}: {event.resource.name}")
        elif isinstance(event, StepAccepted):
            self._accepted = True
            if self._again:
                self._line(f"{sentence(event.name)}: {event.resource.name}")
            if event.opens_outage:
                self._line("  accepted: downtime begins")
        elif isinstance(event, StepEnded):
            record = event.record
            self._refused = "" if self._accepted else record.name
            if self._again and not self._accepted:
                return
            ended = "done" if record.succeeded else "NOT done"
            polls = f", {record.polls} poll{'' if record.polls == 1 else 's'}" if record.polls else ""
            self._line(f"  {ended} in {seconds(record.seconds)}{polls}")
        elif isinstance(event, Noted):
            self._line(f"{'warning: ' if event.warning else ''}{event.message}")

    def _line(self, text: str) -> None:
        tell(f"{stamp(self._clock.monotonic() - self.began)} {self._name}{text}")


def sentence(name: str) -> str:
    """A step's name in words: production_to_staging_address -> production's load balancer takes staging's address."""
    words = {
        "create_float": "create the float",
        "delete_float": "delete the float",
        "repair_float": "put the float again as it is",
        "native_swap": "exchange both addresses natively",
        "flip": "lead the rules to their new pools",
        "flip_back": "lead the rules back to their old pools",
        "repair": "put it again as it is, to repair it",
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
