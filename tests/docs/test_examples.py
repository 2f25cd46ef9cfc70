"""The pipelines to copy: valid by their publishers' schemas, and their shell parts work on the emulator."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.docs.pages import ROOT
from tests.docs.reader import Reader
from tests.docs.situations import SITUATIONS

EXAMPLES = ROOT / "docs" / "examples"
# How check-jsonschema's own hooks call it for each; Azure's schema has patterns that only the second way takes.
CHECKS = {
    "github-actions.yml": ("vendor.github-workflows",),
    "azure-pipelines.yml": (
        *("vendor.azure-pipelines", "--data-transform", "azure-pipelines"),
        *("--regex-variant", "nonunicode"),
    ),
}
# What each runs its steps' scripts with.
SHELLS = {
    "github-actions.yml": ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"),
    "azure-pipelines.yml": ("bash", "-c"),
}


def checked(example: Path, schema: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", *schema, str(example)]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)


def scripts_of(name: str) -> dict[str, str]:
    """The scripts that call vipswap, by their steps' names, in their order."""
    steps = _steps(YAML(typ="safe").load(EXAMPLES / name))
    told = ((step.get("name") or step.get("displayName"), script) for step, script in steps)
    return {title: script for title, script in told if "vipswap " in script}


def _steps(value: Any) -> Iterator[tuple[dict[str, Any], str]]:
    if isinstance(value, dict):
        for script in (value.get("run"), value.get("inputs", {}).get("inlineScript")):
            if isinstance(script, str):
                yield value, script
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _steps(inner)


def run(reader: Reader, name: str, title: str) -> subprocess.CompletedProcess[str]:
    """A step's script with the pipeline's variables."""
    variables = {"GROUP": "GROUP", "BLUE_LB": "BLUE_LB", "GREEN_LB": "GREEN_LB", "VIP": "PRODUCTION_IP"}
    environment = reader.environment | {key: reader.filled(word) for key, word in variables.items()}
    command = [*SHELLS[name], scripts_of(name)[title]]
    return subprocess.run(
        command, cwd=reader.folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def told(reader: Reader, file: str) -> dict[str, Any]:
    (found,) = reader.folder.glob(f"**/{file}")
    value: dict[str, Any] = json.loads(found.read_text())
    return value


@pytest.mark.parametrize("name", CHECKS)
def test_an_example_is_valid_by_its_publishers_schema(name: str, tmp_path: Path) -> None:
    ran = checked(EXAMPLES / name, CHECKS[name])

    assert ran.returncode == 0, ran.stdout

    # The check can fail.
    broken = tmp_path / name
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    broken.write_text(text.replace("timeout-minutes: 60", "timeout-minutes: [sixty]").replace("- script:", "- scrpt:"))
    assert checked(broken, CHECKS[name]).returncode == 1


def test_the_shell_of_github_fails_with_a_pipe() -> None:
    """Its default shell does not, so the example asks for the one that SHELLS has."""
    assert YAML(typ="safe").load(EXAMPLES / "github-actions.yml")["defaults"] == {"run": {"shell": "bash"}}


@pytest.mark.parametrize("name", SHELLS)
def test_the_scripts_plan_swap_recover_and_keep_what_happened(name: str, tmp_path: Path) -> None:
    assert list(scripts_of(name)) == ["Plan", "Swap", "Recover"]
    with Reader(tmp_path) as reader:
        for title in scripts_of(name):
            ran = run(reader, name, title)
            assert ran.returncode == 0, f"{title}: {ran.stdout}{ran.stderr}"
        assert told(reader, "plan.json")["steps"]
        assert told(reader, "swap.json")["outcome"] == "swapped"
        assert told(reader, "recover.json")["outcome"] == "nothing_to_do"
        assert next(tmp_path.glob("**/timeline.svg")).stat().st_size > 5_000
        assert next(tmp_path.glob("**/events.jsonl")).read_text().count("\n") > 5

        # The same job again, in a new folder as each job has one, changes nothing.
        next(tmp_path.glob("**/events.jsonl")).unlink()
        assert run(reader, name, "Swap").returncode == 0
        assert told(reader, "swap.json")["outcome"] == "nothing_to_do"


@pytest.mark.parametrize("name", SHELLS)
def test_a_step_fails_where_the_swap_does_and_the_recover_step_finishes_it(name: str, tmp_path: Path) -> None:
    with Reader(tmp_path) as reader:
        SITUATIONS["a swap killed while production's address is on no load balancer"](reader)
        reader.words["PRODUCTION_IP"] = "no-such-address"
        assert run(reader, name, "Swap").returncode != 0

        assert run(reader, name, "Recover").returncode == 0

        assert told(reader, "recover.json")["outcome"] in ("swapped", "rolled_back")
