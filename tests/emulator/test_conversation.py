"""The small backend's HTTP, without a socket."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vipswap_rest.emulator.data_plane.conversation import Conversation

GET = b"GET /any HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nGET / HTT"
HEAD = b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def talk(*parts: bytes) -> tuple[bytes, bool]:
    conversation = Conversation("green")
    return b"".join(conversation.feed(part) for part in parts), conversation.closing


def test_it_answers_with_its_name_as_plain_text_and_keeps_the_connection() -> None:
    answer, closing = talk(GET)
    head, _, body = answer.partition(b"\r\n\r\n")

    assert (head.split(b"\r\n")[0], body, closing) == (b"HTTP/1.1 200 OK", b"green", False)
    assert b"Content-Type: text/plain" in head
    assert b"Content-Length: 5" in head


@pytest.mark.parametrize(
    ("request_", "closing"),
    [
        (GET, False),
        (LAST, True),
        (b"GET / HTTP/1.1\r\nConnection: x, Close\r\n\r\n", True),
        (b"GET / HTTP/1.0\r\n\r\n", True),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", False),
        (b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", True),
        (POST, False),
    ],
)
def test_the_connection_is_kept_as_http_says(request_: bytes, closing: bool) -> None:
    answer, is_closing = talk(request_)

    assert (answer.endswith(b"\r\n\r\ngreen"), is_closing) == (True, closing)
    assert (b"Connection: close" in answer) is closing


def test_head_is_answered_without_the_body() -> None:
    answer, _ = talk(HEAD)

    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Length: 5" in answer


def test_a_request_is_answered_once_its_body_is_there() -> None:
    conversation = Conversation("green")

    assert conversation.feed(POST[:-1]) == b""
    assert conversation.feed(POST[-1:]).endswith(b"green")


def test_a_client_that_waits_for_100_continue_gets_it() -> None:
    conversation = Conversation("green")

    assert conversation.feed(b"PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n").startswith(
        b"HTTP/1.1 100 "
    )
    assert conversation.feed(b"x").endswith(b"green")


def test_empty_lines_before_a_request_are_skipped() -> None:
    assert talk(b"\r\n\r\n" + GET) == talk(GET)


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\nx\r\n\r\n",
        b"garbage\r\n\r\n",
        b"GET  / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\n: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nA : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\xb2\r\n\r\n",
    ],
)
def test_what_is_no_http_gets_a_400_and_the_end(data: bytes) -> None:
    answer, closing = talk(data, GET)

    assert (answer.split(b"\r\n")[0], answer.count(b"HTTP/1.1 "), closing) == (b"HTTP/1.1 400 Bad Request", 1, True)


def test_a_head_without_end_gets_a_431_and_the_end() -> None:
    answer, closing = talk(*[b"x" * 10000] * 7)

    assert (answer[:12], closing) == (b"HTTP/1.1 431", True)


@given(requests=st.lists(st.sampled_from([GET, POST, HEAD, LAST, b"bad\r\n\r\n"]), max_size=6), data=st.data())
@settings(derandomize=True, deadline=None)
def test_it_does_not_matter_how_the_bytes_arrive(requests: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(requests)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    parts = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    assert talk(*parts) == talk(stream)


@given(st.binary(max_size=300))
@settings(derandomize=True, deadline=None)
def test_no_bytes_break_it(data: bytes) -> None:
    answer, _ = talk(data, b"\r\n\r\n", data)

    assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
