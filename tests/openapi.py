"""The official definitions beside this checkout, where they are: bodies are valid by them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

VALIDATOR = Path(__file__).resolve().parents[2] / "shared" / "azure" / "openapi" / "validate.py"
VERSIONS = ("2024-03-01", "2026-03-01")
needs_definitions = pytest.mark.skipif(
    not VALIDATOR.exists(), reason="the official OpenAPI definitions (../shared/azure/openapi) are not here"
)


def complaints(version: str, definition: str, body: Any, folder: Path, *options: str) -> str:
    """What the validator says against a body; empty if it is valid."""
    file = folder / "body.json"
    file.write_text(json.dumps(body), encoding="utf-8")
    line = [sys.executable, str(VALIDATOR), "--spec", version, "-d", definition, *options, str(file)]
    ran = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    return "" if ran.returncode == 0 else (ran.stdout + ran.stderr).strip() or f"exit {ran.returncode}"
