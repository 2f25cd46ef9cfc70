"""The emulator on a socket: aiohttp on 127.0.0.1, a thin shell around the core.

This is the only module that needs the `emulator` extra.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import ssl
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from aiohttp import HttpVersion11, web

from .clock import SystemClock
from .core import Emulator
from .data_plane.loopback import NoLoopback, reserve
from .data_plane.plane import DataPlane, warn_on_stderr
from .environment import GROUP, LOAD_BALANCERS, models, targets
from .exchange import Exchange
from .messages import Request, encode
from .settings import CLIENT_ID, CLIENT_SECRET, SUBSCRIPTION, TENANT, Settings

HOST = "127.0.0.1"
# adal, and with it azurerm, logs in at Microsoft's own hosts only. A client that is led here by a proxy of its own, and
# trusts the authority that is made for the occasion, may find that name.
_LOGIN_HOST = "login.microsoftonline.com"
_LARGEST_BODY = 16 * 2**20
_LAST_PORT = 65535
# How often a request that hangs looks for its client and its fault.
_LOOK_S = 0.01
# A client that does not send HTTP gets a 400, and nothing is logged.
_QUIET = logging.getLogger("vipswap_rest.emulator.server")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


def announcement(
    endpoint: str, settings: Settings, ca_file: str | None = None, models: Sequence[str] = ()
) -> dict[str, Any]:
    """What a client needs to know: the object that `vipswap emulator` prints as its only line.

    ca_file: the certificate that a client must trust, where the endpoint is https. models: the files of the
    environment's two models of a scale set.
    """
    found = {
        "endpoint": endpoint,
        "subscription": SUBSCRIPTION,
        "tenant": TENANT,
        "authority": endpoint,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "ca_file": ca_file,
        "resource_group": GROUP,
        "load_balancers": list(LOAD_BALANCERS) if settings.env != "none" else [],
    }
    there = targets(settings, models)
    return {**found, "targets": there} if there else found


def serve(settings: Settings, port: int, announce: Callable[[dict[str, Any]], None]) -> int:
    """Serve on 127.0.0.1 until SIGTERM or SIGINT; returns the exit code, 0.

    port: 0 for any free one. announce: called once with `announcement(...)` as soon as connections are accepted.
    Raises OSError if the port cannot be had. Must be called from the main thread, which owns the signals.
    """
    return asyncio.run(_serve(settings, port, announce))


async def _serve(settings: Settings, port: int, announce: Callable[[dict[str, Any]], None]) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    core, plane = _build(settings)
    with _secured(settings) as (context, ca_file), _models(settings) as files:
        async with _serving(core, plane, port, context) as endpoint:
            announce(announcement(endpoint, settings, ca_file, files))
            await stop.wait()
    return 0


@contextlib.contextmanager
def _secured(settings: Settings) -> Iterator[tuple[ssl.SSLContext | None, str | None]]:
    """What ARM and the token service are served with, and what a client must trust; nothing for plain HTTP."""
    if not settings.tls:
        yield None, None
        return
    from .identity.tls import certified

    with certified(HOST, "localhost", _LOGIN_HOST) as found:
        yield found


@contextlib.contextmanager
def _models(settings: Settings) -> Iterator[list[str]]:
    """Files with the models that the environment's scale set may be given, as long as the emulator runs."""
    if settings.env != "roads":
        yield []
        return
    with tempfile.TemporaryDirectory(prefix="vipswap-emulator-") as folder:
        files = {Path(folder, f"{name}.json"): encode(model) for name, model in models().items()}
        for file, content in files.items():
            file.write_bytes(content)
        yield [str(file) for file in files]


def _build(settings: Settings) -> tuple[Emulator, DataPlane | None]:
    """The emulator and its data plane; without one, and with a warning, where there are no addresses for it."""
    if settings.data_plane:
        try:
            # Each pair has two addresses, and needs a float.
            block = reserve(settings.vip_pool, 3 * settings.pairs)
        except NoLoopback as error:
            warn_on_stderr(str(error))
        else:
            return Emulator(settings, SystemClock(), block.network), DataPlane(settings, block)
    return Emulator(settings, SystemClock()), None


