"""What came back: an answer, read once and whole."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from vipswap_rest.arm.error_body import error_of
from vipswap_rest.arm.errors import REQUEST_ID, Detail
from vipswap_rest.arm.http.connection import LARGEST_ANSWER_B, AnswerTooLong
from vipswap_rest.arm.lro import NotJson

# How a body may be packed, and how much of a packed one is unpacked at a time.
ACCEPTED_PACKINGS = "gzip, deflate"
_PACKINGS = ("identity", "gzip", "x-gzip", "deflate")
_PIECE_B = 4096


@dataclass(frozen=True, slots=True)
class Response:
    """An answer of ARM's: status, headers, and the body as parsed JSON (None if empty, NotJson if it is none).

    `sent` and `received` are monotonic seconds of the try that was answered.
    """

    status: int
    # Not shown: there may be signed URLs in both.
    headers: Mapping[str, str] = field(repr=False)
    body: Any = field(repr=False)
    sent: float = 0.0
    received: float = 0.0

    @property
    def request_id(self) -> str | None:
        """The id to quote to Microsoft's support."""
        names = ("x-ms-request-id", "x-ms-arm-service-request-id", "x-ms-correlation-request-id")
        return next((self.headers[name] for name in names if REQUEST_ID.fullmatch(self.headers.get(name) or "")), None)


# `WWW-Authenticate: Bearer ..., error="insufficient_claims", claims="BASE64"` of a 401
# (https://learn.microsoft.com/entra/identity-platform/claims-challenge).
_CHALLENGE = re.compile(r'error="?insufficient_claims\b', re.IGNORECASE)
_CLAIMS = re.compile(r'claims="?([A-Za-z0-9+/=_%-]{1,4000})', re.IGNORECASE)


def refusal_of(response: Response) -> tuple[str, str, tuple[Detail, ...]]:
    """Code, message and details of an answer that refuses: those of its body, and the claims that a 401 asks for."""
    code, message, details = error_of(response.body)
    challenge = response.headers.get("WWW-Authenticate") or ""
    if response.status == 401 and _CHALLENGE.search(challenge):
        claims = _CLAIMS.search(challenge)
        named = f': claims="{claims[1]}"' if claims else ""
        details = (*details, Detail("insufficient_claims", f"the login lacks claims that ARM asks for{named}"))
    return code, message, details


def read(answer: requests.Response) -> bytes:
    """The body, unpacked. Raises AnswerTooLong, ContentDecodingError, and whatever requests raises of a broken one."""
    packed = (answer.headers.get("Content-Encoding") or "identity").strip().lower()
    if packed not in _PACKINGS:
        # We did not ask for it, and a packing within a packing is how a few bytes become a few gigabytes.
        raise requests.exceptions.ContentDecodingError("the body has a content encoding that was not asked for")
    if answer.status_code < 200:
        raise requests.ConnectionError("an interim answer that was not asked for; the next one is anybody's")
    content = bytearray()
    # In small pieces, because each may unpack to a thousand times its size.
    for piece in answer.iter_content(_PIECE_B):
        content += piece
        if len(content) > LARGEST_ANSWER_B:
            raise AnswerTooLong(f"more than {LARGEST_ANSWER_B} bytes")
    if _cut_short(answer, content):
        raise requests.ConnectionError("the connection ended within the headers")
    return bytes(content)


def _cut_short(answer: requests.Response, content: bytearray) -> bool:
    """Whether HTTP/1.1 left the body's end to the connection's, and none came: http.client takes that for an answer."""
    framed = "Content-Length" in answer.headers or "Transfer-Encoding" in answer.headers or answer.status_code == 204
    return not framed and not content and getattr(answer.raw, "version", None) == 11


def parse(content: bytes, tokens: Collection[str]) -> Any:
    """The body as JSON, None or text, the tokens cut out: gateways that echo a request would put them into errors."""
    try:
        return without(json.loads(content), tokens) if content.strip(b"\xef\xbb\xbf \t\r\n") else None
    except (ValueError, RecursionError):
        return NotJson(without(content.decode(errors="replace"), tokens))


def without(value: Any, tokens: Collection[str]) -> Any:
    """The same value, every token in every text of it replaced."""
    if isinstance(value, str):
        for token in tokens:
            value = value.replace(token, "[the token]")
        return value
    if isinstance(value, list):
        return [without(item, tokens) for item in value]
    if isinstance(value, dict):
        return {without(key, tokens): without(item, tokens) for key, item in value.items()}
    return value
