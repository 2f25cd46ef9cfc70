"""What the pages tell the reader to type works, in the order in which it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import requests

from tests.docs.pages import PAGES, RUN, SHOWN, blocks_of, read
from tests.docs.reader import Reader, shape
from tests.docs.situations import SITUATIONS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_runs_or_says_why_not(page: Path, tmp_path: Path) -> None:
    blocks = [block for block in read(page) if block.language in RUN and "not run" not in block.markers]
    if not blocks:
        return
    with Reader(tmp_path) as reader:
        for block in blocks:
            if "given" in block.markers:
                SITUATIONS[block.markers["given"]](reader)
            reader.run(block)
        endpoint, trusted = reader.environment["AZURE_RM_ENDPOINT"], reader.environment.get("REQUESTS_CA_BUNDLE", True)
        left = requests.get(f"{endpoint}/emulator/state", timeout=10, verify=trusted).json()["resources"]

    assert [one["name"] for one in left if "float" in one["name"] or one["name"] == "mine"] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_stands_in_blocks_of_a_known_language(page: Path) -> None:
    """So that no command line hides from the test above."""
    text = page.read_text(encoding="utf-8")
    assert {block.language for block in blocks_of(text)} <= RUN | SHOWN
    without_blocks = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"\n\n(?: {4}|\t)\S.*", without_blocks) == []
    for block in blocks_of(text):
        if block.language in SHOWN:
            assert not [
                line for line in block.text.splitlines() if re.match(r"\$ |(\.venv/bin/)?vipswap |scripts/\w", line)
            ]


def test_a_page_has_fences_markers_and_continued_lines() -> None:
    page = "<!-- not run: why -->\n\n```sh\na \\\n  b\n# no\nc\n```\n\n```console\n$ d\nout\n```\n"

    first, second = blocks_of(page)

    assert (first.line, first.markers, first.commands) == (3, {"not run": "why"}, ["a    b", "c"])
    assert (second.markers, second.commands, second.units) == ({}, ["d"], 1)


def test_a_transcript_that_differs_is_noticed() -> None:
    assert shape("$ x\n[  0.1 s] done in 3 s") == shape("$ x\n[ 12.9 s] done in 45.1 s")
    assert shape("$ x\n[  0.1 s] done in 3 s") != shape("$ x\n[  0.1 s] NOT done in 3 s")
