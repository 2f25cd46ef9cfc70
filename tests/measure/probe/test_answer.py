"""Reading an HTTP answer: as much as is needed, and no crash on anything else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vipswap_rest.measure.probe.answer import LARGEST_HEAD, LONGEST_IDENTITY, HttpAnswer, NotHttp, read_answer, request

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"


def test_the_request_names_the_host_and_closes() -> None:
    asked = request("blue.example:8080", "/health?full=1")

    assert asked.startswith(b"GET /health?full=1 HTTP/1.1\r\nHost: blue.example:8080\r\n")
    assert b"\r\nConnection: close\r\n" in asked
    assert asked.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("data", "ended", "expected"),
    [
        (HEAD + b"Content-Length: 10\r\n\r\nvipswap1lb", False, HttpAnswer(200, "vipswap1lb", len(HEAD) + 32)),
        (HEAD + b"Content-Length: 10\r\n\r\nvip", False, None),
        (HEAD + b"\r\nvipswap1lb\nand more", False, HttpAnswer(200, "vipswap1lb")),
        (HEAD + b"\r\nvipswap1lb", False, None),
        (HEAD + b"\r\nvipswap1lb", True, HttpAnswer(200, "vipswap1lb")),
        (HEAD + b"Content-Length: 0\r\n\r\n", False, HttpAnswer(200, None, len(HEAD) + 21)),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nvip\r\n4\r\nswap", False, None),
        (
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nvip\r\n4\r\nswap\r\n0\r\n\r\n",
            False,
            HttpAnswer(200, "vipswap"),
        ),
        (b"HTTP/1.0 302 Found\r\nLocation: /x\r\n\r\n", False, HttpAnswer(302, None, None, closes=True)),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>", False, HttpAnswer(200, None)),
        (b"HTTP/1.1 100 Continue\r\n\r\n", False, None),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", False, HttpAnswer(204, None, 27)),
        (b"HTTP/1.1 204 No\r\nConnection: Close\r\n\r\n", False, HttpAnswer(204, None, 38, closes=True)),
        (b"HTTP/1.1 200\r\n", False, None),
        (b"HTT", False, None),
        (b"", True, None),
    ],
)
def test_the_status_and_the_first_line_of_plain_text_are_read(
    data: bytes, ended: bool, expected: HttpAnswer | None
) -> None:
    assert read_answer(data, ended=ended) == expected


def test_a_long_first_line_is_cut_and_what_cannot_be_printed_left_out() -> None:
    body = b"\x1b[31mred\x00" + b"x" * 1000

    answer = read_answer(HEAD + b"\r\n" + body)

    assert answer is not None
    assert answer.identity is not None
    assert answer.identity.startswith("[31mredx")
    assert len(answer.identity) <= LONGEST_IDENTITY


@pytest.mark.parametrize(
    "data",
    [
        b"220 mail ready\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * LARGEST_HEAD,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nhello\r\n",
    ],
)
def test_what_is_no_http_is_called_so(data: bytes) -> None:
    with pytest.raises(NotHttp):
        read_answer(data)


PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"Content-Type: text/plain\r\n",
        b"Content-Length: 3\r\n",
        b"Content-Length: -3\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"\r\n",
        b"\n",
        b"3\r\nabc\r\n",
        b"0\r\n\r\n",
        b"-1\r\n",
        b":",
    ]
)


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES | st.binary(max_size=8), max_size=12).map(b"".join), st.booleans())
def test_any_bytes_are_an_answer_no_http_or_not_enough(data: bytes, ended: bool) -> None:
    try:
        answer = read_answer(data, ended=ended)
    except NotHttp:
        return
    if answer is not None:
        assert 101 <= answer.status <= 999
        assert answer.identity is None or (
            answer.identity.isprintable() and 0 < len(answer.identity) <= LONGEST_IDENTITY
        )
