"""What `--float-tag` takes and refuses."""

from __future__ import annotations

import pytest

from tests.methods.vip_swap.lab import Lab
from vipswap_rest.arm.errors import UsageError
from vipswap_rest.methods.vip_swap.float_tags import (
    LONGEST_NAME,
    LONGEST_VALUE,
    MOST_TAGS,
    float_tag_hint,
    float_tags,
    with_float_tags,
)
from vipswap_rest.methods.vip_swap.journal import JOURNAL_TAGS


def test_a_journal_has_as_many_tags_as_are_counted() -> None:
    assert len(Lab().plan().journal.tags()) == JOURNAL_TAGS


def test_names_and_values_are_taken_as_they_are() -> None:
    given = ["CostCenter=42", "empty=", "note=a=b c"]

    assert float_tags(given) == {"CostCenter": "42", "empty": "", "note": "a=b c"}


def test_arms_limits_are_taken_to_the_last_character() -> None:
    assert float_tags(["n" * LONGEST_NAME + "=" + "v" * LONGEST_VALUE])
    assert len(float_tags([f"n{number}=v" for number in range(MOST_TAGS - JOURNAL_TAGS)])) == MOST_TAGS - JOURNAL_TAGS


@pytest.mark.parametrize(
    "given",
    [
        *(["noequals"], ["=value"], [" =v"], ["vipswap-run=x"], ["VipSwap-Mine=x"], ["a=1", "A=2"]),
        *(["n" * (LONGEST_NAME + 1) + "=v"], ["n=" + "v" * (LONGEST_VALUE + 1)], ["a<b=1"], ["a/b=1"]),
        [f"n{number}=v" for number in range(MOST_TAGS - JOURNAL_TAGS + 1)],
    ],
    ids=lambda given: given[0][:20] + str(len(given)),
)
def test_what_arm_would_refuse_is_a_usage_error(given: list[str]) -> None:
    with pytest.raises(UsageError) as refused:
        float_tags(given)

    assert "--float-tag" in str(refused.value)
    assert len(str(refused.value)) < 1000


def test_a_name_in_another_case_is_the_same_tag() -> None:
    assert with_float_tags({"costcenter": "1", "b": "2"}, {"CostCenter": "3"}) == {"b": "2", "CostCenter": "3"}


@pytest.mark.parametrize(
    ("code", "text", "hint"),
    [
        (
            "RequestDisallowedByPolicy",
            "path: tags[Owner], expression: tags['Owner'], tags[Cost]",
            "Owner=VALUE --float",
        ),
        ("RequestDisallowedByPolicy", "Resources need a tag.", "--float-tag KEY=VALUE"),
        ("RequestDisallowedByPolicy", "No addresses here.", ""),
        ("AuthorizationFailed", "tags[Owner]", ""),
    ],
)
def test_the_hint_names_the_tags_that_a_policy_asks_for(code: str, text: str, hint: str) -> None:
    told = float_tag_hint({code}, text)

    assert hint in told
    assert bool(hint) == bool(told)
