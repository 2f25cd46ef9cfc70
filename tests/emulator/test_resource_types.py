"""A resource type is a route table and one line in the list of types: here one that nobody else has."""

from __future__ import annotations

import importlib
from pathlib import Path

from tests.emulator.stage import GROUP, SUB, Json, Stage
from vipswap_rest.emulator import Emulator, Settings
from vipswap_rest.emulator.arm import reads
from vipswap_rest.emulator.arm.calls import Call, Reply, accepted
from vipswap_rest.emulator.arm.resource_types import ResourceType
from vipswap_rest.emulator.arm.world import World
from vipswap_rest.emulator.arm.writes import begin_write, check_free, find_deletable, patch_tags, read_put
from vipswap_rest.emulator.types import registry, stored

NAME = "Contoso.Test/gadgets"
GADGET = f"{GROUP}/providers/{NAME}/one"
BODY = {"location": "westus", "properties": {"size": 3}}


def put(world: World, call: Call) -> Reply:
    given, previous, identity = read_put(world, call, {"properties": {"size": int}}, NAME)
    check_free(world, identity, call.now)
    body: Json = {**given, "id": identity, "name": call.path.name, "type": NAME, "etag": ""}
    operation = begin_write(world, call, "PutGadgetOperation", [body], 3.0)
    return Reply(200 if previous else 201, body, operation, pause=True)


def delete(world: World, call: Call) -> Reply:
    body = find_deletable(world, call)
    if isinstance(body, Reply):
        return body
    return accepted(begin_write(world, call, "DeleteGadgetOperation", [body], 2.0, deleting=True))


def spin(world: World, call: Call) -> Reply:
    return Reply(200, {"spun": call.path.names[0]})


GADGETS = ResourceType(
    NAME,
    {
        "gadgets/*": {"GET": reads.get, "PUT": put, "PATCH": patch_tags, "DELETE": delete},
        "gadgets/*/spin": {"POST": spin},
    },
    versions=("2026-01-01",),
)


def workshop() -> Stage:
    """An emulator that has gadgets too."""
    stage = Stage()
    stage.emulator = Emulator(Settings(latency="blog"), stage.clock, types=[*registry.TYPES, GADGETS])
    return stage


def test_a_made_up_type_is_put_read_and_deleted() -> None:
    stage = workshop()

    made = stage.put(GADGET, BODY)
    assert (made.status, made.json()["properties"]["provisioningState"]) == (201, "Updating")
    assert (stage.status(made), stage.get(GADGET)["id"]) == ("InProgress", GADGET)
    stage.clock.advance(3)
    assert stage.status(made) == "Succeeded"
    shown = stage.get(GADGET)
    assert shown["properties"] == {"size": 3, "provisioningState": "Succeeded"}
    assert shown["etag"] != made.json()["etag"]
    assert [one["id"] for one in stage.get(GADGET.rpartition("/")[0])["value"]] == [GADGET]

    gone = stage.call("DELETE", GADGET)
    assert (gone.status, stage.get(GADGET)["properties"]["provisioningState"]) == (202, "Deleting")
    stage.clock.advance(2)
    assert (stage.status(gone), stage.call("GET", GADGET).status) == ("Succeeded", 404)
    assert stage.call("DELETE", GADGET).status == 204


def test_a_made_up_type_has_all_that_every_write_has() -> None:
    """Conditions, forms, superseding, faults and the timeline come with `read_put` and `begin_write`."""
    stage = workshop()
    first = stage.put(GADGET, BODY)

    assert stage.put(GADGET, BODY, if_none_match="*").status == 412
    assert stage.put(GADGET, BODY, if_match='W/"another"').status == 412
    assert stage.put(GADGET, {"properties": {"size": 3}}).status == 400
    assert stage.put(GADGET, {"location": "westus", "properties": {"size": "three"}}).status == 400
    stage.fault({"fail_operation": {"code": "Broken", "message": "It broke."}}, "PUT", "gadgets")
    second = stage.put(GADGET, BODY)
    assert (stage.status(first), stage.status(second)) == ("Canceled", "InProgress")
    stage.settle()
    assert stage.follow(second).json()["error"]["code"] == "Broken"
    assert stage.get(GADGET)["properties"]["provisioningState"] == "Failed"
    assert [one["event"] for one in stage.events() if one["resource"] == GADGET] == [
        "request_accepted",
        "request_accepted",
        "operation_canceled",
        "operation_failed",
    ]


def test_what_a_type_has_no_route_for_is_refused_and_its_action_is_served() -> None:
    stage = workshop()
    stage.put(GADGET, BODY)

    refused = stage.put(f"{GADGET}/parts/a", {"properties": {}})
    assert (refused.status, refused.headers["Allow"]) == (405, "GET")
    assert stage.call("POST", f"{GADGET}/spin").json() == {"spun": "one"}
    assert stage.call("GET", f"{GADGET}/spin").headers["Allow"] == "POST"
    assert stage.call("PATCH", GADGET, {"tags": {"a": "b"}}).json()["tags"] == {"a": "b"}


def test_the_provider_names_a_type_as_soon_as_it_is_listed() -> None:
    kinds = workshop().get(f"{SUB}/providers/Contoso.Test")["resourceTypes"]

    assert [(kind["resourceType"], kind["apiVersions"]) for kind in kinds] == [("gadgets", ["2026-01-01"])]
    assert Stage().call("GET", f"{SUB}/providers/Contoso.Test").status == 404


def test_a_type_may_begin_as_stored_and_replace_what_it_has_rules_for() -> None:
    stage = Stage()
    notes = ResourceType("Contoso.Test/notes", {"notes/*": {**stored.METHODS, "DELETE": delete}})
    stage.emulator = Emulator(Settings(latency="blog"), stage.clock, types=[*registry.TYPES, notes])
    note = f"{GROUP}/providers/Contoso.Test/notes/one"

    assert stage.put(note, {"location": "westus"}).status == 201
    assert stage.call("DELETE", note).status == 202
    assert stage.get(note)["properties"]["provisioningState"] == "Deleting"
    stage.clock.advance(2)
    assert stage.call("GET", note).status == 404


def test_every_type_that_has_a_file_is_listed() -> None:
    """The line that is missed when the file is there: `stored` alone serves what no other type does."""
    folder = Path(registry.__file__).parent
    files = [path.relative_to(folder).with_suffix("") for path in folder.rglob("*.py")]
    modules = [importlib.import_module(f"{registry.__package__}.{'.'.join(file.parts)}") for file in files]
    found = {module.TYPE.name for module in modules if isinstance(getattr(module, "TYPE", None), ResourceType)}

    assert found == {one.name for one in registry.TYPES} | {stored.TYPE.name}
