"""One address: its listeners, its connections, and what becomes of both when it goes down."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import time
from collections.abc import Callable, Collection, Mapping
from functools import partial

from .conversation import Conversation
from .desired import Route, Service
from .reactor import Reactor

# The system's own limit (somaxconn) is lower nowhere that matters; a full queue would drop SYNs silently.
_BACKLOG = 4096
_CHUNK = 65536
# Closing with this sends a reset (SO_LINGER with no time to linger).
_RESET = struct.pack("ii", 1, 0)

PortTrouble = Callable[[str, int, OSError], None]


class Vip:
    """The address's state: `route` where it leads, or last led; `mode` one of `serve`, `refuse`, `drop`.

    Each step is taken within one turn of the reactor, so that no request is answered while it is.
    """

    def __init__(self, address: str, reactor: Reactor, established: str, unattached: str, trouble: PortTrouble) -> None:
        """established, unattached: see Settings; trouble: called for each port that cannot be listened on."""
        self.address = address
        self.route: Route | None = None
        self.mode = "refuse"
        self._reactor = reactor
        self._established = established
        self._unattached = unattached
        self._trouble = trouble
        self._listeners: dict[int, socket.socket] = {}
        self._services: Mapping[int, Service] = {}
        self._turns: dict[int, int] = {}
        self._connections: dict[_Connection, None] = {}

    @property
    def up(self) -> bool:
        """Whether anything answers."""
        return any(map(self.answers, self._listeners))

    def answers(self, port: int) -> bool:
        """Whether anything answers on that port."""
        return self.mode == "serve" and port in self._listeners and bool(self._services[port].members)

    def go_down(self, mode: str) -> float:
        """Answer no more; returns the moment before, in seconds of the monotonic clock.

        `refuse`: the listeners are closed, and what waits in their queues is reset. `drop`: they accept and stay
        silent. Connections that are open are reset, or for `drop` and where the setting says so, left hanging.
        """
        t = time.monotonic()
        self.mode = mode
        if mode == "refuse":
            self._listen(())
        for connection in list(self._connections):
            if mode == "refuse" and self._established == "reset" and not connection.silent:
                connection.abort()
            else:
                connection.silent = True
        return t

    def change_down(self, mode: str, route: Route | None) -> None:
        """Be down in another way, or on the ports of another route."""
        self.mode, self.route = mode, route
        self._listen(() if mode == "refuse" or route is None else route.ports)

    def go_up(self, route: Route) -> float:
        """Answer on the route's ports; returns the moment after, in seconds of the monotonic clock.

        A port without anybody to answer is as an address that leads nowhere. Connections to a pool that a port no
        longer leads to are treated as its service says.
        """
        self.mode, self.route, self._services = "serve", route, route.ports
        for connection in list(self._connections):
            connection.turn(route.ports.get(connection.port), self._established)
        empty = self._unattached == "refuse"
        self._listen({port: one for port, one in route.ports.items() if one.members or not empty})
        return time.monotonic()

    def close(self) -> None:
        """Close everything."""
        self._listen(())
        for connection in list(self._connections):
            connection.abort()

    def _listen(self, ports: Collection[int]) -> None:
        """Listen on exactly these ports, as far as they are to be had."""
        for port in [port for port in self._listeners if port not in ports]:
            listener = self._listeners.pop(port)
            self._reactor.forget(listener)
            listener.close()
        for port in ports:
            if port not in self._listeners:
                try:
                    listener = _listener(self.address, port)
                except OSError as error:
                    self._trouble(self.address, port, error)
                    continue
                self._listeners[port] = listener
                self._reactor.watch(listener, partial(self._accept, port, listener))

    def _accept(self, port: int, listener: socket.socket) -> None:
        """Take every connection that waits."""
        while True:
            try:
                accepted, _ = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE) and self._connections:
                    # No more descriptors: the oldest connection makes room for the newest.
                    next(iter(self._connections)).abort()
                    continue
                # Nothing to be had for now; the connection waits in the queue.
                time.sleep(0.01)
                return
            accepted.setblocking(False)
            connection = _Connection(accepted, self._reactor, port, self._connections)
            service = self._services.get(port) if self.mode == "serve" else None
            if service is None or not service.members:
                connection.silent = True
            else:
                turn = self._turns[port] = self._turns.get(port, -1) + 1
                connection.join(service, turn)
                if service.members[turn % len(service.members)].down:
                    if self._unattached == "refuse":
                        connection.abort()
                        continue
                    connection.silent = True
            # The request has often come with the handshake's last packet.
            connection.read()


class _Connection:
    """One client's connection, until it is closed from either side."""

    def __init__(self, sock: socket.socket, reactor: Reactor, port: int, connections: dict[_Connection, None]) -> None:
        self.silent = False
        self.port = port
        self._socket, self._reactor, self._connections = sock, reactor, connections
        self._conversation = Conversation()
        self._pool = self._member = ""
        connections[self] = None
        reactor.watch(sock, self.read)

    def join(self, service: Service, turn: int) -> None:
        """Be answered by one of the service's members from now on, whether it is down or not."""
        member = service.members[turn % len(service.members)]
        self._pool, self._member = service.pool, member.id
        self._conversation.text = member.text

    def turn(self, service: Service | None, established: str) -> None:
        """The port's service is this one now. established: what becomes of a connection whose member is down."""
        if service is None or not self._pool or self._pool.lower() in service.drained:
            return
        if service.pool == self._pool:
            up = [one.id for one in service.members if not one.down]
            # A pool without instances of its own is its own member.
            if self._member in up or self._member == self._pool:
                return
            if established == "reset":
                self.abort()
            else:
                self.silent = True
            return
        if service.established == "reset":
            self.abort()
        elif service.established == "silent":
            self.silent = True
        elif service.established == "follow" and service.members:
            self.join(service, 0)

    def read(self) -> None:
        """Read what there is, and answer it, unless the address is silent."""
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            # Reset by the client.
            self.abort()
            return
        if not data:
            self._close()
            return
        if self.silent:
            return
        answer = self._conversation.feed(data)
        if answer:
            try:
                sent = self._socket.send(answer)
            except OSError:
                sent = -1
            if sent < len(answer):
                # A client that asks and does not read.
                self.abort()
                return
        if self._conversation.closing:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
            self._close()

    def abort(self) -> None:
        """Reset the connection."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._close()

    def _close(self) -> None:
        if self._connections.pop(self, self) is None:
            self._reactor.forget(self._socket)
            self._socket.close()


def _listener(address: str, port: int) -> socket.socket:
    """Listen there. Raises OSError."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Connections that ended a moment ago may still have the port.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        sock.listen(_BACKLOG)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock
