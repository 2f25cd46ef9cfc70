"""Creating, showing and deleting the test environment: what is looked at first, what is done, and how it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from vipswap_rest.arm import resources
from vipswap_rest.arm.client import ArmClient, Started
from vipswap_rest.arm.error_body import error_of
from vipswap_rest.arm.errors import (
    ArmError,
    Interrupted,
    NotFound,
    OperationError,
    Refused,
    RunFailed,
    UsageError,
    VipswapError,
)
from vipswap_rest.arm.ids import covers
from vipswap_rest.arm.words import region_key
from vipswap_rest.testenv.template import TAG, Json, Wanted, template

DEPLOYMENT = "vipswap-testenv"
# A gateway alone may take twenty minutes; a group with scale sets took at most 21 to go, as recorded.
_LONGEST_S = 3600.0


@dataclass(frozen=True, slots=True)
class Group:
    """The resource group as it was found: its id, and its body or None."""

    scope: str
    body: Json | None

    @property
    def is_ours(self) -> bool:
        """Whether it carries our tag."""
        return self.body is not None and TAG in (self.body.get("tags") or {})

    @property
    def name(self) -> str:
        """Its name."""
        return self.scope.rsplit("/", 1)[1]


def look(client: ArmClient, scope: str) -> Group:
    """The resource group (its id), whether it is there or not."""
    try:
        return Group(scope, resources.get_resource_group(client, scope))
    except NotFound:
        return Group(scope, None)


def check_creatable(group: Group, location: str | None) -> str:
    """The location to create in. Raises Refused for a group that is not ours, UsageError where no location is said."""
    if group.body is not None and not group.is_ours:
        raise Refused(
            "GroupNotOurs",
            f"The resource group {group.name} exists without the tag {TAG}; nothing is made in it.",
            hint="Name a resource group that does not exist yet.",
        )
    present = str(group.body["location"]) if group.body is not None else None
    if location is None and present is None:
        raise UsageError(f"The resource group {group.name} does not exist: where to make it?", hint="Add --location.")
    if location is not None and present is not None and region_key(location) != region_key(present):
        raise UsageError(
            f"The resource group {group.name} is in {present}, not in {location}.", hint="Omit --location."
        )
    return present or str(location)


@dataclass(frozen=True, slots=True)
class Console:
    """Where progress goes, a line each, and what takes note of a signal, so that requests may be sent after it."""

    tell: Callable[[str], None]
    acknowledge: Callable[[], object]


def create(client: ArmClient, group: Group, wanted: Wanted, values: Json, console: Console) -> None:
    """Make the environment, and wait until it is there. values: the template's parameters.

    Raises Refused where ARM refuses the template (a group made for it is deleted again), RunFailed where the deployment
    fails, Interrupted.
    """
    tell = console.tell
    told: dict[str, str] = {}
    try:
        started = _begin(client, group, wanted, values, tell)
        client.wait(
            started,
            deadline=client.clock.monotonic() + _LONGEST_S,
            while_pending=lambda: _tell_progress(client, group.scope, told, tell),
        )
        _tell_progress(client, group.scope, told, tell)
    except Interrupted as error:
        console.acknowledge()
        raise _interrupted(client, group, error) from error
    except OperationError as error:
        _tell_progress(client, group.scope, told, tell)
        raise _failed(client, group, error) from error


def _begin(client: ArmClient, group: Group, wanted: Wanted, values: Json, tell: Callable[[str], None]) -> Started:
    """Make the group where there is none, let ARM check the template, and begin its deployment."""
    properties = {"mode": "Incremental", "template": template(wanted), "parameters": values}
    if group.body is None:
        location = str(values["location"]["value"])
        resources.put_resource_group(client, group.scope, location, {TAG: "1"})
        tell(f"Resource group {group.name}: created in {location}.")
    try:
        resources.validate_deployment(client, group.scope, DEPLOYMENT, properties)
        return resources.put_deployment(client, group.scope, DEPLOYMENT, properties)
    except ArmError as error:
        if group.body is None:
            _take_back(client, group, tell)
        code, message = innermost(error)
        raise Refused(code, f"ARM refuses the template: {message}", hint=error.hint) from error


def _take_back(client: ArmClient, group: Group, tell: Callable[[str], None]) -> None:
    """Delete the group that was made a moment ago, in which nothing is."""
    try:
        resources.delete_resource_group(client, group.scope)
    except VipswapError as error:
        tell(f"The empty resource group {group.name} could not be deleted again: {error}")


def _interrupted(client: ArmClient, group: Group, error: Interrupted) -> Interrupted:
    """Cancel the deployment, so that nothing more is made."""
    note = "its deployment is canceled, what it made stays"
    try:
        resources.cancel_deployment(client, group.scope, DEPLOYMENT)
    except NotFound:
        note = "nothing is made, for no deployment has begun"
    except VipswapError as failed:
        note = f"its deployment could not be canceled ({failed})"
    return Interrupted(
        f"{error.message} Of the resource group {group.name}: {note}.",
        hint=f"Go on with the same line, or delete all of it: vipswap testenv delete -g {group.name}",
    )


def _tell_progress(client: ArmClient, scope: str, told: dict[str, str], tell: Callable[[str], None]) -> None:
    """One line for each resource whose state has changed since the last look."""
    for one in resources.list_deployment_operations(client, scope, DEPLOYMENT):
        found = one.get("properties") or {}
        target, state = found.get("targetResource") or {}, str(found.get("provisioningState"))
        if target.get("id") and told.get(target["id"]) != state:
            told[target["id"]] = state
            kind = str(target.get("resourceType")).rsplit("/", 1)[-1]
            tell(f"{kind} {target.get('resourceName')}: {state}")


def _failed(client: ArmClient, group: Group, error: OperationError) -> RunFailed:
    """The deployment's failure in one sentence: the innermost error, and of which resource it is."""
    code, message = innermost(error)
    where = ""
    for one in resources.list_deployment_operations(client, group.scope, DEPLOYMENT):
        found = one.get("properties") or {}
        if found.get("provisioningState") == "Failed":
            code, message = _deepest(found.get("statusMessage") or {}) or (code, message)
            where = f" of {(found.get('targetResource') or {}).get('resourceName')}"
            break
    return RunFailed(
        f"The deployment{where} failed: {code}: {message}",
        exit_code=6,
        cause=error,
        hint=(
            f"What it made stays. Go on with the same line, or delete all of it: vipswap testenv delete -g {group.name}"
        ),
    )


