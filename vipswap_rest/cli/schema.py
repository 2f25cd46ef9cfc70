"""`vipswap schema VERB`: the JSON Schema of what that verb prints with `-o json`."""

from __future__ import annotations

import argparse
from typing import Any

from vipswap_rest.cli.output import delivered, print_json
from vipswap_rest.cli.signals import SignalGuard

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_TRUTH: Schema = {"type": "boolean"}
_SECONDS: Schema = {"type": "number", "minimum": 0}


def _object(properties: Schema, *optional: str, closed: bool = True) -> Schema:
    """An object with these properties, all of them required but the optional ones; closed: with no other."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": not closed,
    }


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


_OUTAGE = _object({"lower_s": _SECONDS, "estimate_s": _or_null(_SECONDS), "upper_s": _or_null(_SECONDS)})
_BOUNDS = _object({"lower": _SECONDS, "upper": _SECONDS})
_ADDRESS = _object(
    {
        "public_ip": _TEXT,
        "address": _or_null(_TEXT),
        "from": _or_null(_TEXT),
        "to": _or_null(_TEXT),
        "control_plane_outage_s": _or_null(_SECONDS),
        "observed_outages": _list(_OUTAGE),
        "undetected_upper_s": _SECONDS,
        "takes_effect_s": _or_null(_BOUNDS),
        "mixed_s": _or_null(_BOUNDS),
    },
    *("observed_outages", "undetected_upper_s", "takes_effect_s", "mixed_s"),
)
_STEP = _object(
    {
        "name": _TEXT,
        "resource": _TEXT,
        "started_at": {"type": "string", "format": "date-time"},
        "seconds": _SECONDS,
        "polls": _COUNT,
        "request_id": _or_null(_TEXT),
    }
)
_ERROR = _object(
    {
        "code": _TEXT,
        "message": _TEXT,
        "status": _or_null({"type": "integer"}),
        "request_id": _or_null(_TEXT),
        "hint": _or_null(_TEXT),
    }
)
_OUTCOMES = ["swapped", "nothing_to_do", "rolled_back", "refused", "failed", "needs_recovery", "interrupted"]
_RUN: Schema = {
    "outcome": {"enum": _OUTCOMES},
    "strategy": _TEXT,
    "production": _or_null(_ADDRESS),
    "staging": _or_null(_ADDRESS),
    "steps": _list(_STEP),
    "total_s": _SECONDS,
    "error": _or_null(_ERROR),
}
_RULES = _list(_object({"rule": _TEXT, "from": _or_null(_TEXT), "to": _or_null(_TEXT)}))
_PLANNED = _object({"name": _TEXT, "resource": _TEXT, "public_ip": _or_null(_TEXT), "rules": _RULES}, "rules")
_FINDING = _object(
    {"code": _TEXT, "severity": {"enum": ["error", "warning", "information"]}, "message": _TEXT, "remedy": _TEXT}
)
# What a flip tells besides; where nothing was begun, nothing of it.
_FLIPPED: Schema = {"rules": _RULES, "settings": _RULES, "addresses": _list(_ADDRESS)}
_DECISION = _object(
    {
        "seconds": _NUMBER,
        "action": _TEXT,
        "step": _or_null(_TEXT),
        "resource": _or_null(_TEXT),
        "why": _TEXT,
        "same": _TRUTH,
    }
)
_SIDE = _object(
    {
        "load_balancer": _TEXT,
        "provisioning_state": _TEXT,
        "frontend": _TEXT,
        "holds": _or_null(_TEXT),
        "public_ip": _TEXT,
        "address": _or_null(_TEXT),
        "held_by": _or_null(_TEXT),
    }
)
_INTERRUPTED: Schema = {
    "float": _TEXT,
    "damage": _or_null(_TEXT),
    "run": _TEXT,
    "started_at": _TEXT,
    "strategy": _TEXT,
    "goal": {"enum": ["exchanged", "original"]},
    "production_attached": _TRUTH,
    "production_answers": _or_null(_TRUTH),
    "recover": _TEXT,
    "production": _SIDE,
    "staging": _SIDE,
}
_PROBED = _object(
    {
        "url": _TEXT,
        "address": _TEXT,
        "port": _COUNT,
        "answered": _TRUTH,
        "samples": {"type": "object", "additionalProperties": _COUNT},
        "skipped": _COUNT,
        "doubted": _COUNT,
        "observed_outages": _list({"type": "object", "required": ["lower_s", "estimate_s", "upper_s"]}),
        "undetected_upper_s": _SECONDS,
        "unknown": _list({"type": "object"}),
        "identities": _list(_object({"identity": _or_null(_TEXT), "samples": _COUNT})),
        "changes": _list({"type": "object"}),
    },
    closed=False,
)


def _pairs(*outcomes: str) -> Schema:
    """What is told of several pairs."""
    one = _object({"name": _TEXT, "wave": {"type": "integer"}, **_RUN}, "wave")
    return {"outcome": {"enum": [*outcomes]}, "pairs": _list(one), "total_s": _SECONDS}


# Of each verb that prints JSON. A run that is recovered with --all tells of several pairs, else of one.
SCHEMAS: dict[str, Schema] = {
    "swap": _object(_RUN),
    "recover": _object(
        {**_RUN, "outcome": {"enum": [*_OUTCOMES, "partly"]}, "pairs": _pairs()["pairs"]},
        *("strategy", "production", "staging", "steps", "error", "pairs"),
    ),
    "flip": _object({**_RUN, **_FLIPPED}, *_FLIPPED),
    "plan": _object({"findings": _list(_FINDING), "steps": _list(_PLANNED)}),
    "status": _object({"swaps": _list(_object(_INTERRUPTED, *(set(_INTERRUPTED) - {"float", "damage"})))}),
    "fleet": _object(
        _pairs("swapped", "nothing_to_do", "partly", "refused", "failed", "needs_recovery", "interrupted")
    ),
    "replay": _object({**_RUN, **_FLIPPED, "decisions": _list(_DECISION)}, *_FLIPPED),
    "probe": _object(
        {
            "began_monotonic_s": _NUMBER,
            "seconds": _SECONDS,
            "interval_s": _SECONDS,
            "longest_stall_s": _SECONDS,
            "suspended_s": _SECONDS,
            "addresses": _list(_PROBED),
        },
        closed=False,
    ),
    "experiment": _object({"strategies": {"type": "object"}, "coverage": {}}, "strategies", "coverage", closed=False),
    "testenv": _object(
        {
            **{name: {"type": "object"} for name in ("vip", "pool", "gateway", "rolling")},
            "deleted": _TEXT,
            "resources": _COUNT,
        },
        *("vip", "pool", "gateway", "rolling", "deleted", "resources"),
    ),
    "login-info": _object(
        {
            **dict.fromkeys(("credential", "cloud", "endpoint", "audience"), _TEXT),
            **dict.fromkeys(("identity", "tenant", "expires_at", "subscription", "authority"), _or_null(_TEXT)),
        }
    ),
}


def schema_of(verb: str) -> Schema:
    """The schema of a verb's JSON."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"vipswap {verb} -o json",
        **SCHEMAS[verb],
    }


def add_options(parser: argparse.ArgumentParser) -> None:
    """The verb."""
    parser.add_argument("verb", choices=sorted(SCHEMAS), metavar="VERB", help=", ".join(sorted(SCHEMAS)))


def run(arguments: argparse.Namespace, guard: SignalGuard) -> int:
    """Print the schema."""
    return delivered(0, lambda: print_json(schema_of(arguments.verb)))
