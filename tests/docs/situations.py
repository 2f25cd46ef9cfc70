"""Situations that a page takes for granted, made before a block that is marked `<!-- given: ... -->`."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import requests

from tests.docs.reader import PATIENCE_S, Reader


def _killed_in_the_outage(reader: Reader) -> None:
    """A swap whose process is killed when the write that takes production's address off has been done."""
    endpoint = reader.environment["AZURE_RM_ENDPOINT"]
    hang = {"match": {"method": "PUT", "path": f"/{reader.words['PRODUCTION_LB']}$"}, "effect": {"hang_s": 60}}
    requests.post(f"{endpoint}/emulator/faults", json=hang, timeout=10).raise_for_status()
    pair = ["-g", "GROUP", "--lb1", "PRODUCTION_LB", "--lb2", "STAGING_LB"]
    line = [reader.filled(word) for word in ("swap", *pair, "--yes", "--no-probe", "--request-timeout", "2")]
    command = [sys.executable, "-m", "vipswap_rest", *line]
    with subprocess.Popen(
        command, env=reader.environment, cwd=reader.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        end = time.monotonic() + PATIENCE_S
        while not requests.get(f"{endpoint}/emulator/faults", timeout=10).json()["faults"][0]["struck"]:
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    requests.delete(f"{endpoint}/emulator/faults", timeout=10).raise_for_status()


def _two_pairs(reader: Reader) -> None:
    pairs = [
        {"resource_group": reader.words["GROUP"], "lb1": f"pair000{n}a", "lb2": f"pair000{n}b", "wave": n - 1}
        for n in (1, 2)
    ]
    (reader.folder / "pairs.json").write_text(json.dumps({"pairs": pairs}), encoding="utf-8")


def _fresh(reader: Reader) -> None:
    requests.post(f"{reader.environment['AZURE_RM_ENDPOINT']}/emulator/reset", timeout=10).raise_for_status()


SITUATIONS = {
    "the emulator as it was at first": _fresh,
    "a swap killed while production's address is on no load balancer": _killed_in_the_outage,
    "two pairs of the emulator in pairs.json": _two_pairs,
}
