"""What came back: an answer, read once and whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from vipswap_rest.lro import NotJson


@dataclass(frozen=True, slots=True)
class Response:
    """An answer of ARM's: status, headers, and the body as parsed JSON (None if empty, NotJson if it is none).

    `sent` and `received` are monotonic seconds of the try that was answered.
    """

    status: int
    # Not shown: some of them are signed URLs.
    headers: Mapping[str, str] = field(repr=False)
    body: Any
    sent: float = 0.0
    received: float = 0.0

    @property
    def request_id(self) -> str | None:
        """The id to quote to Microsoft's support."""
        names = ("x-ms-request-id", "x-ms-arm-service-request-id", "x-ms-correlation-request-id")
        return next((self.headers[name] for name in names if self.headers.get(name)), None)


def cut_short(answer: requests.Response) -> bool:
    """Whether HTTP/1.1 left the body's end to the connection's, and none came: http.client takes that for an answer."""
    framed = "Content-Length" in answer.headers or "Transfer-Encoding" in answer.headers or answer.status_code == 204
    return not framed and not answer.content and getattr(answer.raw, "version", None) == 11


def parse(answer: requests.Response, token: str) -> Any:
    content = answer.content
    if len(token) >= 20:
        # Gateways that echo a request back would put the token into our error messages.
        content = content.replace(token.encode(), b"[the token]")
    try:
        return json.loads(content) if content.strip(b"\xef\xbb\xbf \t\r\n") else None
    except (ValueError, RecursionError):
        return NotJson(content.decode(errors="replace"))
