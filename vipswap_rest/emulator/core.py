"""The emulator itself: a plain function of a request and the clock. No socket, no thread, no sleep.

Every call first completes the operations that are due by the clock, each at its own time, so that nothing has to run
between calls and tests can play it on a clock of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from email.utils import format_datetime

from . import environment
from .arm import errors, extensions, paths
from .arm.calls import Call, Reply, World
from .arm.errors import ArmError
from .arm.extensions import Extension
from .arm.gate import Gate
from .arm.operations import Operation
from .arm.paths import Path
from .arm.stale import StaleReads
from .arm.state import Identifiers
from .arm.throttle import Throttle
from .clock import Clock
from .control.admin import Admin
from .control.faults import Effect, Faults
from .control.outages import Outages
from .exchange import Exchange
from .identity import metadata
from .identity.managed_identity import ManagedIdentity
from .identity.token_service import TokenService
from .messages import Answer, Json, Request, encode
from .settings import SUBSCRIPTION, TENANT, Settings
from .settings.latency import header
from .types import bodies
from .types.catalogue import Catalogue
from .types.load_balancers.children import LoadBalancerChildren
from .types.load_balancers.health import RuleHealth
from .types.load_balancers.native_swap import NativeSwap
from .types.load_balancers.resource import LoadBalancers
from .types.locks import Locks
from .types.permissions import Permissions
from .types.public_ips import PublicIps
from .types.stored import Groups, Stored
from .types.usages import Usages
from .types.virtual_networks import VirtualNetworks, find_child, find_children

Handler = Callable[[Call], Reply]

_ID = re.compile(r"[!-~]{1,128}")
_JSON = "application/json; charset=utf-8"
_EPOCH = datetime(1, 1, 1, tzinfo=timezone.utc)


class Emulator:
    """ARM with the types this project is about, and whatever else is PUT into it.

    settings: what nobody knows about Azure, and how fast it is. clock: the only source of time. loopback: the network
    (CIDR) whose addresses the public IPs get where a data plane listens on them; None: there is none.
    """

    def __init__(self, settings: Settings, clock: Clock, loopback: str | None = None) -> None:
        self.settings = settings
        self.clock = clock
        self.loopback = loopback
        self.requests: list[Json] = []
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
        self._stale = StaleReads()
        self._expired: set[str] = set()
        self._throttle = Throttle(self.settings.throttle)
        self.world = World.create(self.settings, self._identifiers, self.loopback)
        environment.build(self.world, self.settings)
        balancers = LoadBalancers(self.world)
        self._balancer_children = LoadBalancerChildren(self.world, balancers)
        self._types: dict[str, LoadBalancers | PublicIps | VirtualNetworks] = {
            "loadbalancers": balancers,
            "publicipaddresses": PublicIps(self.world),
            "virtualnetworks": VirtualNetworks(self.world),
        }
        self._stored = Stored(self.world)
        self._groups = Groups(self.world)
        self._catalogue = Catalogue(self.world)
        self._native = NativeSwap(self.world)
        self._health = RuleHealth(self.world)
        self._usages = Usages(self.world)
        self._locks = Locks(self.world)
        self._permissions = Permissions(self.world)
        self._gate = Gate(self.world, self._locks, self._permissions)

    def settle(self) -> float | None:
        """Complete what is due by the clock; returns when the next operation is, in its seconds, or None.

        For a shell that has to act on time although nobody calls: the data plane.
        """
        self.world.operations.settle(self.clock.monotonic())
        return self.world.operations.next_due()

    def handle(self, request: Request) -> Answer:
        """Answer one request at once, whatever a fault says about waiting and cutting."""
        return self.open(request).do()

    def open(self, request: Request) -> Exchange:
        """Take note of a request that has arrived. Never raises for anything that came in from outside."""
        now = self.clock.monotonic()
        self.world.operations.settle(now)
        if request.segments[0].lower() == "emulator":
            return Exchange(lambda: self._admin.handle(request), Effect(), lambda: True)
        if self.tokens.serves(request):
            return Exchange(lambda: self.tokens.handle(request), Effect(), lambda: True)
        if self._identity.serves(request):
            return Exchange(lambda: self._identity.handle(request), Effect(), lambda: True)
        if metadata.serves(request):
            return Exchange(lambda: metadata.handle(request), Effect(), lambda: True)
        entry: Json = {
            "t": now,
            "method": request.method,
            "path": request.path,
            "status": None,
            "authorized": False,
            "user_agent": request.headers.get("user-agent"),
        }
        self.requests.append(entry)
        effect = self.faults.strike(request)
        return Exchange(lambda: self._do(request, entry, effect), effect, lambda: self.faults.stand(effect))

    def _do(self, request: Request, entry: Json, effect: Effect) -> Answer:
        now = self.clock.monotonic()
        self.world.operations.settle(now)
        instead = effect.answer()
        if effect.on("expire_token"):
            self._expired.add(_token(request))
        try:
            self._authorize(request)
            entry["authorized"] = True
            self._throttle.check(request, now)
            reply = Reply(instead.status) if instead else self._strike(request, now, effect)
        except ArmError as error:
            headers = _home(error.headers, request.origin)
            reply = Reply(error.status, error.body, by_gateway=error.gateway, headers=headers)
        answer = self._answer(request, reply)
        if instead:
            answer = Answer(instead.status, {**answer.headers, **instead.headers}, instead.body)
        entry["status"] = answer.status
        return answer

    def _strike(self, request: Request, now: float, effect: Effect) -> Reply:
        """Route the request, with what a fault does to the resource's reads and to the operation."""
        seconds = effect.seconds("stale_reads_s")
        path = paths.parse(request.segments) if seconds else None
        if path is not None:
            # An action is no resource: what it works on is what is read stale.
            bodies = self.world.state.all() if request.method == "POST" else []
            for id, body in [(path.id, self.world.state.get(path.id)), *((body["id"], body) for body in bodies)]:
                self._stale.remember(id, body, now + seconds)
        with self.world.operations.struck(effect, self.world.state.all()):
            reply = self._route(request, now)
        if effect.on("drop_operation") and reply.operation is not None:
            reply.operation.dropped = True
        return reply

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
        path = paths.parse(request.segments)
        tenants = [segment.lower() for segment in request.segments] == ["tenants"]
        if path is None and not tenants:
            raise errors.unknown_path(request.path)
        if not request.query.get("api-version"):
            raise errors.api_version_missing()
        path = path or paths.Path()
        self._catalogue.check_version(path, request.query["api-version"])
        call = Call(request, path, now, int((self.clock.now() - _EPOCH).total_seconds() * 10_000_000))
        if path.subscription is None:
            return self._only_get(call, self._catalogue.tenants if tenants else self._list_subscriptions)
        if not paths.is_subscription(path.subscription):
            raise errors.subscription_malformed(path.subscription)
        if not self.world.state.has_subscription(path.subscription):
            raise errors.subscription_not_found(path.subscription)
        extension = extensions.parse(request.segments)
        if extension is not None:
            return self._route_extension(call, extension)
        described = self._catalogue.find(path)
        if described is not None:
            return _dispatch(call, described)
        self._gate.check(call)
        if path.group is None:
            return self._route_subscription(call)
        if path.namespace is None:
            return self._route_group(call)
        if self.world.state.group(path.subscription, path.group) is None:
            raise errors.group_not_found(path.group)
        if path.is_a("loadBalancers/loadBalancingRules/health") and path.is_list:
            return _dispatch(call, {"POST": self._health.post})
        if path.is_list:
            return self._only_get(call, self._list)
        return self._route_resource(call)

    def _only_get(self, call: Call, handler: Handler) -> Reply:
        return _dispatch(call, {"GET": handler})

    def _route_subscription(self, call: Call) -> Reply:
        path = call.path
        if path.namespace is None:
            return self._only_get(call, self._list_groups if path.types else self._get_subscription)
        if path.is_a("locations/operations", "locations/operationResults") and not path.is_list:
            return self._only_get(call, self._poll)
        if path.is_a("locations/setLoadBalancerFrontendPublicIpAddresses") and len(path.names) == 1:
            return _dispatch(call, {"POST": self._native.post})
        if path.is_a("locations/usages") and len(path.names) == 1:
            return self._only_get(call, self._usages.list)
        if path.is_list and len(path.types) == 1:
            return self._only_get(call, self._list)
        raise errors.unknown_path(call.request.path)

    def _route_extension(self, call: Call, extension: Extension) -> Reply:
        self._gate.check_extension(call, extension)
        locks = self._locks
        if extension.kind == "permissions":
            return self._only_get(call, lambda call: self._permissions.list(extension))
        if extension.name is None:
            return self._only_get(call, lambda call: locks.list(extension))
        handlers: dict[str, Handler] = {
            "GET": lambda call: locks.get(extension),
            "PUT": lambda call: locks.put(call, extension),
            "DELETE": lambda call: locks.delete(extension),
        }
        return _dispatch(call, handlers)

    def _route_group(self, call: Call) -> Reply:
        if call.request.method == "PUT" and not paths.is_group(call.path.group or ""):
            raise errors.name_invalid(call.path.group or "")
        groups = self._groups
        read: dict[str, Handler] = {"GET": groups.get, "HEAD": groups.get}
        return _dispatch(call, {**read, "PUT": groups.put, "PATCH": groups.patch, "DELETE": groups.delete})

    def _route_resource(self, call: Call) -> Reply:
        path = call.path
        if call.request.method != "GET" and not all(paths.is_name(name) for name in path.names):
            raise errors.name_invalid(path.name)
        network = (path.namespace or "").lower() == "microsoft.network"
        known = self._types.get(path.types[0].lower()) if network else None
        if len(path.types) == 1:
            handlers = known or self._stored
            return _dispatch(
                call,
                {"GET": self._get, "PUT": handlers.put, "PATCH": handlers.patch, "DELETE": handlers.delete},
            )
        children = self._balancer_children
        if isinstance(known, LoadBalancers) and children.serves(path):
            return _dispatch(call, {"GET": self._get_child, "PUT": children.put, "DELETE": children.delete})
        if isinstance(known, VirtualNetworks) and path.is_a("virtualNetworks/subnets"):
            return _dispatch(call, {"GET": self._get_child, "PUT": known.put_subnet})
        if known is not None:
            # Frontends, rules and probes have no PUT of their own: they change with the whole load balancer.
            return self._only_get(call, self._get_child)
        stored = self._stored
        return _dispatch(
            call, {"GET": self._get_child, "PUT": stored.put, "PATCH": stored.patch, "DELETE": stored.delete}
        )

    def _get(self, call: Call) -> Reply:
        body = self._stale.read(call.path.id, self.world.state.get(call.path.id), call.now)
        if body is None:
            raise self.world.missing(call.path)
        return Reply(200, body, etag=True)

    def _get_child(self, call: Call) -> Reply:
        body = self.world.state.get(call.path.id) or find_child(self.world, call.path)
        if body is None:
            raise self.world.missing(call.path)
        return Reply(200, body, etag=True)

    def _list(self, call: Call) -> Reply:
        path, state = call.path, self.world.state
        if len(path.types) > 1:
            parent = path.parent()
            if state.get(parent.id) is None and find_child(self.world, parent) is None:
                raise self.world.missing(parent)
            children = find_children(self.world, path) or []
            stored = [body for body in state.of_type(path.type) if body["id"].lower().startswith(path.key + "/")]
            return Reply(200, {"value": children + stored})
        scope = Path(path.subscription, path.group).key
        found = [body for body in state.of_type(path.type) if body["id"].lower().startswith(scope + "/")]
        if path.group is not None:
            found = self._stale.listed(found, path.key, call.now)
        return Reply(200, {"value": found})

    def _list_groups(self, call: Call) -> Reply:
        return Reply(200, {"value": self.world.state.groups(call.path.subscription or "")}, by_gateway=True)

    def _list_subscriptions(self, call: Call) -> Reply:
        # Resources of other subscriptions are served too: an address may lie in one. The login's own is this one.
        found = [_subscription(SUBSCRIPTION)]
        count = {"type": "Total", "value": len(found)}
        return Reply(200, {"value": found, "count": count}, by_gateway=True)

    def _get_subscription(self, call: Call) -> Reply:
        return Reply(200, _subscription(call.path.subscription or ""), by_gateway=True)

    def _poll(self, call: Call) -> Reply:
        """An operation's status, always 200, or its result: 202 while it runs, then 204, as recorded, or a body."""
        query = call.request.target.partition("?")[2]
        operation = self.world.operations.find(call.path.name, query)
        if call.path.is_a("locations/operationResults"):
            return self._result(operation)
        body = operation.body()
        return Reply(200, body, operation, status_url=False, pause=operation.running, polled=True)

    def _result(self, operation: Operation) -> Reply:
        running = operation.running
        if operation.by_gateway:
            told = operation if running else None
            return Reply(
                202 if running else 200,
                None,
                told,
                status_url=False,
                result_url=True,
                pause=running,
                polled=True,
                by_gateway=True,
            )
        result = None if running else operation.result
        status = 202 if running else 204 if result is None else 200
        return Reply(status, result, operation, result_url=True, pause=running, polled=True, notified=True)

    def _answer(self, request: Request, reply: Reply) -> Answer:
        body = b""
        headers = self._headers(request, reply)
        if reply.body is not None and reply.status != 204:
            shown = bodies.render(reply.body, request.query.get("api-version", ""))
            headers["Content-Type"] = _JSON
            body = encode(shown)
            if reply.etag and isinstance(reply.body.get("etag"), str):
                headers["ETag"] = reply.body["etag"]
        return Answer(reply.status, headers, body)

    def _headers(self, request: Request, reply: Reply) -> dict[str, str]:
        request_id = self._identifiers.guid()
        correlation = request.headers.get("x-ms-correlation-request-id", "")
        headers = {
            "Cache-Control": "no-cache",
            "x-ms-request-id": request_id,
            "x-ms-correlation-request-id": correlation if _ID.fullmatch(correlation) else request_id,
            "Date": format_datetime(self.clock.now().astimezone(timezone.utc), usegmt=True),
        }
        if reply.by_gateway and reply.status >= 400:
            headers["x-ms-failure-cause"] = "gateway"
        else:
            headers.update(self._throttle.headers(request, self.clock.monotonic()))
        if reply.status == 204 and reply.operation is not None:
            # Recorded: the result of a deletion says what the body that it does not have is made of.
            headers["Content-Type"] = _JSON
        if not reply.by_gateway:
            headers["x-ms-arm-service-request-id"] = self._identifiers.guid()
        if reply.notified or (reply.notified is None and reply.status_url and reply.operation is not None):
            headers["Azure-AsyncNotification"] = "Enabled"
        if reply.operation is not None:
            headers.update(_operation_headers(request.origin, reply, reply.operation))
        headers.update(reply.headers)
        return headers


