"""A deployment under way: its resources are PUT one after the other, as what they depend on is there.

Each is written as a request of its own through the same handlers as anybody's, so that a deployment makes what its
requests would. What it made stays, whatever becomes of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from ...arm.errors import ArmError
from ...arm.operations import TICKS, Operation
from ...arm.world import World
from ...messages import Json
from .expressions import BadExpression, evaluate
from .template import Template, Wanted

_EPOCH = datetime(1, 1, 1, tzinfo=timezone.utc)
FAILED = (
    "At least one resource deployment operation failed. Please list deployment operations for details. "
    "Please see https://aka.ms/arm-deployment-operations for usage details."
)


@dataclass
class Step:
    """One resource: when it may begin, when it did, its operation, and how it ended. Times in seconds of the clock."""

    wanted: Wanted
    earliest: float
    least_s: float
    id: str
    tracking: str
    begun: float | None = None
    operation: Operation | None = None
    ended: float | None = None
    error: Json | None = None

    @property
    def state(self) -> str:
        """Running, Succeeded or Failed; empty before it has begun."""
        if self.begun is None:
            return ""
        return "Running" if self.ended is None else "Failed" if self.error is not None else "Succeeded"


@dataclass
class Deployment:
    """One deployment by its name; `operation` is what its Azure-AsyncOperation tells of."""

    id: str
    mode: str
    template: Template
    correlation: str
    operation: Operation
    begun: float
    steps: list[Step]
    canceled: float | None = None
    outputs: Json = field(default_factory=dict)

    @property
    def state(self) -> str:
        """Accepted until the first resource has begun, then Running; Succeeded, Failed, Canceled."""
        if not self.operation.running:
            return self.operation.status
        return "Running" if any(step.begun is not None for step in self.steps) else "Accepted"

    def next_change(self, now: float) -> float | None:
        """When a step may begin or end next, in seconds of the clock; None: nothing is left to do."""
        if not self.operation.running:
            return None
        times = [step.earliest for step in self.steps if step.begun is None]
        times += [step.begun + step.least_s for step in self.steps if step.begun is not None and step.ended is None]
        return min((t for t in times if t > now), default=None)

    def advance(self, world: World, now: float) -> bool:
        """Do what is due; returns whether anything was done, so that more may be."""
        if not self.operation.running:
            return False
        done = [self._end(step, now) for step in self.steps if step.state == "Running"]
        if not any(step.state == "Failed" for step in self.steps):
            done += [self._begin(world, step, now) for step in self.steps if step.state == ""]
        failed = [step for step in self.steps if step.state == "Failed"]
        left = [step for step in self.steps if step.state in ("", "Running")]
        if failed and not any(step.state == "Running" for step in left):
            world.operations.fail(self.operation, self._error(failed), max(step.ended or now for step in failed))
            return True
        if not left:
            t = max((step.ended or now for step in self.steps), default=now)
            self._evaluate(world)
            world.operations.complete(self.operation, t)
            return True
        return any(done)

    def _begin(self, world: World, step: Step, now: float) -> bool:
        before = [one for one in self.steps if one.wanted.id in step.wanted.after]
        if any(one.state != "Succeeded" for one in before):
            return False
        t = max([step.earliest, *(one.ended or now for one in before)])
        if t > now:
            return False
        step.begun = t
        try:
            step.operation = world.submit(step.wanted.id, step.wanted.version, step.wanted.body, t)
        except ArmError as error:
            step.ended, step.error = t, error.body["error"]
        return True

    def _end(self, step: Step, now: float) -> bool:
        assert step.begun is not None
        operation, t = step.operation, step.begun + step.least_s
        if operation is not None:
            if operation.running:
                return False
            ended = operation.ended_ticks if operation.ended_ticks is not None else operation.ticks
            t = max(t, operation.begun + (ended - operation.ticks) / TICKS)
            step.error = operation.error
        if t > now:
            step.error = None
            return False
        step.ended = t
        return True

    def _error(self, failed: list[Step]) -> Json:
        """Recorded: the message of a detail may be the provider's whole error as a JSON text."""
        details = [{"code": "BadRequest", "message": json.dumps({"error": step.error})} for step in failed]
        return {"code": "DeploymentFailed", "message": FAILED, "details": details}

    def _evaluate(self, world: World) -> None:
        def reference(text: str) -> Json:
            found = next(one for one in self.steps if text.lower() in (one.wanted.id.lower(), one.wanted.name.lower()))
            told: Json = (world.state.get(found.wanted.id) or {}).get("properties", {})
            return told

        functions = {**self.template.functions, "reference": reference}
        for name, about in (self.template.source.get("outputs") or {}).items():
            kind = str(about.get("type"))
            try:
                value = evaluate(about.get("value"), functions)
            except (BadExpression, StopIteration):
                value = None
            # Recorded: `NewNSG` is shown as `newNSG`.
            self.outputs[name[:1].lower() + name[1:]] = {"type": kind[:1].upper() + kind[1:], "value": value}

    def body(self, now: float) -> Json:
        """The deployment as ARM shows it."""
        ended = self.operation.ended_ticks
        lasted = (ended - self.operation.ticks) / TICKS if ended is not None else max(0.0, now - self.begun)
        shown: Json = {
            **describe(self.id, self.mode, self.template, self.state, self.correlation),
        }
        made = shown["properties"]
        made["timestamp"] = time_of(self.operation.ticks + int(lasted * TICKS))
        made["duration"] = f"PT{lasted:.7f}S"
        if self.state == "Succeeded":
            if self.outputs:
                made["outputs"] = self.outputs
            made["outputResources"] = [{"id": step.wanted.id} for step in self.steps]
        elif self.operation.error is not None and self.state == "Failed":
            made["error"] = self.operation.error
        return shown

    def operations(self, now: float) -> Iterator[Json]:
        """What the deployment does, one entry a resource that has begun, and one for its outputs."""
        for step in self.steps:
            if step.begun is None:
                continue
            error = step.error
            code = "Created" if error is None else "BadRequest"
            state = step.state
            yield self._operation(
                step.id,
                {
                    "provisioningOperation": "Create",
                    "provisioningState": state,
                    "timestamp": time_of(self.operation.ticks + int(((step.ended or now) - self.begun) * TICKS)),
                    "duration": f"PT{(step.ended or now) - step.begun:.7f}S",
                    "trackingId": step.tracking,
                    "statusCode": "OK" if state == "Succeeded" else "Accepted" if state == "Running" else code,
                    **({"statusMessage": {"error": error}} if error is not None else {}),
                    "targetResource": {
                        "id": step.wanted.id,
                        "resourceType": step.wanted.type,
                        "resourceName": step.wanted.name,
                    },
                },
            )
        if self.state == "Succeeded" and self.outputs:
            told = {"provisioningOperation": "EvaluateDeploymentOutput", "provisioningState": "Succeeded"}
            told |= {"timestamp": time_of(self.operation.ended_ticks or 0), "duration": "PT0S"}
            yield self._operation(self.operation.id, {**told, "trackingId": self.correlation, "statusCode": "OK"})

    def _operation(self, id: str, properties: Json) -> Json:
        return {"id": f"{self.id}/operations/{id}", "operationId": id, "properties": properties}


