"""The pages: what they link to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vipswap_rest.cli.flip import STRUCTURAL, WARNINGS
from vipswap_rest.switchover.flip import ERRORS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("**/*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_links_to_what_is_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    local = [link.partition("#")[0] for link in links if not link.startswith(("http", "#"))]

    assert [link for link in local if not (page.parent / link).exists()] == []


def test_the_findings_of_a_flip_are_all_in_the_table() -> None:
    text = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text, re.MULTILINE))

    assert rows == {
        **dict.fromkeys(STRUCTURAL, "error"),
        **dict.fromkeys(ERRORS, "error, can be ignored"),
        **dict.fromkeys(WARNINGS, "warning"),
    }
