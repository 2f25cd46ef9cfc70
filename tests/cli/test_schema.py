"""`vipswap schema VERB`: what other programs may count on. Every JSON of the tests in this folder is checked by it."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema
import pytest

from tests.cli.conftest import PAIR, Vipswap
from vipswap_rest.cli.schema import SCHEMAS, schema_of


@pytest.mark.parametrize("verb", sorted(SCHEMAS))
def test_a_verbs_schema_is_a_schema_of_an_object(verb: str, vipswap: Vipswap) -> None:
    ran = vipswap("schema", verb)

    told = ran.json()
    assert ran.code == 0
    jsonschema.Draft202012Validator.check_schema(told)
    assert told["type"] == "object"
    assert told["properties"]


def test_a_verb_without_json_has_none(vipswap: Vipswap) -> None:
    assert vipswap("schema", "demo").code == 2


def edits(told: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The output with one thing wrong, by what is wrong."""
    found = []
    for path, wrong in [
        (("outcome",), "won"),
        (("total_s",), "3 s"),
        (("steps", 0, "polls"), 1.5),
        (("steps", 0, "request_id"), 7),
        (("production", "control_plane_outage_s"), "long"),
        (("staging", "public_ip"), None),
        (("error",), {}),
        (("extra",), 1),
    ]:
        changed = copy.deepcopy(told)
        holder: Any = changed
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = wrong
        found.append((".".join(map(str, path)), changed))
    return found


def test_an_output_with_a_wrong_type_is_refused(vipswap: Vipswap) -> None:
    """The check can fail."""
    told = vipswap("swap", *PAIR, "--yes", "-o", "json").json()

    validator = jsonschema.Draft202012Validator(schema_of("swap"))
    assert validator.is_valid(told)
    assert [what for what, changed in edits(told) if validator.is_valid(changed)] == []
