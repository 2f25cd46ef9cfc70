"""The tags that a user puts on the float, because a policy asks for them. Pure.

ARM's limits: 50 tags on a resource, 512 characters in a name, 256 in a value, and some characters that no name holds
(https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources#limitations).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from vipswap_rest.arm.errors import UsageError
from vipswap_rest.arm.words import same_word, word_key
from vipswap_rest.methods.vip_swap.journal import JOURNAL_TAGS, PREFIX

MOST_TAGS, LONGEST_NAME, LONGEST_VALUE = 50, 512, 256
_FORBIDDEN = "<>%&\\?/"
# As policies name a tag in what they evaluated: tags[CostCenter], tags['CostCenter'].
_ASKED = re.compile(r"\btags\[['\"]?([^\]'\"]{1,512})['\"]?\]", re.IGNORECASE)


def float_tags(texts: Sequence[str]) -> dict[str, str]:
    """The tags of `--float-tag KEY=VALUE`, each text one of them. Raises UsageError for what ARM would refuse."""
    tags: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--float-tag {text!r} is not KEY=VALUE.")
        _check(name, value)
        if any(same_word(name, other) for other in tags):
            raise UsageError(f"--float-tag names the tag {name!r} twice; ARM compares names without case.")
        tags[name] = value
    if len(tags) > MOST_TAGS - JOURNAL_TAGS:
        raise UsageError(
            f"--float-tag is given {len(tags)} times: ARM allows {MOST_TAGS} tags, and vipswap needs {JOURNAL_TAGS}.",
            hint=f"Give {MOST_TAGS - JOURNAL_TAGS} at most.",
        )
    return tags


def _check(name: str, value: str) -> None:
    if word_key(name).startswith(PREFIX):
        raise UsageError(f"--float-tag {name!r}: names that begin with {PREFIX} are vipswap's own.")
    if len(name) > LONGEST_NAME:
        raise UsageError(f"--float-tag: a tag's name has {LONGEST_NAME} characters at most, this one {len(name)}.")
    if len(value) > LONGEST_VALUE:
        raise UsageError(
            f"--float-tag {name!r}: a tag's value has {LONGEST_VALUE} characters at most, this one {len(value)}."
        )
    found = [character for character in name if character in _FORBIDDEN or not character.isprintable()]
    if found:
        raise UsageError(f"--float-tag {name!r}: ARM allows no {found[0]!r} in a tag's name.")


def with_float_tags(tags: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """A float's tags with the given ones; names compare without case, and an older spelling goes."""
    names = {word_key(name) for name in given}
    return {name: value for name, value in tags.items() if word_key(name) not in names} | dict(given)


def float_tag_hint(codes: Collection[str], text: str) -> str:
    """What to add to the hint of a refusal of the float: the tags that a policy asks for, if it is about tags."""
    if "RequestDisallowedByPolicy" not in codes or "tag" not in word_key(text):
        return ""
    names = list(dict.fromkeys(_ASKED.findall(text))) or ["KEY"]
    return f" It is about tags: add {' '.join(f'--float-tag {name}=VALUE' for name in names)}."
