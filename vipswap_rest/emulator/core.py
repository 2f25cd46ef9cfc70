"""The emulator itself: a plain function of a request and the clock. No socket, no thread, no sleep.

Every call first completes the operations that are due by the clock, each at its own time, so that nothing has to run
between calls and tests can play it on a clock of their own.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from functools import partial

from . import environment
from .arm import errors, extensions, gate, paths
from .arm.answers import answer
from .arm.calls import Call, ExtensionCall, Reply
from .arm.effects import Effect
from .arm.errors import ArmError
from .arm.operations import Operation
from .arm.paths import Path
from .arm.resource_types import Links, ResourceType, dispatch
from .arm.state import Identifiers, properties_of
from .arm.throttle import Throttle
from .arm.world import World
from .clock import Clock
from .control.admin import Admin
from .control.faults import Faults
from .control.outages import Outages
from .data_plane.desired import Desired, Event
from .exchange import Exchange
from .identity import metadata
from .identity.managed_identity import ManagedIdentity
from .identity.token_service import TokenService
from .messages import Answer, Json, Request, encode
from .settings import TENANT, Settings
from .types import bodies, catalogue, registry

_EPOCH = datetime(1, 1, 1, tzinfo=timezone.utc)
_LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


class Emulator:
    """ARM with the types this project is about, and whatever else is PUT into it.

    settings: what is unknown about Azure, and how fast it is. clock: the only source of time. loopback: the network
    (CIDR) whose addresses the public IPs get where a data plane listens on them; None: there is none. types: the
    resource types that have rules of their own.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        loopback: str | None = None,
        types: Sequence[ResourceType] = registry.TYPES,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.loopback = loopback
        self.requests: list[Json] = []
        self._types = types
        self._identifiers = Identifiers(settings.seed)
        self._admin = Admin(self)
        self.tokens = TokenService(settings, clock)
        self._identity = ManagedIdentity(self.tokens, clock)
        self.reset()

    def reset(self) -> None:
        """Back to the start: environment, timeline, requests, and the durations still to be drawn."""
        self.requests = []
        self.faults = Faults()
        self.outages = Outages(self.settings.unattached)
        self._expired: set[str] = set()
        self._throttle = Throttle(self.settings.throttle)
        provided = {one.name: one.versions for one in self._types}
        traffic = {one.name.lower(): one.traffic for one in self._types if one.traffic is not None}
        self.world = World(self.settings, self._identifiers, self.loopback, provided, traffic)
        self.world.submit = self._submit
        # Whether the data plane has not reported since: its first report belongs to the world before the reset.
        self._anew = True
        environment.build(self.world, self.settings)

    def settle(self) -> float | None:
        """Complete what is due by the clock; returns when the data plane changes next, in its seconds, or None.

        For a shell that must act on time without a request: the data plane.
        """
        now = self.clock.monotonic()
        self.world.settle(now)
        return self.world.next_change(now)

    def desired(self) -> Desired:
        """What the data plane must be like now."""
        state, routes = self.world.state, self.world.routes
        found = (properties_of(body).get("ipAddress") for body in state.of_type("Microsoft.Network/publicIPAddresses"))
        addresses = frozenset(one for one in found if isinstance(one, str) and _is_loopback(one))
        return Desired(routes.table(self.clock.monotonic()), addresses, self.outages.all(), routes.causes())

    def record(self, events: Sequence[Event]) -> None:
        """Put into the timeline what the data plane did since the last call."""
        for event in events if not self._anew else ():
            self.world.timeline.add_observed(event)
        self._anew = False

    def handle(self, request: Request) -> Answer:
        """Answer one request at once, whatever a fault says about waiting and cutting."""
        return self.open(request).do()

    def open(self, request: Request) -> Exchange:
        """Record a request that has arrived. Never raises, whatever the request holds."""
        now = self.clock.monotonic()
        self.world.settle(now)
        if request.words[0] == "emulator":
            return Exchange(partial(self._admin.handle, request), Effect(), lambda: True)
        for service in (self.tokens, self._identity, metadata):
            if service.serves(request):
                return Exchange(partial(service.handle, request), Effect(), lambda: True)
        entry: Json = {
            "t": now,
            "method": request.method,
            "path": request.path,
            "status": None,
            "authorized": False,
            "user_agent": request.headers.get("user-agent"),
        }
        self.requests.append(entry)
        effect = self.faults.effect_on(request)
        return Exchange(lambda: self._do(request, entry, effect), effect, lambda: self.faults.remain(effect))

    def _do(self, request: Request, entry: Json, effect: Effect) -> Answer:
        now = self.clock.monotonic()
        self.world.settle(now)
        instead = effect.answer()
        if effect.on("expire_token"):
            self._expired.add(_token(request))
        try:
            self._authorize(request)
            entry["authorized"] = True
            self._throttle.check(request, now)
            reply = Reply(instead.status) if instead else self._apply(request, now, effect)
        except ArmError as error:
            headers = _with_local_login(error.headers, request.origin)
            reply = Reply(error.status, error.body, by_gateway=error.gateway, headers=headers)
        shown = bodies.render(reply.body, request.query.get("api-version", "")) if reply.body is not None else None
        left = self._throttle.headers(request, now)
        made = answer(request, reply, shown, self._identifiers, left, self.clock.now())
        if instead:
            made = Answer(instead.status, {**made.headers, **instead.headers}, instead.body)
        entry["status"] = made.status
        return made

    def _apply(self, request: Request, now: float, effect: Effect) -> Reply:
        """Route the request, with what a fault does to the resource's reads and to the operation."""
        world, seconds = self.world, effect.seconds("stale_reads_s")
        path = paths.parse(request.segments) if seconds else None
        if path is not None:
            # An action is no resource: what it works on is what is read stale.
            present = world.state.all() if request.method == "POST" else []
            for id, body in [(path.id, world.state.get(path.id)), *((body["id"], body) for body in present)]:
                world.stale.remember(id, body, now + seconds)
        with world.operations.under_effect(effect, world.state.all()):
            reply = self._route(request, now)
        if effect.on("drop_operation") and reply.operation is not None:
            reply.operation.dropped = True
        return reply

    def _submit(self, identity: str, version: str, body: Json, now: float) -> Operation | None:
        """A PUT of a deployment's: like any other, but for tokens, throttling, and what befalls a connection."""
        request = Request("PUT", f"{identity}?api-version={version}", {}, encode(body))
        effect = self.faults.effect_on(request)
        instead = effect.answer()
        if instead is not None:
            told = (instead.json() or {}).get("error", {})
            raise ArmError(instead.status, str(told.get("code")), str(told.get("message")), told.get("details"))
        with self.world.operations.under_effect(effect, self.world.state.all()):
            return self._route(request, now).operation

    def _authorize(self, request: Request) -> None:
        """There must be a token that no fault has expired; any will do, unless the token service's own are required."""
        if not _token(request):
            raise errors.unauthenticated()
        scheme, _, token = _token(request).partition(" ")
        if scheme.lower() != "bearer" or len(token.split()) != 1:
            raise errors.authorization_malformed()
        if _token(request) in self._expired:
            raise errors.token_expired()
        self.tokens.check(token.strip(), request.origin)

    def _route(self, request: Request, now: float) -> Reply:
        """Check what every call must be like, then the gate, and let the resource type's handler answer."""
        path, world = paths.parse(request.segments), self.world
        tenants = request.words == ("tenants",)
        if path is None and not tenants:
            raise errors.unknown_path(request.path)
        if not request.query.get("api-version"):
            raise errors.api_version_missing()
        path = path or Path()
        catalogue.check_version(world, path, request.query["api-version"])
        call = Call(request, path, now, int((self.clock.now() - _EPOCH).total_seconds() * 10_000_000))
        if path.subscription is None:
            return dispatch(world, call, catalogue.TENANTS if tenants else catalogue.ROUTES[path.shape])
        if not paths.is_subscription(path.subscription):
            raise errors.subscription_malformed(path.subscription)
        if not world.state.has_subscription(path.subscription):
            raise errors.subscription_not_found(path.subscription)
        extension = extensions.parse(request.segments)
        if extension is not None:
            about = ExtensionCall(request, path, now, call.ticks, extension)
            gate.check_extension(world.state, about)
            collection, item = registry.EXTENSIONS[extension.kind]
            return dispatch(world, about, item if extension.name else collection)
        if path.shape in catalogue.ROUTES:
            return dispatch(world, call, catalogue.ROUTES[path.shape])
        return self._route_resource(call)

    def _route_resource(self, call: Call) -> Reply:
        path, world = call.path, self.world
        kind = registry.find(self._types, path)
        gate.check(world.state, call, kind.links(world, call) if kind is not None else Links())
        methods = kind.methods(path) if kind is not None else {}
        if not methods:
            raise errors.unknown_path(call.request.path)
        if path.group is not None and path.namespace is not None:
            if world.state.group(path.subscription or "", path.group) is None:
                raise errors.group_not_found(path.group)
            changes = call.request.method != "GET" and not path.is_list
            if changes and not all(paths.is_name(name) for name in path.names):
                raise errors.name_invalid(path.name)
        return dispatch(world, call, methods)


def _with_local_login(headers: Mapping[str, str], origin: str) -> dict[str, str]:
    """A refusal's headers, whose challenge names the tenant's own login here: some clients learn the tenant from it."""
    return {name: value.replace("https://login.windows.net/", f"{origin}/{TENANT}") for name, value in headers.items()}


def _token(request: Request) -> str:
    return request.headers.get("authorization", "").strip()


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.IPv4Address(address) in _LOOPBACK
    except ValueError:
        return False
