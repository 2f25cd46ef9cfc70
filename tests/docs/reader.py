"""A reader of the pages, who types what they say: on an emulator of their own, in a folder of their own."""

from __future__ import annotations

import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import requests

from tests.docs.pages import ROOT, Block

PATIENCE_S = 120
EMULATOR = ("--latency", "blog", "--time-scale", "0.01", "--pairs", "2")
_LOGIN = ("AZURE_", "ARM_", "IDENTITY_", "MSI_", "VIPSWAP_", "REQUESTS_CA_BUNDLE")


class Reader:
    """Runs command lines and programs one after the other; what a line exports, the next one has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._children: list[subprocess.Popen[str]] = []
        self._bin = Path(sys.executable).parent
        self.environment = {name: text for name, text in os.environ.items() if not name.startswith(_LOGIN)}
        self.environment |= {"PATH": f"{self._bin}:{os.environ['PATH']}", "HOME": str(folder), "COLUMNS": "100"}
        (folder / ".venv").symlink_to(self._bin.parent)
        for name in ("scripts", "docs"):
            shutil.copytree(ROOT / name, folder / name)
        self.words: dict[str, str] = {}

    def __enter__(self) -> Reader:
        said = self.start(" ".join(["vipswap emulator", *EMULATOR, "> emulator.json &"]))
        self.environment |= {
            "AZURE_RM_ENDPOINT": said["endpoint"],
            "AZURE_ACCESS_TOKEN": "any",
            "AZURE_SUBSCRIPTION_ID": said["subscription"],
        }
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self._children:
            child.terminate()
        for child in self._children:
            child.wait(PATIENCE_S)

    def start(self, line: str) -> dict[str, Any]:
        """Start an emulator in the background by a line that ends in `> FILE &`, and take its first line's words."""
        command, _, name = line.removesuffix("&").rpartition(">")
        target = self.folder / name.strip()
        with target.open("w") as out:
            ways = self._ways(quiet=True) | {"stdout": out}
            self._children.append(subprocess.Popen(["bash", "-c", f"exec {command}"], **ways))
        end = time.monotonic() + PATIENCE_S
        while not target.read_text().endswith("\n"):
            assert time.monotonic() < end, f"{line}: it printed no line"
            time.sleep(0.02)
        said: dict[str, Any] = json.loads(target.read_text())
        self.words = self._words(said)
        return said

    def _words(self, said: dict[str, Any]) -> dict[str, str]:
        """What the pages' words in capitals stand for."""
        words = {name.upper(): str(text) for name, text in said.items() if isinstance(text, str)}
        words["GROUP"] = said["resource_group"]
        production, staging = said["load_balancers"]
        words |= {"PRODUCTION_LB": production, "STAGING_LB": staging, "BLUE_LB": production, "GREEN_LB": staging}
        listed = requests.get(f"{said['endpoint']}/emulator/state", timeout=10, verify=said["ca_file"] or True)
        by_id = {one["id"].lower(): one for one in listed.json()["resources"]}
        for side, name in (("PRODUCTION", production), ("STAGING", staging)):
            balancer = next(one for key, one in by_id.items() if key.endswith(f"/loadbalancers/{name}".lower()))
            held = balancer["properties"]["frontendIPConfigurations"][0]["properties"]["publicIPAddress"]["id"]
            address = by_id[held.lower()]
            words |= {f"{side}_IP": address["name"], f"{side}_ADDRESS": address["properties"]["ipAddress"]}
        return words

    def filled(self, text: str) -> str:
        """The text with each word in capitals replaced by what it stands for."""
        return re.sub(rf"\b({'|'.join(sorted(self.words, key=len, reverse=True))})\b", lambda m: self.words[m[0]], text)

    def run(self, block: Block) -> None:
        """Run a block. Raises AssertionError with what was printed where it does not end as it should."""
        expected = int(block.markers.get("exits", 0))
        if block.language == "python":
            command = [sys.executable, "-c", self.filled(block.text)]
            ran = subprocess.run(command, **self._ways(), timeout=PATIENCE_S)
            assert ran.returncode == expected, f"line {block.line}: exit {ran.returncode}\n{ran.stdout}{ran.stderr}"
            return
        told = ""
        for command_line in block.commands:
            line = self.filled(command_line)
            if line.endswith("&"):
                self.start(line)
                continue
            ran = self._bash(line)
            assert ran.returncode == expected, f"line {block.line}: {line}: exit {ran.returncode}\n{ran.stdout}"
            assert "Traceback" not in ran.stdout, f"line {block.line}: {line}\n{ran.stdout}"
            told += f"$ {command_line}\n{ran.stdout}"
        if block.language == "console":
            differ = "\n".join(difflib.ndiff(shape(block.text), shape(told)))
            assert shape(told) == shape(block.text), f"line {block.line}: the transcript differs:\n{differ}"

    def _bash(self, line: str) -> subprocess.CompletedProcess[str]:
        """One line with what was exported before it; stderr is in its stdout, as on a terminal."""
        left = self.folder / "environment"
        script = f"set -o pipefail\n{line}\ncode=$?\nenv -0 > {left}\nexit $code"
        ran = subprocess.run(["bash", "-c", script], **self._ways(), timeout=PATIENCE_S)
        pairs = (item.partition("=") for item in left.read_text().split("\0") if "=" in item)
        self.environment = {name: text for name, _, text in pairs}
        return ran

    def _ways(self, *, quiet: bool = False) -> dict[str, Any]:
        errors = subprocess.DEVNULL if quiet else subprocess.STDOUT
        ways: dict[str, Any] = {"cwd": self.folder, "env": self.environment, "text": True}
        return ways | {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": errors}


def shape(transcript: str) -> list[str]:
    """What of a transcript is the same in every run: each line's first words without figures, ids and polls."""
    found = []
    for line in transcript.splitlines():
        masked = re.sub(r", \d+ polls?", "", line.replace("[", " "))
        words = re.sub(r"\d[\w.]*( m?s\b)?", "N", masked).split()
        # A row of figures: what was observed has other words in each run.
        found.append(" ".join(words[:2] if words[1:2] == ["N"] else words[:6]))
    return [line for line in found if line]
