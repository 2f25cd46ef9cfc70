"""The part of an HTTP/1.x answer that a probe reads: the status, and who answers. Pure; RFC 9112."""

from __future__ import annotations

from dataclasses import dataclass

# No health endpoint's head is longer.
LARGEST_HEAD = 16 * 1024
LONGEST_IDENTITY = 100


class NotHttp(ValueError):
    """These bytes are not the beginning of an HTTP/1.x answer."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A status; the first line of a text/plain body, or None; the length in bytes of the whole answer, or None if the
    head does not state it; and whether the server closes the connection after it."""

    status: int
    identity: str | None
    length: int | None = None
    closes: bool = False


def request(authority: str, path: str, *, keep: bool = False) -> bytes:
    """A GET. keep: leave the connection open."""
    connection = "keep-alive" if keep else "close"
    return (
        f"GET {path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: vipswap-probe\r\nAccept: text/plain, */*\r\n"
        f"Connection: {connection}\r\n\r\n"
    ).encode("ascii")


def read_answer(data: bytes | bytearray, *, ended: bool = False) -> HttpAnswer | None:
    """The answer, or None while it is incomplete. ended: nothing more will come.

    It is complete with the identity; the rest of the body is not waited for. Raises NotHttp for anything but HTTP/1.x.
    """
    if not data.startswith(b"HTTP/1."[: len(data)]):
        raise NotHttp("it does not begin with HTTP/1")
    head, found, body = bytes(data).partition(b"\r\n\r\n")
    if not found:
        if len(data) > LARGEST_HEAD:
            raise NotHttp(f"its head is longer than {LARGEST_HEAD} bytes")
        return None
    status, headers = _head(head)
    if 100 <= status < 200 and status != 101:
        return read_answer(body, ended=ended) if body or ended else None
    length = _length(status, headers)
    closes = "close" in headers.get("connection", "").lower() or data.startswith(b"HTTP/1.0")
    whole = None if length is None else len(data) - len(body) + length
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "text/plain":
        return HttpAnswer(status, None, whole, closes)
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body, last = _joined(body)
        ended = ended or last
    ended = ended or (length is not None and len(body) >= length) or len(body) > LONGEST_IDENTITY
    line, found, _ = body.partition(b"\n")
    if not found and not ended:
        return None
    return HttpAnswer(status, _printable(line), whole, closes)


def _head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    parts = first.split(" ", 2)
    if len(parts) < 2 or len(parts[1]) != 3 or not (parts[1].isascii() and parts[1].isdigit()):
        raise NotHttp("its first line has no status")
    fields = (line.partition(":") for line in lines)
    return int(parts[1]), {name.strip().lower(): value.strip() for name, _, value in fields}


def _length(status: int, headers: dict[str, str]) -> int | None:
    """Bytes of the body, or None if the head does not state them."""
    if status in (204, 304):
        return 0
    told = headers.get("content-length", "")
    return int(told) if told.isascii() and told.isdigit() and "transfer-encoding" not in headers else None


def _joined(body: bytes) -> tuple[bytes, bool]:
    """The data of the chunks that are there, and whether the last chunk is among them; RFC 9112 section 7.1."""
    text = b""
    while True:
        size, found, rest = body.partition(b"\r\n")
        if not found:
            return text, False
        try:
            length = int(size.partition(b";")[0], 16)
        except ValueError as error:
            raise NotHttp("a chunk of its body has no size") from error
        if length <= 0:
            return text, True
        text, body = text + rest[:length], rest[length + 2 :]
        if len(rest) < length + 2:
            return text, False


def _printable(line: bytes) -> str | None:
    text = line[:LONGEST_IDENTITY].decode("utf-8", "replace")
    return "".join(character for character in text if character.isprintable()).strip() or None