def describe(identity: str, mode: str, template: Template, state: str, correlation: str) -> Json:
    """What ARM shows of a deployment, whether it is to be, under way, or over."""
    types: dict[str, dict[str, str]] = {}
    for one in template.resources:
        namespace, _, kind = one.type.partition("/")
        types.setdefault(namespace, {})[kind] = str(one.body.get("location"))
    return {
        "id": identity,
        "name": identity.rsplit("/", 1)[1],
        "type": "Microsoft.Resources/deployments",
        "properties": {
            "templateHash": template.hash,
            "parameters": template.parameters,
            "mode": mode,
            "provisioningState": state,
            "timestamp": "0001-01-01T00:00:00Z",
            "duration": "PT0S",
            "correlationId": correlation,
            "providers": [
                {
                    "namespace": namespace,
                    "resourceTypes": [{"resourceType": kind, "locations": [place]} for kind, place in kinds.items()],
                }
                for namespace, kinds in types.items()
            ],
            "dependencies": [
                {"dependsOn": [_named(template, id) for id in one.after], **_named(template, one.id)}
                for one in template.resources
                if one.after
            ],
        },
    }


def _named(template: Template, identity: str) -> Json:
    found = next(one for one in template.resources if one.id == identity)
    return {"id": found.id, "resourceType": found.type, "resourceName": found.name}


def time_of(ticks: int) -> str:
    """A time of day as ARM writes it, from 100 ns."""
    return (_EPOCH + timedelta(microseconds=ticks // 10)).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"
