"""Plain words: the kinds of sentences that readers stumbled over do not come back into the pages and the help."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES
from vipswap_rest.cli.main import _VERBS, parser

# What is written instead: omit it; permanently; manually; must or should; an invalid X or an unknown X; repaired.
ODD = re.compile(
    r"\bleave[sd]? \S+ away\b|\bleft away\b|\bfor good\b|\bby hand\b|\bshall\b|\b(that|which|what) (is|are) none\b"
    r"|\bwhat holds what\b|\bwho holds what\b|\btaken note of\b|\bto be mended\b|\bmaim|\bruins\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_no_odd_phrase(page: Path) -> None:
    assert [line for line in page.read_text(encoding="utf-8").splitlines() if ODD.search(line)] == []


@pytest.mark.parametrize("verb", [name for name, *_ in _VERBS])
def test_no_help_has_an_odd_phrase(verb: str) -> None:
    (verbs,) = [one for one in parser(verb)._actions if hasattr(one, "choices") and one.choices]
    text = verbs.choices[verb].format_help()  # type: ignore[call-overload, index]

    assert not ODD.search(" ".join(text.split()))


def test_the_check_can_fail() -> None:
    assert ODD.search("it is refused for good")
    assert ODD.search("Leave --health away.")
    assert ODD.search("an option that is none")
