"""/emulator/...: the ground truth, outside ARM's paths and without a token."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any, Protocol

from ..arm import extensions, paths
from ..arm.world import World
from ..clock import Clock
from ..messages import Answer, Json, Request, decode, json_answer
from ..types.usages import is_usage
from .faults import BadFault, Faults
from .outages import BadOutage, Outages


class BadBody(ValueError):
    """The body of an /emulator call cannot be used; the message is one sentence."""


class Controlled(Protocol):
    """The emulator as it is controlled: what a reset makes anew, and what stays."""

    clock: Clock
    loopback: str | None
    world: World
    faults: Faults
    outages: Outages
    requests: list[Json]

    def reset(self) -> None:
        """Go back to the start."""


class Admin:
    """state, timeline, requests, faults, outages and reset."""

    def __init__(self, emulator: Controlled) -> None:
        self._emulator = emulator
        self._routes: dict[str, dict[str, Callable[[Request], Any]]] = {
            "state": {"GET": self._state, "PUT": self._seed},
            "timeline": {"GET": self._timeline},
            "requests": {"GET": lambda request: emulator.requests},
            "reset": {"POST": self._reset},
            "faults": {"GET": self._faults, "POST": self._add_faults, "DELETE": self._clear_faults},
            "outages": {"GET": self._outages, "POST": self._add_outages, "DELETE": self._clear_outages},
        }

    def handle(self, request: Request) -> Answer:
        """Answer a call below /emulator/: 404 for an unknown path, 405, or 400 with one sentence."""
        methods = self._routes.get("/".join(request.segments[1:]))
        if methods is None:
            return json_answer(404, {"error": f"The emulator has nothing at {request.path}."})
        handler = methods.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            allowed = ", ".join(methods)
            said = {"error": f"{request.path} takes {allowed}, not {request.method}."}
            return json_answer(405, said, {"Allow": allowed})
        try:
            return json_answer(200, handler(request))
        except (BadBody, BadFault, BadOutage) as error:
            return json_answer(400, {"error": str(error)})

    def _state(self, request: Request) -> Json:
        return {"resources": self._emulator.world.state.all()}

    def _seed(self, request: Request) -> Json:
        """Seed the resources verbatim, ipAddress included: one outside 127.0.0.0/8 has no listener."""
        world = self._emulator.world
        bodies = [_checked(body, index) for index, body in enumerate(_resources(request))]
        for body in bodies:
            world.operations.detach(body["id"])
            path = paths.parse_id(body["id"])
            if path is not None and path.namespace is not None and "etag" not in body:
                body["etag"] = world.identifiers.etag()
            world.state.put(body)
        for body in bodies:
            world.routes.adopt(body["id"])
        return self._state(request)

    def _timeline(self, request: Request) -> Json:
        return {"now": self._emulator.clock.monotonic(), "events": self._emulator.world.timeline.events}

    def _reset(self, request: Request) -> Json:
        self._emulator.reset()
        return {}

    def _faults(self, request: Request) -> Json:
        return {"faults": self._emulator.faults.as_json()}

    def _add_faults(self, request: Request) -> Json:
        self._emulator.faults.add(_json(request))
        return self._faults(request)

    def _clear_faults(self, request: Request) -> Json:
        self._emulator.faults.clear()
        return self._faults(request)

    def _outages(self, request: Request) -> Json:
        return {"outages": self._emulator.outages.as_json()}

    def _add_outages(self, request: Request) -> Json:
        emulator = self._emulator
        given = _json(request)
        if emulator.loopback is None:
            raise BadOutage("This emulator has no data plane, so that nothing can break.")
        emulator.outages.add(given, emulator.world.state, emulator.clock.monotonic())
        return self._outages(request)

    def _clear_outages(self, request: Request) -> Json:
        self._emulator.outages.clear()
        return self._outages(request)


def _json(request: Request) -> Any:
    try:
        return decode(request.body)
    except ValueError as error:
        raise BadBody(f"The body is not JSON: {error}.") from error


def _resources(request: Request) -> list[Any]:
    given = _json(request)
    resources = given.get("resources") if isinstance(given, dict) else None
    if not isinstance(resources, list):
        raise BadBody('The body must be {"resources": [...]}.')
    return resources


def _checked(body: Any, index: int) -> Json:
    if not isinstance(body, dict):
        raise BadBody(f"resources[{index}] is not an object.")
    identity = body.get("id")
    path = paths.parse_id(identity) if isinstance(identity, str) else None
    extra = isinstance(identity, str) and (extensions.parse_id(identity) is not None or is_usage(identity))
    if not extra and (path is None or path.group is None or len(path.types) > 1):
        raise BadBody(
            f"resources[{index}] needs the id of a resource or of a resource group, not {json.dumps(identity)}."
        )
    if not isinstance(body.get("properties", {}), dict):
        raise BadBody(f"resources[{index}] has properties that are not an object.")
    return copy.deepcopy(body)