@contextlib.asynccontextmanager
async def _serving(
    core: Emulator, plane: DataPlane | None, port: int, context: ssl.SSLContext | None
) -> AsyncIterator[str]:
    """Serve ARM, and the public IPs if there is a data plane; yields ARM's endpoint, which is https with a context."""
    if plane is None:
        async with _listening(core, port, context, lambda: None) as endpoint:
            yield endpoint
        return
    loop = asyncio.get_running_loop()
    timer = loop.call_later(0, lambda: None)

    def follow() -> None:
        """Let the data plane be as the core says now, and again when the next operation ends."""
        nonlocal timer
        timer.cancel()
        due = core.settle()
        core.record(plane.follow(core.desired()))
        if due is not None:
            timer = loop.call_later(due - core.clock.monotonic(), follow)

    try:
        plane.start()
        follow()
        async with _listening(core, port, context, follow) as endpoint:
            yield endpoint
    finally:
        timer.cancel()
        plane.stop()


@contextlib.asynccontextmanager
async def _listening(
    core: Emulator, port: int, context: ssl.SSLContext | None, follow: Callable[[], None]
) -> AsyncIterator[str]:
    """Accept connections; yields the endpoint. On leaving, open connections get a quarter of a second.

    follow: called before and after each request is done, so that no answer tells what the data plane has yet to do.
    """

    scheme = "https" if context else "http"

    async def handle(incoming: web.BaseRequest) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in incoming.headers.items()}
        if headers.get("expect", "").lower() == "100-continue" and incoming.version == HttpVersion11:
            # Some clients send no body before they have read this.
            await incoming.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            incoming.writer.output_size = 0
        body = await incoming.read()
        exchange = core.open(Request(incoming.method, incoming.raw_path, headers, body, scheme))
        held = await _hold(incoming, exchange, exchange.before_s)
        if exchange.reset or not (held or exchange.zombie):
            return _cut(incoming)
        follow()
        answer = exchange.do()
        follow()
        distance = 0.0 if incoming.path.startswith("/emulator/") else core.settings.rtt
        await _hold(incoming, exchange, exchange.after_s + distance)
        if exchange.lost or incoming.transport is None:
            return _cut(incoming)
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    def read(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
        loop = asyncio.get_running_loop()
        return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=_LARGEST_BODY)

    if not 0 <= port <= _LAST_PORT:
        raise OSError(f"a port is from 0 to {_LAST_PORT}")
    # A client may keep its connection through a whole Retry-After and more. A compressed body is none of ARM's: it is
    # no JSON.
    server = web.Server(
        handle, request_factory=read, logger=_QUIET, access_log=None, keepalive_timeout=600, auto_decompress=False
    )
    runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=0.25)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, port, ssl_context=context)
        await site.start()
        yield f"{scheme}://{HOST}:{runner.addresses[0][1]}"
    finally:
        open_ones = [connection.transport for connection in server.connections]
        await runner.cleanup()
        # What is closed over TLS waits for its client to say good-bye too, for half a minute.
        for transport in open_ones:
            if transport is not None:
                transport.abort()
        await asyncio.sleep(0)


async def _hold(incoming: web.BaseRequest, exchange: Exchange, seconds: float) -> bool:
    """Wait; False if the client left meanwhile, or the fault was deleted."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while (left := until - loop.time()) > 0:
        if incoming.transport is None or incoming.transport.is_closing() or not exchange.stands():
            return False
        await asyncio.sleep(min(left, _LOOK_S))
    return True


def _cut(incoming: web.BaseRequest) -> web.StreamResponse:
    """Break the connection off; what is returned goes nowhere."""
    if incoming.transport is not None:
        incoming.transport.abort()
    return web.Response()


class EmulatorServer:
    """The emulator on a port of its own, in a background thread, for the length of a `with` block.

    `endpoint` is its URL, `ca_file` what a client must trust if that is https, `core` the Emulator behind it (look, but
    leave its state to the server's thread while requests are under way). Raises OSError on entering if the port cannot
    be had.
    """

    def __init__(self, settings: Settings | None = None, port: int = 0) -> None:
        self.settings = settings or Settings()
        self.core, self._plane = _build(self.settings)
        self.endpoint = ""
        self.ca_file: str | None = None
        self.models: list[str] = []
        self._port = port
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="vipswap-emulator", daemon=True)

    @property
    def announcement(self) -> dict[str, Any]:
        """What `vipswap emulator` would print."""
        return announcement(self.endpoint, self.settings, self.ca_file, self.models)

    def __enter__(self) -> EmulatorServer:
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            self._thread.join()
            raise self._error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits in __enter__
            self._error = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        with _secured(self.settings) as (context, self.ca_file), _models(self.settings) as self.models:
            async with _serving(self.core, self._plane, self._port, context) as endpoint:
                self.endpoint = endpoint
                self._ready.set()
                await self._stop.wait()
