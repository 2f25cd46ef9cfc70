"""What `scripts/conformance` runs: each suite by a pytest of its own, and a table of how they went."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.conformance.installed import versions

ROOT = Path(__file__).resolve().parents[2]
# By name: what is run, as patterns of files; a pattern that matches nothing is a failure.
SUITES: dict[str, tuple[str, ...]] = {
    "long-running-operations": ("tests/conformance/test_lro*.py",),
    "hostile-servers": ("tests/hostile",),
    "credentials": (
        "tests/cli/test_credentials*.py",
        "tests/cli/test_login_info.py",
        "tests/cli/test_over_tls.py",
        "tests/cli/test_short_tokens.py",
        "tests/cli/test_token_expiry.py",
        "tests/methods/vip_swap/test_token*.py",
        "tests/arm/test_auth*.py",
        "tests/arm/test_token_session.py",
        "tests/emulator/test_token_service.py",
        "tests/emulator/test_managed_identity.py",
        "tests/emulator/test_assertions.py",
        "tests/emulator/test_metadata.py",
    ),
    "manners": (
        "tests/cli/test_polite.py",
        "tests/methods/vip_swap/test_manners.py",
        "tests/methods/vip_swap/test_throttling.py",
        "tests/*/test_request_ids.py",
    ),
    "sdk": ("tests/conformance/test_sdk.py",),
    "azure-cli": ("tests/conformance/test_azure_cli.py",),
    "azurerm": ("tests/conformance/test_azurerm.py",),
    "bodies": (
        "tests/emulator/test_openapi.py",
        "tests/emulator/test_record*.py",
        "tests/arm/test_record*.py",
        "tests/arm/test_request_bodies.py",
        "tests/methods/vip_swap/test_request_bodies.py",
    ),
}
# Whose versions are told, by suite: other people's clients are the newest of the day.
CLIENTS = {
    "sdk": ("azure-mgmt-network", "azure-identity"),
    "azure-cli": ("azure-cli",),
    "azurerm": ("azurerm", "adal"),
}
_PATIENCE_S = 3600


@dataclass(frozen=True)
class Outcome:
    """How a suite went: `result` is passed, failed or skipped, `detail` how many tests did, and why some did not."""

    result: str
    detail: str
    seconds: float = 0.0


def run(name: str) -> Outcome:
    """Run one suite, its output going where ours goes."""
    files: list[str] = []
    for pattern in SUITES[name]:
        found = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(pattern))
        if not found:
            return Outcome("failed", f"{pattern} is not there")
        files += found
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *files],
            cwd=ROOT,
            env={**os.environ, "VIPSWAP_CLIENTS": "1"},
            timeout=_PATIENCE_S,
            check=False,
        )
        text = report.read_text(encoding="utf-8") if report.is_file() else None
    outcome = judge(ran.returncode, text)
    told = versions(name, *CLIENTS.get(name, ()))
    detail = "; ".join([outcome.detail, *(f"{package} {version}" for package, version in told.items())])
    return Outcome(outcome.result, detail, time.monotonic() - start)


def judge(code: int, report: str | None) -> Outcome:
    """What pytest's exit code and its report in JUnit's XML say of a suite.

    Skipped is a suite of which nothing ran; a test that was skipped beside others that ran is counted and its reason
    given. A failure is whatever made pytest end with another code than 0, and a suite without a test.
    """
    if report is None:
        return Outcome("failed", f"pytest ended with {code} before it ran anything")
    cases = list(ElementTree.fromstring(report).iter("testcase"))
    counts = Counter(_fate(case) for case in cases)
    reasons = Counter(str(skip.get("message")) for case in cases for skip in case.iter("skipped"))
    told = [f"{counts[fate]} {fate}" for fate in ("passed", "failed", "skipped") if counts[fate]]
    detail = "; ".join([", ".join(told) or "no test", *reasons])
    if code != 0 or not cases or counts["failed"]:
        return Outcome("failed", detail)
    return Outcome("passed" if counts["passed"] else "skipped", detail)


def _fate(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def table(outcomes: dict[str, Outcome]) -> str:
    """One line a suite."""
    wide = max(len(name) for name in outcomes)
    return "\n".join(
        f"{name:<{wide}}  {outcome.result:<7}  {outcome.seconds:5.0f} s  {outcome.detail}"
        for name, outcome in outcomes.items()
    )


def main(names: list[str]) -> int:
    """Run these suites, or all: 0 if none failed, 1 if one did, 2 for a name that there is not."""
    unknown = [name for name in names if name not in SUITES]
    if unknown:
        print(f"There is no suite {', '.join(unknown)}; there are {', '.join(SUITES)}.", file=sys.stderr)
        return 2
    outcomes: dict[str, Outcome] = {}
    for name in names or SUITES:
        print(f"== {name}", flush=True)
        outcomes[name] = run(name)
    print(f"\n{table(outcomes)}")
    return 1 if any(outcome.result == "failed" for outcome in outcomes.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
