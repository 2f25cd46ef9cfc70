"""The adapter: thin, and good for an ARM of any kind."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.lro_adapter import run
from vipswap_rest.arm.errors import NotFound
from vipswap_rest.emulator.server import EmulatorServer
from vipswap_rest.emulator.settings import SUBSCRIPTION, Settings

ADAPTER = Path(__file__).with_name("lro_adapter.py")
BALANCERS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/vipswap/providers/Microsoft.Network/loadBalancers"
VERSION = {"api-version": "2026-03-01"}
NAMES = {"item_name": "value", "next_link_name": "nextLink"}


def driven(arm: EmulatorServer, op: str, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
    settled = {"params": VERSION, "headers": None, "options": {}, "paging": None, **more}
    return run(arm.endpoint, method, path, body, op=op, **settled)


def test_a_call_a_list_and_an_operation_are_driven() -> None:
    with EmulatorServer(Settings(latency="instant")) as arm:
        status, balancer = driven(arm, "call", "GET", f"{BALANCERS}/vipswap1lb")
        written, result = driven(arm, "lro", "PUT", f"{BALANCERS}/vipswap1lb", {**balancer, "tags": {"a": "b"}})
        _, items = driven(arm, "list", "GET", BALANCERS, paging=NAMES)

    assert (status, written) == (200, 200)
    assert result["tags"] == {"a": "b"}
    assert result["properties"]["provisioningState"] == "Succeeded"
    assert [item["name"] for item in items] == ["vipswap1lb", "vipswap2lb"]


@pytest.mark.parametrize("op", ["call", "list", "lro", "lro-list"])
def test_a_refusal_is_the_clients_own_error(op: str) -> None:
    with EmulatorServer(Settings(latency="instant")) as arm, pytest.raises(NotFound) as refused:
        driven(arm, op, "GET", f"{BALANCERS}/nosuch")

    assert refused.value.status == 404


def test_it_imports_the_standard_library_and_the_package_only_and_touches_nothing_private() -> None:
    tree = ast.parse(ADAPTER.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}

    assert {name.split(".")[0] for name in imported} <= {"vipswap_rest", *sys.stdlib_module_names}
    assert not {name for name in names if name.startswith("_")}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
