"""How ARM's words are compared: enumerations without regard to case, locations without regard to blanks either.

ARM takes and shows both in any case: `Standard` is `standard`, `West US` is `westus`
(https://github.com/cloud-and-ai-microsoft/resource-provider-contract/blob/master/v1.0/resource-api-reference.md).
"""

from __future__ import annotations


def word_key(word: object) -> str:
    """What a word of ARM is compared by; empty for null and for what is missing."""
    return "" if word is None else str(word).strip().lower()


def same_word(one: object, other: object) -> bool:
    """Whether ARM takes the two for one word."""
    return word_key(one) == word_key(other)


def region_key(location: object) -> str:
    """What a location is compared by; empty for null and for what is missing."""
    return "".join(word_key(location).split())
