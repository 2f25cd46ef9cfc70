"""Microsoft's own scenarios of long-running operations, played by its mock servers.

They need node and packages from npm, so they run only where somebody has set them up and says where they listen:
VIPSWAP_LRO_AUTOREST and VIPSWAP_LRO_SPECTOR, as `bash serve.sh start` of shared/lro prints them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ADAPTER = ROOT / "tests" / "conformance" / "lro_adapter.py"
DRIVER = ROOT.parent / "shared" / "lro" / "drive.py"
AUTOREST, SPECTOR = (os.environ.get(f"VIPSWAP_LRO_{name}") for name in ("AUTOREST", "SPECTOR"))

pytestmark = [
    pytest.mark.skipif(not DRIVER.is_file(), reason="the scenarios are not there (shared/lro)"),
    pytest.mark.skipif(
        not (AUTOREST and SPECTOR), reason="VIPSWAP_LRO_AUTOREST and VIPSWAP_LRO_SPECTOR name no servers"
    ),
]


def test_every_scenario_ends_as_it_should(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    subprocess.run(
        [
            *(sys.executable, str(DRIVER), "--client", f"{ADAPTER}:run", "--json", str(report)),
            *("--autorest", AUTOREST or "", "--spector", SPECTOR or ""),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        timeout=600,
    )
    rows = json.loads(report.read_text(encoding="utf-8"))["rows"]

    assert len(rows) >= 100
    assert {row["name"]: row["why"] for row in rows if row["verdict"] == "FAIL"} == {}
