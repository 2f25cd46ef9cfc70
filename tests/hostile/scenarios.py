"""What each hostile or odd server does, said once: for our client's tests, and for measuring Microsoft's.

A scenario is named for its row in README.md, and for its variant after a colon.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.arm.server import Act, answer, close, raw, reset
from tests.hostile.servers import PIECE, Call, Rule, bomb, dripping, endless, refused, told

OPERATION, RESULT = "/operations/1", "/operationResults/1"
SIGNED = "?api-version=1&t=638812345678901234&c=MIIHhzCCBm-certificate&s=kTq7~signature-of-it&h=Zx0-hash-of-it"
SUCCEEDED = {"id": "/x", "name": "x", "properties": {"provisioningState": "Succeeded"}}
UPDATING = {"id": "/x", "name": "x", "properties": {"provisioningState": "Updating"}}
RUNNING, DONE = {"status": "InProgress"}, {"status": "Succeeded"}
DAY_S = 86400


@dataclass(frozen=True)
class Scenario:
    """What is asked of the server (GET, LIST, PUT, POST, DELETE; the operation is waited for), and its rule."""

    verb: str
    rule: Rule


def accepted(call: Call, *, status: int = 201, **headers: str) -> Act:
    """The answer to a write that begins an operation on this server."""
    body = None if status == 202 else UPDATING
    return told(status, body, **{"Azure_AsyncOperation": f"{call.own}{OPERATION}{SIGNED}", **headers})


def operation(
    poll: Callable[[Call], Act], *, verb: str = "PUT", resource: Callable[[Call], Act] | None = None
) -> Scenario:
    """A write whose operation is polled; the resource has Succeeded, or is gone if it was deleted."""

    def rule(call: Call) -> Act:
        if call.path == OPERATION:
            return poll(call)
        if call.path == RESULT:
            return told(204)
        if call.method == "GET":
            return resource(call) if resource else told(200, SUCCEEDED)
        return accepted(call, status=201 if verb == "PUT" else 202)

    return Scenario(verb, rule)


def once(act: Act, verb: str = "GET") -> Scenario:
    """The first answer to the verb is this one; after it all is well."""
    return Scenario(verb, lambda call: act if call.method == verb and call.count == 1 else fine(call))


def always(act: Act, verb: str = "GET") -> Scenario:
    return Scenario(verb, lambda call: act)


def fine(call: Call) -> Act:
    """As ARM does it."""
    if call.path == OPERATION:
        return told(200, DONE)
    if call.path == RESULT:
        return told(204)
    if call.method == "GET":
        return told(200, {**SUCCEEDED, "value": [SUCCEEDED]})
    if call.method == "PUT":
        return accepted(call)
    return accepted(call, status=202, Location=f"{call.own}{RESULT}{SIGNED}")


def troubled(where: str, act: Act, times: float = 1) -> Scenario:
    """The act instead of the first answers to one kind of call; the rest as ARM does it."""
    verb, path = {
        "GET": ("GET", "/"),
        "PUT": ("PUT", "/"),
        "POST": ("POST", "/"),
        "DELETE": ("DELETE", "/"),
        "poll": ("PUT", OPERATION),
        "operationResults": ("POST", RESULT),
        "list page": ("LIST", "/page2"),
    }[where]
    method = verb if where == verb else "GET"

    def rule(call: Call) -> Act:
        struck = call.method == method and (call.path == path or (path == "/" and "/operation" not in call.path))
        if struck and call.count <= times:
            return act
        if verb == "LIST" and call.path != "/page2":
            return told(200, {"value": [SUCCEEDED], "nextLink": f"{call.own}/page2?api-version=1"})
        return fine(call)

    return Scenario(verb, rule)


def _until(count: int, act: Act, then: Act | None = None) -> Callable[[Call], Act]:
    return lambda call: act if call.count <= count else then or told(200, DONE)


def _dripped() -> None:
    time.sleep(0.02)


def _date(call: Call) -> Act:
    return told(200, RUNNING, Retry_After="Fri, 31 Dec 1999 23:59:59 GMT", Date="Fri, 31 Dec 1999 23:59:54 GMT")


def _later(call: Call) -> str:
    return f"{call.own}{OPERATION}?api-version=1&moved={call.count}"


def _one_more_page(call: Call) -> Act:
    return told(200, {"value": [], "nextLink": f"{call.own}/x?api-version=1&page={call.count}"})


CALLS = ("GET", "PUT", "POST", "DELETE", "poll", "operationResults", "list page")
RETRY_AFTERS = {"0": 0.1, "a day": 60.0, "a date": 5.0, "abc": 0.5, "-5": 0.5, "1.5": 1.5}
_SERVER_TIMEOUT = refused(503, "ServerTimeout", "The request timed out.")
CUTS: dict[str, Act] = {
    "closed unanswered": close,
    "reset unanswered": reset,
    "in the status line": raw(b"HTTP/1.1 20"),
    "in the headers": raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Le"),
    "after the headers": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n"),
    "in the body": raw(b'HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n{"id": "/x", "pro'),
    "in a chunk": raw(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{"id": '),
    "between chunks": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
    "in a packed body": raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\n\x1f\x8b\x08\x00"),
}
JSONS: dict[str, Any] = {"a list": [], "a text": "Succeeded", "a number": 7, "true": True, "null": None}
ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "by length": (b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n", PIECE),
    "in chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + PIECE + b"\r\n"),
    "to the connection's end": (b"HTTP/1.1 200 OK\r\n\r\n", PIECE),
}
FOREIGN = ("another port", "another name", "another scheme")


def _foreign(call: Call, how: str) -> str:
    return {
        "another port": call.other,
        "another name": call.own.replace("127.0.0.1", "localhost"),
        "another scheme": call.own.replace("http:", "https:"),
    }[how]


def _named_elsewhere(how: str, header: str) -> Rule:
    def rule(call: Call) -> Act:
        if call.method == "PUT":
            return told(202, None, **{header: f"{_foreign(call, how)}{OPERATION}{SIGNED}"})
        return told(200, DONE)

    return rule


def _redirect(status: int, verb: str, where: Callable[[Call], str]) -> Scenario:
    def rule(call: Call) -> Act:
        if call.method == verb or verb == "poll":
            return told(status, None, Location=where(call))
        return fine(call)

    return Scenario(verb, rule)


SCENARIOS: dict[str, Scenario] = {
    **{
        f"operation_elsewhere: {how}, {header}": Scenario("PUT", _named_elsewhere(how, header))
        for how in FOREIGN
        for header in ("Azure_AsyncOperation", "Location")
    },
    "operation_moves_elsewhere": operation(
        lambda call: told(200, RUNNING, Azure_AsyncOperation=f"{call.other}{OPERATION}{SIGNED}")
    ),
    **{
        f"next_link_elsewhere: {how}": Scenario(
            "LIST",
            lambda call, how=how: told(200, {"value": [SUCCEEDED], "nextLink": f"{_foreign(call, how)}/page2{SIGNED}"}),
        )
        for how in FOREIGN
    },
    "redirect_elsewhere: GET": _redirect(302, "GET", lambda call: f"{call.other}/y{SIGNED}"),
    "redirect_elsewhere: poll": operation(lambda call: told(307, None, Location=f"{call.other}/y{SIGNED}")),
    **{
        f"redirect_of_a_write: {verb}, {status}": _redirect(status, verb, lambda call: f"{call.own}/y")
        for verb, status in (("PUT", 301), ("PUT", 302), ("PUT", 307), ("PUT", 308), ("POST", 307), ("DELETE", 308))
    },
    "redirect_loop": _redirect(302, "GET", lambda call: f"{call.own}/x"),
    "endless_polls": operation(lambda call: told(200, RUNNING)),
    "endless_pages": Scenario(
        "LIST",
        lambda call: told(200, {"value": [], "nextLink": f"{call.own}/x?api-version=1&page={time.monotonic_ns()}"}),
    ),
    **{
        f"odd_retry_after: {name}": operation(
            _until(1, told(200, RUNNING, Retry_After=str(DAY_S) if name == "a day" else name))
            if name != "a date"
            else lambda call: _date(call) if call.count == 1 else told(200, DONE)
        )
        for name in RETRY_AFTERS
    },
    **{
        f"throttled_for_ever: {where}": troubled(where, refused(429, "TooManyRequests", Retry_After="3"), 1e9)
        for where in CALLS
    },
    **{f"server_timeout: {where}": troubled(where, _SERVER_TIMEOUT) for where in CALLS},
    **{f"server_timeout_for_ever: {where}": troubled(where, _SERVER_TIMEOUT, 1e9) for where in CALLS},
    **{f"cut: {verb} {stage}": once(act, verb) for stage, act in CUTS.items() for verb in ("GET", "PUT", "POST")},
    **{f"endless_body: {name}": always(endless(*parts)) for name, parts in ENDLESS.items()},
    "endless_body: of a write": always(endless(*ENDLESS["in chunks"]), "PUT"),
    "endless_headers: many": always(endless(b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n" * 100)),
    "endless_headers: long": always(endless(b"HTTP/1.1 200 OK\r\nX-Long: ", PIECE)),
    "endless_headers: 100 Continue": always(endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100)),
    "endless_headers: trailer": always(endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", PIECE)),
    "unpacked_bomb": always(bomb(64)),
    "unpacked_bomb: of a redirect": always(bomb(64, 1, 302, "Location: /y")),
    "packed_twice": always(bomb(64, 2)),
    "interim_answer": once(raw(b"HTTP/1.1 103 Early Hints\r\nContent-Length: 0\r\n\r\n")),
    "no_json: GET": always(answer(200, b"<html>Hello</html>")),
    "no_json: PUT": always(answer(200, b"<html>Hello</html>"), "PUT"),
    "no_json: poll": operation(lambda call: answer(200, b"<html>Hello</html>")),
    "truncated_json: GET": always(answer(200, b'{"id": "/x", "prop')),
    "truncated_json: poll": operation(lambda call: answer(200, b'{"status": "Succ')),
    **{f"wrong_json: GET {name}": always(told(200, value)) for name, value in JSONS.items()},
    **{
        f"wrong_json: poll {name}": operation(lambda call, value=value: told(200, value))
        for name, value in JSONS.items()
    },
    "properties_null": Scenario(
        "PUT", lambda call: told(200, {"id": "/x", "properties": None}) if call.method == "PUT" else told(200, DONE)
    ),
    "properties_null: poll": operation(lambda call: told(200, {"status": "Succeeded", "properties": None})),
    "blank_in_code": operation(
        lambda call: told(200, {"status": "Failed", "error": {"code": " InternalError", "message": "It broke."}})
    ),
    "completed": operation(lambda call: told(200, {"status": "Completed"})),
    "cancelled": operation(
        lambda call: told(200, {"status": "Cancelled", "error": {"code": "Canceled", "message": "Superseded."}})
    ),
    "operation_moves": operation(
        lambda call: (
            told(200, DONE)
            if "moved=2" in call.request.target
            else told(200, RUNNING, Azure_AsyncOperation=_later(call))
        )
    ),
    "succeeded_but_updating": operation(
        lambda call: told(200, DONE), resource=lambda call: told(200, UPDATING if call.count < 3 else SUCCEEDED)
    ),
    "succeeded_but_failed": operation(
        lambda call: told(200, DONE),
        resource=lambda call: told(200, {"id": "/x", "properties": {"provisioningState": "Failed"}}),
    ),
    "deletion_forgotten": operation(
        lambda call: refused(404, "NotFound"), verb="DELETE", resource=lambda call: refused(404, "ResourceNotFound")
    ),
    **{
        f"long_url: {size}": Scenario(
            "PUT",
            lambda call, size=size: (
                accepted(call, Azure_AsyncOperation=f"{call.own}{OPERATION}{SIGNED}{'+' * size}")
                if call.method == "PUT"
                else fine(call)
            ),
        )
        for size in (4_000, 8_000, 32_000)
    },
    "dripping_headers": always(dripping(b"HTTP/1.1 200 OK\r\n", b"X-More: drip\r\n", _dripped)),
    "dripping_headers: of a write": always(dripping(b"HTTP/1.1 200 OK\r\n", b"X-More: drip\r\n", _dripped), "PUT"),
    "dripping_body": always(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b" ", _dripped)),
    "dripping_body: chunks": always(
        dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", _dripped)
    ),
    "dripping_body: of a write": always(
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b" ", _dripped), "PUT"
    ),
    "dripping_body: of a poll": operation(
        lambda call: dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b" ", _dripped)
    ),
}


def of(row: str) -> list[str]:
    """The scenarios of a row."""
    return [name for name in SCENARIOS if name.partition(":")[0] == row]
