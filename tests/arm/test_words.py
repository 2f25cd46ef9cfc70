"""ARM's words and locations, compared by what they mean."""

from __future__ import annotations

import pytest

from vipswap_rest.arm.ids import covers, same_id
from vipswap_rest.arm.words import region_key, same_word, word_key


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("Standard", "STANDARD", True), (" IPv4", "ipv4 ", True), (None, "", True), ("Basic", "Standard", False)],
)
def test_words(one: str | None, other: str | None, same: bool) -> None:
    assert same_word(one, other) is same
    assert (word_key(one) == word_key(other)) is same


@pytest.mark.parametrize("location", ["westus2", "West US 2", "WESTUS2", " west us 2 "])
def test_locations(location: str) -> None:
    assert region_key(location) == "westus2"


@pytest.mark.parametrize(
    ("one", "other", "same"), [("/A/b", "/a/B", True), (None, None, False), ("/a", None, False), ("/a", "/ab", False)]
)
def test_ids(one: str | None, other: str | None, same: bool) -> None:
    assert same_id(one, other) is same


@pytest.mark.parametrize(
    ("scope", "other", "above"),
    [("/s/1", "/S/1/g/x", True), ("/s/1", "/s/1", True), ("/s/1", "/s/10", False), ("/s/1/g", "/s/1", False)],
)
def test_scopes(scope: str, other: str, above: bool) -> None:
    assert covers(scope, other) is above
