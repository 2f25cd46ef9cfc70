"""Nothing that the code knows lacks its place in the pages."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

import vipswap_rest
from tests.cli.conftest import PAIR, Arm, Vipswap
from tests.docs.pages import PAGES, ROOT, read
from vipswap_rest.arm.errors import VipswapError
from vipswap_rest.cli.exit_codes import EXIT_CODES
from vipswap_rest.cli.main import _VERBS
from vipswap_rest.emulator.control import faults
from vipswap_rest.emulator.settings import SUBSCRIPTION
from vipswap_rest.methods.vip_swap.preflight import CODES

DOCS = ROOT / "docs"


def test_what_is_generated_is_as_the_code_is() -> None:
    line = [sys.executable, str(ROOT / "scripts" / "write_docs.py"), "--check"]
    ran = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)

    assert (ran.returncode, ran.stdout) == (0, ""), f"Run scripts/write_docs.py. {ran.stdout}{ran.stderr}"


@pytest.mark.parametrize("verb", [name for name, *_ in _VERBS if name != "demo"])
def test_every_verb_is_run_by_some_page(verb: str) -> None:
    lines = [
        line
        for page in PAGES
        for block in read(page)
        if block.language in ("sh", "console") and "not run" not in block.markers
        for line in block.commands
    ]

    assert [line for line in lines if re.search(rf"\bvipswap {verb}\b", line)]


def test_every_finding_is_explained() -> None:
    explained = re.findall(r"^\| `(\w+)` \|", (DOCS / "findings.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert len(explained) == len(set(explained))
    assert set(CODES) <= set(explained)


def test_every_exit_code_of_an_error_has_its_row() -> None:
    codes = {one.code for one in EXIT_CODES}

    assert len(codes) == len(EXIT_CODES)
    assert {error.exit_code for error in _errors(VipswapError)} <= codes
    # Those that a run gives by what it leaves behind: see outcome.py and fleet.py.
    assert codes >= {0, 5, 6, 8, 9}


def _errors(error: type[VipswapError]) -> Iterator[type[VipswapError]]:
    for one in error.__subclasses__():
        if one.__module__.startswith("vipswap_rest.arm") and "exit_code" in vars(one):
            yield one
        yield from _errors(one)


def test_every_exported_name_has_an_example() -> None:
    code = "\n".join(block.text for block in read(DOCS / "library.md") if block.language == "python")

    assert [name for name in vipswap_rest.__all__ if not re.search(rf"\b{name}\b", code)] == []


def test_every_effect_of_a_fault_is_explained() -> None:
    text = (DOCS / "emulator.md").read_text(encoding="utf-8")

    assert [effect for effect in faults._EFFECTS if f"`{effect}`" not in text] == []


def test_the_readme_is_short_and_the_first_page_links_to_each_other_one() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert len(readme.splitlines()) <= 130
    assert [page.name for page in sorted(DOCS.glob("*.md")) if f"(docs/{page.name})" not in readme] == []


@pytest.mark.parametrize("strategy", ["float", "native"])
def test_the_custom_role_is_enough(strategy: str, arm: Arm, vipswap: Vipswap) -> None:
    (role,) = [json.loads(one.text) for one in read(DOCS / "permissions.md") if one.language == "json"]
    _grant(arm, role["Actions"])

    planned = vipswap("plan", *PAIR, "--strategy", strategy, "-o", "json").json()
    ran = vipswap("swap", *PAIR, "--strategy", strategy, "--yes", "-o", "json")

    unknown = {"PermissionMissing", "PermissionsUnknown", "LocksUnknown", "OwnerUnknown", "HealthUnknown"}
    assert unknown.isdisjoint(one["code"] for one in planned["findings"])
    assert (ran.code, ran.json()["strategy"]) == (0, strategy)


@pytest.mark.parametrize("missing", ["loadBalancers/write", "publicIPAddresses/join/action", "publicIPAddresses/write"])
def test_the_custom_role_has_nothing_to_spare_for_a_swap(missing: str, arm: Arm, vipswap: Vipswap) -> None:
    (role,) = [json.loads(one.text) for one in read(DOCS / "permissions.md") if one.language == "json"]
    _grant(arm, [action for action in role["Actions"] if not action.endswith(missing)])

    assert vipswap("swap", *PAIR, "--yes").code == 4


def _grant(arm: Arm, actions: list[str]) -> None:
    id = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/permissions/role"
    arm.seed({"id": id, "properties": {"actions": actions, "notActions": []}})
