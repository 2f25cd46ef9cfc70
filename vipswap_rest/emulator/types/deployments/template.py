"""A template with its parameters, read into the resources that it wants, and what each depends on."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from ...arm import errors
from ...arm.errors import ArmError
from ...messages import Json
from .expressions import BadExpression, Functions, concat, evaluate, unique

# Comments, and keys without quotes, outside of texts: recorded, ARM takes both (az sends them).
_TEXT = r'("(?:\\.|[^"\\])*")'
_COMMENT = re.compile(_TEXT + r"|/\*.*?\*/|//[^\n]*", re.DOTALL)
_BARE = re.compile(_TEXT + r"|(?<=[{,])(\s*)([A-Za-z_]\w*)(?=\s*:)", re.DOTALL)
_SECURE = ("securestring", "secureobject")


@dataclass(frozen=True)
class Wanted:
    """One resource: its id, type, name and body, the api-version of its PUT, and the ids of what comes before it."""

    id: str
    type: str
    name: str
    version: str
    body: Json
    after: tuple[str, ...]


@dataclass(frozen=True)
class Template:
    """What a deployment is to do. order: the ids of its resources, each behind those that it depends on.

    parameters: as they are shown; source: as it was sent; functions: for its outputs, which come last.
    """

    resources: tuple[Wanted, ...]
    order: tuple[str, ...]
    parameters: Json
    source: Json
    functions: Functions
    hash: str


def loads(content: bytes) -> Json:
    """The body of a deployment's request. Raises ArmError 400."""
    text = content.decode("utf-8-sig", "replace")
    try:
        text = _COMMENT.sub(lambda found: found[1] or "", text)
        value = json.loads(_BARE.sub(lambda found: found[1] or f'{found[2]}"{found[3]}"', text), strict=False)
    except ValueError as error:
        raise errors.content_invalid(str(error)) from error
    if not isinstance(value, dict) or not isinstance(value.get("properties"), dict):
        raise errors.content_invalid("The body must be a JSON object with properties")
    return value


def read(group: Json, properties: Json) -> Template:
    """The template of a deployment in a resource group. Raises ArmError 400 InvalidTemplate."""
    template = properties.get("template")
    if not isinstance(template, dict) or not isinstance(template.get("resources"), list):
        raise invalid("The template must be a JSON object with resources.", "properties.template")
    functions = dict(_functions(group))
    try:
        values, shown = _parameters(template, properties, functions)
        functions["parameters"] = values.__getitem__
        variables = evaluate(template.get("variables") or {}, functions)
        functions["variables"] = variables.__getitem__
        resources = tuple(_wanted(one, group, functions) for one in _flat(template["resources"]))
    except BadExpression as error:
        raise invalid(str(error), "properties.template") from error
    resources = tuple(_resolved(one, resources) for one in resources)
    try:
        order = tuple(TopologicalSorter({one.id: one.after for one in resources}).static_order())
    except CycleError as error:
        raise invalid("Circular dependency detected on resources.", "properties.template") from error
    digest = int(unique(json.dumps(template, sort_keys=True)), 16)
    return Template(resources, order, shown, template, functions, str(digest))


def invalid(reason: str, path: str) -> ArmError:
    """400: the template is refused before anything is made; as recorded, but for the place in the text."""
    message = f"Deployment template validation failed: '{reason}'."
    # Recorded: ARM's own, and counted all the same.
    error = ArmError(400, "InvalidTemplate", message, None, headers={"x-ms-failure-cause": "gateway"})
    info = {"lineNumber": 1, "linePosition": 1, "path": path}
    error.body["error"]["additionalInfo"] = [{"type": "TemplateViolation", "info": info}]
    return error


def _functions(group: Json) -> Iterator[tuple[str, Any]]:
    subscription = group["id"].split("/")[2]

    def resource_id(kind: str, *names: str) -> str:
        namespace, *types = kind.split("/")
        parts = [part for pair in zip(types, names, strict=True) for part in pair]
        return "/".join([group["id"], "providers", namespace, *parts])

    yield "resourceGroup", lambda: group
    yield "subscription", lambda: {"id": f"/subscriptions/{subscription}", "subscriptionId": subscription}
    yield "resourceId", resource_id
    yield "concat", concat
    yield "uniqueString", unique
    yield "toLower", lambda text: str(text).lower()
    yield "string", str
    yield "int", int
    yield "array", lambda value: value if isinstance(value, list) else [value]
    yield "createArray", lambda *values: list(values)
    yield "base64", lambda text: base64.b64encode(str(text).encode()).decode()


