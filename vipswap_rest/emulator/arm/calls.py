"""One call to ARM as the resource types' handlers see it, and what they reply; the steps that all writes share."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..messages import Json, Request, decode
from ..settings import Settings
from ..settings.latency import Latency
from . import errors, shapes
from .addresses import POOLS, Addresses
from .errors import ArmError
from .operations import Operation, Operations
from .paths import Path
from .placement import place
from .routes import Routes
from .shapes import without_nulls
from .state import Identifiers, State, provisioning_state
from .timeline import Timeline

_JSON = re.compile(r"(application|text)/([!-.0-~]+\+)?json", re.IGNORECASE)


@dataclass(frozen=True)
class Call:
    """A request with its path taken apart. `now`: seconds of the clock; `ticks`: the time of day in 100 ns."""

    request: Request
    path: Path
    now: float
    ticks: int

    @property
    def api_version(self) -> str:
        """The api-version, whichever it is: all are accepted."""
        return self.request.query.get("api-version", "")

    def content(self) -> Json:
        """The body as a JSON object, without nulls. Raises ArmError 400 if it is none, 415 if it says so itself."""
        media = self.request.headers.get("content-type", "")
        if media and not _JSON.fullmatch(media.partition(";")[0].strip()):
            raise errors.media_type(media)
        try:
            value = decode(self.request.body)
        except ValueError as error:
            raise errors.content_invalid(str(error)) from error
        if not isinstance(value, dict):
            raise errors.content_invalid("The body must be a JSON object")
        value = without_nulls(value)
        assert isinstance(value, dict)
        return value


@dataclass(frozen=True)
class Reply:
    """What a handler replies; core.py makes an Answer of it.

    With an operation go its headers: `status_url` for Azure-AsyncOperation, `result_url` for Location, `pause` for
    Retry-After, which is the poll's own where the call is one (`polled`). `notified`: whether ARM could notify of the
    end, where that is not as `status_url` says. `by_gateway`: no provider was asked.
    """

    status: int
    body: Json | None = None
    operation: Operation | None = None
    status_url: bool = True
    result_url: bool = False
    pause: bool = False
    polled: bool = False
    notified: bool | None = None
    etag: bool = False
    by_gateway: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class World:
    """All that the handlers work on."""

    settings: Settings
    identifiers: Identifiers
    latency: Latency
    state: State
    operations: Operations
    timeline: Timeline
    addresses: Addresses
    routes: Routes

    @classmethod
    def create(cls, settings: Settings, identifiers: Identifiers, loopback: str | None) -> World:
        """An empty world; the identifiers go on from where they were, so that no id is ever used twice.

        loopback: the network of the data plane's addresses, or None.
        """
        state = State(identifiers)
        timeline = Timeline()
        latency = Latency(settings.profile, settings.time_scale, settings.seed)
        routes = Routes(state, settings.data_plane_down, settings.data_plane_up)
        pools = POOLS if loopback is None else {**POOLS, "IPv4": (loopback,)}
        return cls(
            settings=settings,
            identifiers=identifiers,
            latency=latency,
            state=state,
            operations=Operations(identifiers, latency, settings.retry_after == "grows"),
            timeline=timeline,
            addresses=Addresses(state, timeline, settings.release, routes, pools),
            routes=routes,
        )

    def identity(self, path: Path, kind: str) -> str:
        """The id under which a new resource of `kind` is made: ARM's spelling of all but the name."""
        group = self.state.group(path.subscription or "", path.group or "")
        base = group["id"] if group else f"/subscriptions/{path.subscription}/resourceGroups/{path.group}"
        return f"{base}/providers/{kind}/{path.name}"

    def check_location(self, path: Path, given: Json, previous: Json | None) -> None:
        """Refuse a PUT that says no location, or another one than the resource has."""
        wanted = given.get("location")
        if not isinstance(wanted, str) or not wanted:
            raise errors.location_required()
        present = (previous or {}).get("location")
        if isinstance(present, str) and place(present) != place(wanted):
            raise errors.location_changed(path.name, path.group or "", place(present), place(wanted))

    def check_conditions(self, request: Request, previous: Json | None, identity: str) -> None:
        """Refuse what If-Match or If-None-Match forbid.

        Recorded: If-Match is compared without its W/ and quotes. On something that does not exist it fails, as HTTP
        says (RFC 9110, 13.1.1); nobody recorded that.
        """
        match = request.headers.get("if-match")
        if match is not None and not (match.strip() == "*" and previous is not None):
            present = str((previous or {}).get("etag", ""))
            given = [_bare(one) for one in match.split(",")]
            if _bare(present) not in given or previous is None:
                raise errors.etag_mismatch(_bare(match), present, identity)
        if (
            request.headers.get("if-none-match", "").strip() == "*"
            and previous is not None
            and self.settings.if_none_match == "honour"
        ):
            raise errors.resource_exists(identity)

    def check_free(self, identity: str, now: float) -> Operation | None:
        """The operation on the resource that the present call will supersede, or None.

        Raises ArmError: 409 while the resource is being deleted, 429 while a native swap has it. Neither was
        recorded for load balancers; both codes were for others.
        """
        running = self.operations.on(identity)
        if running is None:
            body = self.state.get(identity)
            if body is not None and provisioning_state(body) == "Deleting":
                raise errors.another_operation(self.identifiers.guid())
            return None
        if running.kind.startswith("Delete"):
            raise errors.another_operation(running.id)
        if len(running.resources) > 1:
            raise self.operations.busy(running, identity, now)
        return running

    def start(
        self, call: Call, kind: str, bodies: Sequence[Json], due: float, succeed: Any, *, short: bool = False
    ) -> Operation:
        """Start an operation on the resources with these bodies."""
        operation = self.operations.start(
            kind,
            [body["id"] for body in bodies],
            (call.path.subscription or "", str(bodies[0].get("location") or "westus")),
            due,
            succeed,
            api_version=call.api_version,
            ticks=call.ticks,
            short=short,
        )
        operation.fail = lambda t, own: self._fail(operation, t, own)
        return operation

    def _fail(self, operation: Operation, t: float, own: Sequence[str]) -> None:
        """A fault ends the operation badly: what it wrote stays, or goes back, and is Failed or Canceled.

        A deletion that fails has deleted nothing.
        """
        assert operation.ending is not None
        before = operation.ending.before
        back = before is not None and self.addresses.may_return(operation)
        for identity in own:
            if back and before is not None:
                self.state.remove(identity)
                if identity.lower() in before:
                    self.state.put(before[identity.lower()])
            present = self.state.get(identity)
            if present is not None:
                self.state.settle(present, operation.status)
                self.state.touch(present)
        self.addresses.fail(operation, t, back=back or operation.kind.startswith("Delete"))

    def take_over(self, old: Operation | None, new: Operation, now: float) -> None:
        """Let `new` supersede `old`, if there is one."""
        if old is not None:
            self.operations.supersede(old, new)
            self.addresses.inherit(old, new, now)

    def patch_tags(self, call: Call, body: Json | None) -> Reply:
        """PATCH: replaces the tags, synchronously; recorded without any operation. Raises ArmError 404."""
        if body is None:
            raise self.missing(call.path)
        given = call.content()
        shapes.check(given, shapes.TAGS)
        self.check_conditions(call.request, body, body["id"])
        if provisioning_state(body) == "Deleting":
            self.check_free(body["id"], call.now)
        body["tags"] = given.get("tags", {})
        self.state.touch(body)
        # Recorded since 2021: notified of, though there is no operation (3 of 3).
        return Reply(200, body, notified=True)

    def missing(self, path: Path) -> ArmError:
        """The 404 for a resource that is not there.

        Recorded: the gateway answers for what it never heard of, and for load balancers and addresses that are gone
        (14 of 14); for what else is just gone, or is no child of a parent that exists, it lets the provider answer.
        """
        if self.state.was_deleted(path.id) and not path.is_a("loadBalancers", "publicIPAddresses"):
            return errors.not_found(path.id)
        if len(path.types) > 1:
            top = Path(path.subscription, path.group, path.namespace, path.types[:1], path.names[:1])
            if self.state.get(top.id) is not None:
                return errors.not_found(path.id)
            return errors.resource_not_found(top.type, top.name, path.group or "")
        return errors.resource_not_found(path.type, path.name, path.group or "")


def _bare(etag: str) -> str:
    return etag.strip().removeprefix("W/").strip('"')
