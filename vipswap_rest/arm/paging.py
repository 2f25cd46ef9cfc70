"""Lists in pages: the items of one, and the URL of the next.

https://github.com/Azure/azure-resource-manager-rpc/blob/master/v1.0/resource-api-reference.md#get-resource
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vipswap_rest.arm import lro

_API_VERSION = re.compile(r"([?&])api-version=([^&#]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PageNames:
    """What the pages of a list call their items and their link (None: there is one page, whatever it links to)."""

    items: str = "value"
    next_link: str | None = "nextLink"


ARM_NAMES = PageNames()


def items_of(page: Mapping[str, Any], names: PageNames) -> Iterator[dict[str, Any]]:
    """The items of a page: its JSON objects; whatever else stands there is none."""
    items = page.get(names.items)
    yield from (item for item in (items if isinstance(items, list) else []) if isinstance(item, dict))


def next_page(page: Mapping[str, Any], names: PageNames, url: str, first: str) -> str | None:
    """The URL of the page after the one at `url`, with the api-version of the `first`; None if it is the last.

    ARM refuses a request without an api-version, and some providers' links leave it out or name their own.
    """
    link = page.get(names.next_link) if names.next_link else None
    if not isinstance(link, str) or not link:
        return None
    link, asked = lro.resolve(url, link), _API_VERSION.search(first)
    if not asked:
        return link
    if _API_VERSION.search(link):
        return _API_VERSION.sub(lambda found: f"{found[1]}api-version={asked[2]}", link)
    return f"{link}{'&' if '?' in link else '?'}api-version={asked[2]}"