def _parameters(template: Json, properties: Json, functions: Functions) -> tuple[Json, Json]:
    """The values of the parameters, and what is shown of them."""
    declared, given = template.get("parameters") or {}, properties.get("parameters") or {}
    for name in given:
        if name.lower() not in {one.lower() for one in declared}:
            reason = f"The following parameters were supplied, but do not correspond to any parameters: '{name}'"
            raise invalid(reason, f"properties.parameters.{name}")
    values: Json = {}
    shown: Json = {}
    for name, about in declared.items():
        told: Json = next((one for key, one in given.items() if key.lower() == name.lower()), {})
        if "value" not in told and "defaultValue" not in about:
            reason = (
                f"The value for the template parameter '{name}' at line '1' and column '1' is not provided. "
                "Please see https://aka.ms/arm-create-parameter-file for usage details."
            )
            raise invalid(reason, f"properties.template.parameters.{name}")
        values[name] = told["value"] if "value" in told else evaluate(about["defaultValue"], functions)
        if "allowedValues" in about and values[name] not in about["allowedValues"]:
            reason = f"The provided value for the template parameter '{name}' is not valid."
            raise invalid(reason, f"properties.template.parameters.{name}")
        kind = str(about.get("type"))
        shown[name] = {"type": kind[:1].upper() + kind[1:]}
        if kind.lower() not in _SECURE:
            shown[name]["value"] = values[name]
    return values, shown


def _flat(given: list[Any], parent: Json | None = None) -> Iterator[Any]:
    """The resources with those that stand within others, whose types and names begin with their parents'."""
    for one in given:
        if not isinstance(one, dict):
            yield one
            continue
        made = {key: value for key, value in one.items() if key != "resources"}
        if parent is not None:
            made["type"] = f"{parent.get('type')}/{one.get('type')}"
            made["name"] = _joined(parent.get("name"), one.get("name"))
            made["apiVersion"] = one.get("apiVersion") or parent.get("apiVersion")
        yield made
        yield from _flat(one["resources"], made) if isinstance(one.get("resources"), list) else ()


def _joined(parent: Any, child: Any) -> str:
    """The name of a child of its parent's, where either may be an expression."""
    parts = [text[1:-1] if str(text).startswith("[") else f"'{text}'" for text in (str(parent), str(child))]
    return f"[concat({parts[0]}, '/', {parts[1]})]"


def _wanted(given: Any, group: Json, functions: Functions) -> Wanted:
    if not isinstance(given, dict) or not all(
        isinstance(given.get(key), str) for key in ("type", "name", "apiVersion")
    ):
        raise BadExpression("A resource of the template must have a type, a name and an apiVersion.")
    made = evaluate({key: value for key, value in given.items() if key not in ("comments", "metadata")}, functions)
    namespace, *types = made["type"].split("/")
    names = made["name"].split("/")
    if len(types) != len(names):
        raise BadExpression(f"The template resource '{made['name']}' of type '{made['type']}' has incorrect segments.")
    path = [part for pair in zip(types, names, strict=True) for part in pair]
    identity = "/".join([group["id"], "providers", namespace, *path])
    body = {key: value for key, value in made.items() if key not in ("type", "name", "apiVersion", "dependsOn")}
    after = tuple(str(one) for one in made.get("dependsOn") or ())
    return Wanted(identity, made["type"], made["name"], made["apiVersion"], body, after)


def _resolved(one: Wanted, all_of_them: tuple[Wanted, ...]) -> Wanted:
    """The resource with the ids of what it depends on, which a template may name by the name alone."""
    known = {each.id.lower(): each.id for each in all_of_them}
    names = {each.name.lower(): each.id for each in all_of_them}
    found = [known.get(text.lower()) or names.get(text.rsplit("/", 1)[-1].lower()) for text in one.after]
    if None in found:
        raise invalid(
            f"The resource '{one.after[found.index(None)]}' is not defined in the template.", "properties.template"
        )
    return Wanted(one.id, one.type, one.name, one.version, one.body, tuple(text for text in found if text))
