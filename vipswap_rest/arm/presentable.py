"""What a server said, fit to be shown: no token, no signature, and not without end."""

from __future__ import annotations

import re

# The values of a query, in whatever escape a message shows it: since 2023 operation URLs are signed (t, c, s, h).
_QUERY = re.compile(r"((?:[?&;]|u0026|%3F|%26)(?!api-version=)[\w.$~-]{1,64}=)[^&\s\"'<>\\;]+", re.IGNORECASE)
_SIGNATURE = re.compile(r"\b((?:t|c|s|h|sig)=)[\w%+/.~=-]{16,}", re.IGNORECASE)
# Tokens by their looks: a JWT, whole or cut, and whatever an Authorization header holds.
_TOKEN = re.compile(r"\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?|(?<=\bbearer )[\w.~+/=-]{16,}", re.IGNORECASE)
# Of a message that is not ours; ARM's own longest are a few hundred characters, and a page is no sentence.
LONGEST_MESSAGE = 4000


def presentable(text: str) -> str:
    """A text that may quote what a server said, without tokens and the values of URLs' queries, and not without end."""
    # What is cut in the middle is not known for what it is, so the end is cut last.
    shown = _TOKEN.sub("[the token]", text[: 2 * LONGEST_MESSAGE])
    shown = _SIGNATURE.sub(r"\1[...]", _QUERY.sub(r"\1[...]", shown))
    return shown if len(shown) <= LONGEST_MESSAGE else f"{shown[:LONGEST_MESSAGE]}..."
