"""The ground truth: what happened to which resource, and when, by the emulator's clock."""

from __future__ import annotations

from bisect import insort

from ..data_plane.desired import Event
from ..messages import Json


class Timeline:
    """Events in the order of their times. `t` is in seconds of the clock's monotonic reading."""

    def __init__(self) -> None:
        self.events: list[Json] = []

    def add(
        self,
        t: float,
        event: str,
        resource: str,
        public_ip: str | None,
        frontend: str | None,
        operation: str | None,
        **more: object,
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
                **more,
            },
            key=lambda event: float(event["t"]),
        )

    def add_observed(self, event: Event) -> None:
        """Note what the data plane did; not that a seeded address answers for the first time, with no operation."""
        route = event.route
        if (
            event.name != "data_plane_up"
            or event.operation is not None
            or any(one["event"] == "data_plane_down" and one["public_ip"] == route.public_ip for one in self.events)
        ):
            more = {} if event.port is None else {"port": event.port}
            resource = event.resource or route.resource
            self.add(event.t, event.name, resource, route.public_ip, route.frontend, event.operation, **more)
