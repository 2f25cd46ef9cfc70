"""URLs of ARM's: taken apart in one strict way, and shown without what is secret in them."""

from __future__ import annotations

import re

# Scheme, host, port, and the rest. Stricter than any parser of URLs, because two of them may read one URL in two ways
# ("https://evil\\@arm/"), and then the token goes where only the second of them saw a host.
URL = re.compile(r"(https?)://([\w.-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?((?:[/?][^#]*)?)(?:#.*)?", re.IGNORECASE)
_QUERY_SHOWN = re.compile(r"[?&](api-version=[\w.-]+)")


def redact(url: str) -> str:
    """The path of a URL, and of its query the api-version: operation URLs are signed, and a signature is a secret."""
    found = URL.fullmatch(url)
    target = found[4] if found else url
    version = _QUERY_SHOWN.search(target)
    return target.partition("?")[0].partition("#")[0] + (f"?{version[1]}" if version else "")


def origin_of(found: re.Match[str]) -> tuple[str, str, int]:
    scheme = found[1].lower()
    return scheme, found[2].lower(), int(found[3] or {"https": 443, "http": 80}[scheme])