def _home(headers: Mapping[str, str], origin: str) -> dict[str, str]:
    """A refusal's headers, whose challenge names the tenant's own login here: some clients learn the tenant from it."""
    return {name: value.replace("https://login.windows.net/", f"{origin}/{TENANT}") for name, value in headers.items()}


def _token(request: Request) -> str:
    return request.headers.get("authorization", "").strip()


def _operation_headers(origin: str, reply: Reply, operation: Operation) -> dict[str, str]:
    headers: dict[str, str] = {}
    if reply.status_url:
        headers["Azure-AsyncOperation"] = origin + operation.path
    if reply.result_url:
        headers["Location"] = origin + operation.result_path
        # Recorded: the result comes under the request id of the call that started the operation.
        headers["x-ms-arm-service-request-id"] = operation.request_id
    pause = operation.next_pause() if reply.polled else operation.retry_after
    if reply.pause and pause is not None:
        headers["Retry-After"] = header(pause)
    if operation.superseded_by is not None and not reply.status_url:
        headers["Canceled-By-Azure-AsyncOperation"] = origin + operation.superseded_by.path
    return headers


def _dispatch(call: Call, handlers: dict[str, Handler]) -> Reply:
    handler = handlers.get(call.request.method)
    if handler is None:
        raise errors.method_not_allowed(call.request.method, list(handlers))
    return handler(call)


def _subscription(identity: str) -> Json:
    return {
        "id": f"/subscriptions/{identity}",
        "subscriptionId": identity,
        "tenantId": TENANT,
        "displayName": "vipswap emulator",
        "state": "Enabled",
        "authorizationSource": "RoleBased",
        "subscriptionPolicies": {"spendingLimit": "Off", "locationPlacementId": "Public_2014-09-01"},
    }
