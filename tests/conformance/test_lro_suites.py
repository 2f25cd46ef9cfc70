"""Microsoft's own scenarios of long-running operations, lists and retries, played by its mock servers.

They need the list of scenarios and its driver (shared/lro), node, and packages from npm; where one of these is not
there they are skipped, and say why.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.mock_servers import Unavailable, running
from tests.conformance.scenarios import SCENARIOS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DRIVER = ROOT.parent / "shared" / "lro" / "drive.py"
LIST = DRIVER.with_name("scenarios.json")

pytestmark = pytest.mark.skipif(not LIST.is_file(), reason="the scenarios are not there (../shared/lro)")


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    try:
        with running(seconds=900) as urls:
            yield urls
    except Unavailable as error:
        pytest.skip(f"the mock servers are not there: {error}")


@pytest.fixture(scope="module")
def rows(servers: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """How each scenario ended: those of shared/lro, and ours, side by side.

    Not on the second server: its scenarios share their counters of polls.
    """
    folder = tmp_path_factory.mktemp("scenarios")
    listed = json.loads(LIST.read_text(encoding="utf-8"))
    drives = {
        "listed": ("autorest", listed),
        "ours": ("autorest", SCENARIOS),
        "spector": ("spector", listed + SCENARIOS),
    }
    running_drives = [drive(servers, server, scenarios, folder / name) for name, (server, scenarios) in drives.items()]
    try:
        for process in running_drives:
            process.wait(600)
    finally:
        for process in running_drives:
            process.kill()
    reports = [(folder / name).with_suffix(".report").read_text(encoding="utf-8") for name in drives]
    return [row for report in reports for row in json.loads(report)["rows"]]


def drive(servers: dict[str, str], server: str, scenarios: list[dict[str, Any]], file: Path) -> subprocess.Popen[bytes]:
    """Start the driver on those of the scenarios that are the server's."""
    file.write_text(json.dumps(scenarios), encoding="utf-8")
    line = [
        *(sys.executable, str(DRIVER), "--client", f"{HERE / 'lro_adapter.py'}:run", "--timeout", "60"),
        *(f"--{server}", servers[server], "--scenarios", str(file), "--json", str(file.with_suffix(".report"))),
    ]
    return subprocess.Popen(line, env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_every_scenario_ends_as_it_should(rows: list[dict[str, Any]]) -> None:
    assert {row["name"]: row["why"] for row in rows if row["verdict"] == "FAIL"} == {}


def test_every_scenario_was_played(rows: list[dict[str, Any]]) -> None:
    listed = [item["name"] for item in json.loads(LIST.read_text(encoding="utf-8")) + SCENARIOS]

    assert len(listed) > 137
    assert sorted(row["name"] for row in rows) == sorted(listed)


def test_those_that_end_as_only_some_of_microsofts_sdks_have_it_are_in_the_readme(rows: list[dict[str, Any]]) -> None:
    contested = {row["name"].split(" ")[-1].removeprefix("/lro/") for row in rows if row["verdict"] == "pass*"}
    section = (
        (HERE / "README.md").read_text(encoding="utf-8").partition("### Contested scenarios")[2].partition("\n#")[0]
    )
    listed = {line.split("`")[1] for line in section.splitlines() if line.startswith("| `")}

    assert contested == listed
