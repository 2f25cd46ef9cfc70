"""HTTP/1.1 as a small backend speaks it (RFC 9112): bytes in, bytes out, no socket.

Every request gets the same answer.
"""

from __future__ import annotations

import re

_LONGEST_HEAD = 65536
_REQUEST = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) [!-~\x80-\xff]+ HTTP/1\.([01])")
_LENGTH = re.compile(rb"[0-9]{1,18}")


class Conversation:
    """One connection's requests and answers; `text` is the body of the answers to come.

    `closing` is True once the last answer was given: the connection is to be closed behind it.
    """

    def __init__(self, text: str = "") -> None:
        self.closing = False
        self.text = text
        self._buffer = bytearray()
        self._body_left = 0
        self._answer: bytes | None = None
        self._last = False

    def feed(self, data: bytes) -> bytes:
        """Take what was read from the client; returns what is to be written."""
        self._buffer += data
        out = b""
        while not self.closing:
            if self._answer is None:
                interim = self._read_head()
                if interim is None:
                    break
                out += interim
            if self._answer is not None:
                taken = min(self._body_left, len(self._buffer))
                del self._buffer[:taken]
                self._body_left -= taken
                if self._body_left:
                    break
                out += self._answer
                self._answer, self.closing = None, self._last
        return out

    def _read_head(self) -> bytes | None:
        """Take a request's head off the buffer; what is written before its body comes, None if it is not whole."""
        while self._buffer[:2] == b"\r\n":
            del self._buffer[:2]
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > _LONGEST_HEAD:
                self._refuse(b"431 Request Header Fields Too Large")
                return b""
            return None
        lines = bytes(self._buffer[:end]).split(b"\r\n")
        del self._buffer[: end + 4]
        request = _REQUEST.fullmatch(lines[0])
        fields: dict[bytes, bytes] = {}
        for line in lines[1:]:
            name, colon, value = line.partition(b":")
            if not colon or not name or name != name.strip():
                request = None
            fields[name.lower()] = value.strip()
        length = fields.get(b"content-length", b"0")
        if request is None or not _LENGTH.fullmatch(length):
            self._refuse(b"400 Bad Request")
            return b""
        words = {word.strip().lower() for word in fields.get(b"connection", b"").split(b",")}
        kept = b"keep-alive" in words if request[2] == b"0" else b"close" not in words
        # A chunked body has no length that one could skip: its answer is the last.
        self._last = not kept or b"transfer-encoding" in fields
        self._body_left = 0 if b"transfer-encoding" in fields else int(length)
        self._answer = self._made(b"200 OK", self.text.encode(), bodiless=request[1] == b"HEAD")
        return b"HTTP/1.1 100 Continue\r\n\r\n" if fields.get(b"expect", b"").lower() == b"100-continue" else b""

    def _refuse(self, status: bytes) -> None:
        self._last, self._body_left = True, 0
        self._answer = self._made(status, status)

    def _made(self, status: bytes, body: bytes, *, bodiless: bool = False) -> bytes:
        lines = [
            b"HTTP/1.1 " + status,
            b"Content-Type: text/plain; charset=utf-8",
            b"Content-Length: %d" % len(body),
            b"Cache-Control: no-store",
            b"Connection: close" if self._last else b"Connection: keep-alive",
        ]
        return b"\r\n".join([*lines, b"", b"" if bodiless else body])
