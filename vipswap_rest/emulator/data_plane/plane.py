"""The data plane: applies what the core says of the addresses to real listeners, and tells when it did."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Mapping

from ..settings import Settings
from .desired import Desired, Event, Outage, Route, Service
from .loopback import Block
from .reactor import Reactor
from .vip import Vip

_NAMED_AT_ONCE = 5


def warn_on_stderr(sentence: str) -> None:
    """Print a warning."""
    print(f"vipswap: warning: {sentence}", file=sys.stderr, flush=True)


class DataPlane:
    """Listeners for every address that the core allocated, in a thread of their own, from `start` to `stop`.

    Nothing listens on an address outside 127.0.0.0/8 (seeded, or IPv6). `follow` must be called
    whenever the core may have changed, by the one thread that the core belongs to.
    """

    def __init__(self, settings: Settings, block: Block, warn: Callable[[str], None] = warn_on_stderr) -> None:
        self.block = block
        self._unattached, self._established = settings.unattached, settings.established
        self._warn = warn
        self._reactor = Reactor()
        self._events: deque[Event] = deque()
        self._sent = Desired()
        # From here on the reactor's own.
        self._desired = Desired()
        self._applied: Mapping[str, Route] = {}
        self._vips: dict[str, Vip] = {}
        self._waiting: list[Outage] = []
        self._ends: dict[Outage, float] = {}
        self._troubles: dict[tuple[str, int], str] = {}
        self._told: set[tuple[str, int]] = set()
        # The pool that answered last, by frontend (in lower case) and port.
        self._answered: dict[tuple[str, int], str] = {}

    def start(self) -> None:
        """Start the thread; nothing listens until the first `follow`."""
        self._reactor.start()

    def stop(self) -> None:
        """Close every listener and connection, and let others have the addresses."""
        try:
            self._reactor.call(self._close)
        finally:
            self._reactor.stop()
            self.block.close()

    def follow(self, desired: Desired) -> list[Event]:
        """Let the listeners be as the core says before this returns; gives what happened since the last call."""
        if desired != self._sent:
            self._sent = desired
            self._reactor.call(lambda: self._follow(desired))
        return [self._events.popleft() for _ in range(len(self._events))]

    def _follow(self, desired: Desired) -> None:
        # What has begun and ended is neither waiting nor running, and must not begin again.
        fresh = [one for one in desired.outages if one not in self._desired.outages]
        self._waiting = [one for one in self._waiting if one in desired.outages] + fresh
        self._ends = {one: end for one, end in self._ends.items() if one in desired.outages}
        self._desired = desired
        self._apply()

    def _apply(self) -> None:
        """Bring every address where it belongs at this moment: first all that go down, then all that come up."""
        now = time.monotonic()
        self._turn_outages(now)
        struck = {one.public_ip.lower(): one.mode for one in self._ends}
        for address in self._desired.routes:
            if address in self._desired.addresses and address not in self._vips:
                self._vips[address] = Vip(address, self._reactor, self._established, self._unattached, self._trouble)
        rising: list[tuple[Vip, Route]] = []
        for address, vip in list(self._vips.items()):
            route = self._desired.routes.get(address)
            if address not in self._desired.addresses:
                self._lower(vip, "refuse", route)
                vip.close()
                del self._vips[address]
            elif route is None:
                self._lower(vip, self._unattached, None)
            elif route.public_ip.lower() in struck:
                self._lower(vip, struck[route.public_ip.lower()], route)
            else:
                if vip.mode == "serve" and vip.route is not None and not _same(vip.route, route):
                    # Another frontend has it from now on: what was open to the old one is no more.
                    self._lower(vip, "refuse", route)
                rising.append((vip, route))
        for vip, route in rising:
            self._raise(vip, route)
        self._applied = self._desired.routes
        self._tell_troubles()
        times = [one.start for one in self._waiting] + list(self._ends.values())
        self._reactor.set_alarm(min(times, default=None), self._apply)

    def _turn_outages(self, now: float) -> None:
        """Begin and end outages. Each lasts its planned time from when it really began, however late that was."""
        self._ends = {one: end for one, end in self._ends.items() if end > now}
        for one in [one for one in self._waiting if one.start <= now]:
            self._waiting.remove(one)
            self._ends[one] = now + one.seconds

    def _lower(self, vip: Vip, mode: str, route: Route | None) -> None:
        """Let the address be down in that mode; `route`: where it would lead, or None."""
        before, was_up = vip.route, vip.up
        if vip.mode == "serve":
            t = vip.go_down(mode)
            if was_up and before is not None:
                self._note(t, "data_plane_down", before)
        if vip.mode != mode or (route is not None and route != before):
            vip.change_down(mode, route or before)

    def _raise(self, vip: Vip, route: Route) -> None:
        """Let the address be up and lead there."""
        if vip.mode == "serve" and vip.route == route:
            return
        was_up, before = vip.up, time.monotonic()
        old = vip.route.ports if vip.route is not None else {}
        answered = {port: vip.answers(port) for port in route.ports if port in old}
        t = vip.go_up(route)
        if vip.up and not was_up:
            self._note(t, "data_plane_up", route)
        elif was_up and not vip.up:
            # None of its ports is to be had, or leads to anybody.
            self._note(before, "data_plane_down", route)
        for port, service in route.ports.items():
            up = vip.answers(port)
            if was_up and vip.up and up is not answered.get(port, up):
                self._note(t if up else before, f"data_plane_{'up' if up else 'down'}", route, port)
            self._tell_members(before, t, route, port, old.get(port), service)
            if up:
                self._tell_change(t, route, port, service)

    def _tell_members(
        self, before: float, t: float, route: Route, port: int, old: Service | None, new: Service
    ) -> None:
        """Instances of one pool that went down or came up, and those that the load balancer took out or back."""
        if old is None or old.pool != new.pool:
            return
        # A pool without instances of its own is its own member, and no instance.
        was, now = ({one.id: one for one in some.members if one.id != some.pool} for some in (old, new))
        for id, member in {**was, **now}.items():
            if id not in now:
                name, moment = "out", t
            elif id not in was:
                name, moment = "in", t
            elif was[id].down is not now[id].down:
                name, moment = ("down", before) if now[id].down else ("up", t)
            else:
                continue
            self._note(moment, f"instance_{name}", route, port, id, member.operation)

    def _tell_change(self, t: float, route: Route, port: int, service: Service) -> None:
        """Another pool answers on a port of the frontend than the last one that did."""
        key = (route.frontend.lower(), port)
        if self._answered.get(key, service.pool).lower() != service.pool.lower():
            self._note(t, "data_plane_changed", route, port, service.pool)
        self._answered[key] = service.pool

    def _note(
        self,
        t: float,
        name: str,
        route: Route,
        port: int | None = None,
        resource: str | None = None,
        operation: str | None = None,
    ) -> None:
        """An event. If the address leads where it led before, an outage made it, and no operation."""
        one, other = self._applied.get(route.address), self._desired.routes.get(route.address)
        changed = one is None or other is None or not _same(one, other) or one.ports != other.ports
        cause = self._desired.causes.get(route.public_ip.lower()) if changed else None
        self._events.append(Event(t, name, route, operation or cause, port, resource))

    def _trouble(self, address: str, port: int, error: OSError) -> None:
        if (address, port) not in self._told:
            self._troubles[address, port] = error.strerror or str(error)

    def _tell_troubles(self) -> None:
        """One warning for all ports that could not be had, and none again for the same port."""
        if not self._troubles:
            return
        named = [f"port {port} of {address} ({reason})" for (address, port), reason in self._troubles.items()]
        more = f", and {len(named) - _NAMED_AT_ONCE} more" if len(named) > _NAMED_AT_ONCE else ""
        self._told |= set(self._troubles)
        self._troubles = {}
        self._warn(
            f"The data plane cannot listen, so that nothing answers, on {', '.join(named[:_NAMED_AT_ONCE])}{more}."
        )

    def _close(self) -> None:
        for vip in self._vips.values():
            vip.close()
        self._vips = {}
        self._reactor.set_alarm(None, self._apply)


def _same(one: Route, other: Route) -> bool:
    """Whether both lead to the same frontend."""
    return one.frontend.lower() == other.frontend.lower()