def innermost(error: ArmError | OperationError) -> tuple[str, str]:
    """The last of an error's nested errors that says anything: its code and message."""
    details = [one for one in error.details if one.code and one.message and not one.message.startswith("{")]
    return (details[-1].code, details[-1].message) if details else (error.code, error.message)


def _deepest(body: Any) -> tuple[str, str] | None:
    code, message, details = error_of(body)
    found = [(one.code, one.message) for one in details if one.code and not one.message.startswith("{")]
    return found[-1] if found else (code, message) if code else None


def names(client: ArmClient, group: Group) -> list[str]:
    """The names of what is in the group. Raises Refused where it is not ours."""
    _check_ours(group, "shown")
    return [str(one.get("name")) for one in resources.list_resources(client, group.scope)]


def check_deletable(client: ArmClient, group: Group) -> int:
    """How many resources go with the group. Raises NotFound, and Refused where anything in it is not ours."""
    _check_ours(group, "deleted")
    found = list(resources.list_resources(client, group.scope))
    foreign = list(_foreign(found))
    if foreign:
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        raise Refused(
            "ForeignResources",
            f"The resource group {group.name} holds what is not the test environment's: "
            f"{', '.join(foreign[:3])}{more}; nothing is deleted.",
            hint="Move or delete these first.",
        )
    return len(found)


def _foreign(found: list[Json]) -> Iterator[str]:
    """What has not our tag, nor is managed by, or part of, what has."""
    ours = [str(one.get("id")) for one in found if TAG in (one.get("tags") or {})]
    for one in found:
        owner = str(one.get("managedBy") or one.get("id"))
        if not any(covers(mine, owner) for mine in ours):
            yield str(one.get("name"))


def delete(client: ArmClient, group: Group) -> None:
    """Delete the group, and wait until it is gone. Raises OperationFailed with what keeps it."""
    started = resources.delete_resource_group(client, group.scope)
    client.wait(started, deadline=client.clock.monotonic() + _LONGEST_S)


def _check_ours(group: Group, done: str) -> None:
    if group.body is None:
        raise _NotThere(f"There is no resource group {group.name}.")
    if not group.is_ours:
        raise Refused(
            "GroupNotOurs", f"The resource group {group.name} has not the tag {TAG}; nothing of it is {done}."
        )


class _NotThere(VipswapError):
    """There is no such group: exit 3."""

    exit_code = 3
