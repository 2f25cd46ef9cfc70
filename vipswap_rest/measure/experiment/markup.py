"""HTML that cannot be broken by what stands in it: every text is escaped, unless it is HTML already. Pure."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

_VOID = frozenset({"meta", "link", "br"})


class Html(str):
    """A piece of HTML. Anything else is text."""

    __slots__ = ()


def text(value: object) -> Html:
    """Escaped, for between tags and for attributes; what cannot be printed becomes a replacement character."""
    if isinstance(value, Html):
        return value
    shown = "".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in str(value))
    return Html(html.escape(shown))


def element(name: str, /, *children: object, **attributes: str) -> Html:
    """An element; `class_` stands for class, and `_` in an attribute for a hyphen."""
    told = "".join(f' {key.rstrip("_").replace("_", "-")}="{text(value)}"' for key, value in attributes.items())
    if name in _VOID:
        return Html(f"<{name}{told}>")
    return Html(f"<{name}{told}>{''.join(map(text, children))}</{name}>")


def items(entries: Iterable[object]) -> Html:
    """An unordered list."""
    return element("ul", *(element("li", entry) for entry in entries))


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]], *, marked: Iterable[int] = ()) -> Html:
    """A table that scrolls by itself where it is too wide. A row's first cell is its heading. marked: numbers of rows,
    from 0, that are greyed."""
    grey = set(marked)
    body = [
        element(
            "tr",
            element("th", row[0], scope="row"),
            *(element("td", cell) for cell in row[1:]),
            **({"class_": "grey"} if number in grey else {}),
        )
        for number, row in enumerate(rows)
    ]
    heads = element("tr", *(element("th", name, scope="col") for name in head))
    inner = element("table", element("caption", caption), element("thead", heads), element("tbody", *body))
    return element("div", inner, class_="wide", tabindex="0", role="region", aria_label=caption)
