"""The ground truth: what happened to whom, and when, by the emulator's clock."""

from __future__ import annotations

from bisect import insort

from ..messages import Json


class Timeline:
    """Events in the order of their times. `t` is in seconds of the clock's monotonic reading."""

    def __init__(self) -> None:
        self.events: list[Json] = []

    def add(
        self, t: float, event: str, resource: str, public_ip: str | None, frontend: str | None, operation: str | None
    ) -> None:
        """Note `event`; ids are as the resources spell them, `operation` is the operation's own id.

        An operation that is found to be over is noted with its own time, which something on the data plane that
        happened meanwhile may have left behind.
        """
        insort(
            self.events,
            {
                "t": t,
                "event": event,
                "resource": resource,
                "public_ip": public_ip,
                "frontend": frontend,
                "operation": operation,
            },
            key=lambda event: float(event["t"]),
        )
