"""URLs of ARM's: taken apart in one strict way, and shown without what is secret in them."""

from __future__ import annotations

import re
from urllib.parse import unquote

# Scheme, host, port, and the rest. Stricter than any parser of URLs, because two of them may read one URL in two ways
# ("https://evil\\@arm/"), and then the token goes where only the second of them saw a host.
URL = re.compile(r"(https?)://([\w.-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?((?:[/?][^#]*)?)(?:#.*)?", re.IGNORECASE)
_PUBLIC = re.compile(r"api-version=", re.IGNORECASE)
_QUERY_SHOWN = re.compile(r"[?&](api-version=[\w.-]+)")


def redact(url: str) -> str:
    """The path of a URL, and of its query the api-version: operation URLs are signed, and a signature is a secret."""
    found = URL.fullmatch(url)
    target = found[4] if found else url
    version = _QUERY_SHOWN.search(target)
    return target.partition("?")[0].partition("#")[0] + (f"?{version[1]}" if version else "")


def signed_values(target: str) -> list[str]:
    """The values in a target's query that are long enough to be secrets, as they stand and decoded."""
    found = [pair.partition("=")[2] for pair in target.partition("?")[2].split("&") if not _PUBLIC.match(pair)]
    return [value for raw in found for value in {raw, unquote(raw)} if len(value) >= 8]


def origin_of(found: re.Match[str]) -> tuple[str, str, int]:
    scheme = found[1].lower()
    return scheme, found[2].lower(), int(found[3] or {"https": 443, "http": 80}[scheme])
