"""What other programs import: a dozen names, typed. tests/docs runs the examples of them."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import vipswap_rest

ROOT = Path(__file__).resolve().parents[1]

CONSUMER = """
from vipswap_rest import (
    ArmClient, Opening, Options, Plan, Report, ResourceId, Target, VipswapError, connect, network, plan, swap,
)


def exchange(group: str) -> float:
    client: ArmClient = connect("00000000-0000-0000-0000-000000000000", endpoint="http://127.0.0.1:9")
    names: list[str] = [str(body["name"]) for body in network.list_load_balancers(client, group)]
    target = Target(names[0], names[1], "vipswap")
    try:
        planned: Plan = plan(client, target, Options(opening=Opening.NATIVE))
        frontend: ResourceId = planned.frontends[0]
        report: Report = swap(client, planned)
    except VipswapError as error:
        print(error.hint)
        raise
    print(frontend.name, report.outcome.value)
    return report.total_s
"""


def test_there_are_a_dozen_names_at_most_and_each_says_what_it_is() -> None:
    assert len(vipswap_rest.__all__) <= 12
    for name in vipswap_rest.__all__:
        assert inspect.getdoc(getattr(vipswap_rest, name))


def test_the_names_for_type_checkers_are_those_that_are_imported_when_asked_for() -> None:
    tree = ast.parse((ROOT / "vipswap_rest" / "__init__.py").read_text(encoding="utf-8"))
    (checked,) = [node for node in tree.body if isinstance(node, ast.If)]
    named = {
        alias.name: str(node.module)
        for node in checked.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert set(named) == set(vipswap_rest.__all__)
    for name, module in named.items():
        found = getattr(vipswap_rest, name)
        assert found is getattr(sys.modules[module], name)


def test_a_name_that_is_none_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = vipswap_rest.nonsense


def test_importing_the_package_imports_neither_requests_nor_msal() -> None:
    line = "import sys, vipswap_rest; print({'requests', 'msal', 'tenacity'} & set(sys.modules))"

    ran = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, timeout=60, check=True)

    assert ran.stdout == "set()\n"


def test_a_consumer_of_every_name_passes_strict_type_checking(tmp_path: Path) -> None:
    consumer = tmp_path / "consumer.py"
    consumer.write_text(CONSUMER, encoding="utf-8")
    # An editable installation is not seen by mypy; found by its path the package is checked too, and msal has no types.
    (tmp_path / "mypy.ini").write_text("[mypy]\n[mypy-msal.*]\nignore_missing_imports = True\n", encoding="utf-8")
    line = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(consumer)]
    environment = {**os.environ, "MYPYPATH": str(ROOT)}

    ran = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)

    assert ran.returncode == 0, ran.stdout
    assert set(re.findall(r"\b\w+\b", CONSUMER)) >= set(vipswap_rest.__all__)
