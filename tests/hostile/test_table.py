"""The tables in README.md and the tests of this folder are the same rows."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.hostile.scenarios import SCENARIOS

HERE = Path(__file__).parent


def rows() -> list[str]:
    """The first column of every table."""
    return re.findall(r"^\| `(\w+)` \|", (HERE / "README.md").read_text(encoding="utf-8"), re.MULTILINE)


def named_in(*names: str) -> list[str]:
    found = []
    for name in names:
        tree = ast.parse((HERE / f"test_{name}.py").read_text(encoding="utf-8"))
        found += [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [name.removeprefix("test_") for name in found if name.startswith("test_")]


def test_every_row_has_a_test_and_every_test_a_row() -> None:
    assert sorted(rows()) == sorted(named_in("client", "swap", "secrets"))


def test_every_scenario_is_played_in_the_test_of_its_row() -> None:
    assert {name.partition(":")[0] for name in SCENARIOS} == set(named_in("client"))
    source = (HERE / "test_client.py").read_text(encoding="utf-8")
    played = re.findall(r'@rows\("(\w+)"\)\ndef test_(\w+)\(', source)
    assert [row for row, _ in played] == [test for _, test in played] == named_in("client")


def test_every_row_says_what_each_does() -> None:
    lines = (HERE / "README.md").read_text(encoding="utf-8").splitlines()

    for line in lines:
        if line.startswith("| `"):
            assert all(cell.strip() for cell in line.strip("|").split("|")), line
