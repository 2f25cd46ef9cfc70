"""Recorded ARM traffic, cut into calls: a read, or a write with the polls and the final GET that belong to it."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
import responses

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "azure" / "recordings"
FOLDERS = (FOLDER, FOLDER.parent / "recordings_lb", FOLDER.parent / "recordings_roads")
ABSENT = f"the recorded conversations are not there ({FOLDER.parent.name}/{FOLDER.name} beside the project)"

# Answers after which the client sends the same request again by itself.
SENT_AGAIN = {408, 429, 500, 502, 503, 504}
ANY_URL = re.compile(".*", re.DOTALL)
_MOCK = "mock-deployment"
_NAMED = re.compile(r"/deployments/([^/\"?]+)")
TERMINAL = {"succeeded", "failed", "canceled"}
GONE = {"error": {"code": "ResourceNotFound", "message": "The Resource was not found."}}


@dataclass(frozen=True)
class Line:
    """One recorded request and its answer."""

    n: int
    method: str
    url: str
    request_headers: dict[str, str]
    request_body: Any
    status: int
    headers: dict[str, str]
    text: str

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def version(self) -> str:
        return parse_qs(urlsplit(self.url).query)["api-version"][0]

    @property
    def body(self) -> Any:
        return json.loads(self.text) if self.text.strip() else None

    @property
    def is_list(self) -> bool:
        return self.method == "GET" and isinstance(self.body, dict) and "value" in self.body

    @property
    def is_poll(self) -> bool:
        kinds = ("operations", "operationresults", "operationstatuses")
        return any(f"/{kind}/" in self.path.lower() for kind in kinds)


@dataclass
class Call:
    """One call: the answers to the request itself, to the polls of its operation, and to the GETs that followed."""

    first: Line
    answers: list[Line]
    polls: list[Line] = field(default_factory=list)
    gets: list[Line] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.first.n}-{self.first.method}-{self.first.path.rsplit('/', 1)[-1]}-{self.answers[-1].status}"

    @property
    def last_word(self) -> dict[str, Any]:
        """What the operation's last recorded status says."""
        said = [line.body for line in self.polls if isinstance(line.body, dict)]
        return said[-1] if said else {}


def conversations() -> list[Path]:
    """The files with a conversation each; none where they are not there."""
    found = [path for folder in FOLDERS if folder.is_dir() for path in sorted(folder.glob("*.jsonl"))]
    return [path for path in found if not path.stem.startswith("errors_single")]


def singles() -> list[Path]:
    """The files of errors without a conversation."""
    return [path for folder in FOLDERS for path in sorted(folder.glob("errors_single*.jsonl"))]


def read(path: Path) -> list[Line]:
    """The lines of a file. The recorder of azure-cli renamed every deployment, in the URLs that it asked alone."""
    lines, name = [], _MOCK
    for text in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(text)
        if _MOCK in row["url"]:
            found = _NAMED.search(row.get("body") or "")
            name = found.group(1) if found else name
            row["url"] = row["url"].replace(_MOCK, name)
        lines.append(
            Line(
                *(row[name] for name in ("n", "method", "url")),
                row.get("request_headers") or {},
                *(row.get("request_body"), row["status"], row.get("headers") or {}, row.get("body") or ""),
            )
        )
    return lines


def calls(lines: list[Line]) -> Iterator[Call]:
    """The calls of one conversation, by rule."""
    taken: set[int] = set()
    for index, line in enumerate(lines):
        if line.n in taken or line.is_poll:
            continue
        answers = [line]
        if line.method == "GET":
            yield Call(line, answers)
            continue
        later = lines[index + 1 :]
        for other in later:
            if answers[-1].status in SENT_AGAIN and same_call(other, line):
                answers.append(other)
                taken.add(other.n)
        call = Call(line, answers)
        later = [other for other in lines if other.n > answers[-1].n]
        follow(call, later)
        yield call


def follow(call: Call, later: list[Line]) -> None:
    """Collect the polls of the call's operation, and the GETs of its resource up to the next write to it."""
    headers = call.answers[-1].headers
    urls = {headers[name] for name in ("azure-asyncoperation", "location") if headers.get(name)}
    for line in later:
        if line.path.lower() == call.first.path.lower() and line.method != "GET":
            break
        over = str(call.last_word.get("status", "")).lower() in TERMINAL
        if line.url in urls and (not over or line.url == headers.get("location")):
            call.polls.append(line)
            # A poll may hand out a new URL for the next one.
            urls |= {line.headers[name] for name in ("location",) if line.headers.get(name) and line.status == 202}
    after = call.polls[-1].n if call.polls else call.answers[-1].n
    for line in later:
        if line.path.lower() == call.first.path.lower():
            if line.method != "GET":
                break
            if line.n > after and line.version == call.first.version:
                call.gets.append(line)


def same_call(one: Line, other: Line) -> bool:
    return (one.method, one.url.lower()) == (other.method, other.url.lower())


def settled(call: Call) -> str:
    """The text of a write's answer; once its operation has succeeded, with the states that follow from that."""
    text = call.answers[-1].text
    if str(call.last_word.get("status", "")).lower() != "succeeded":
        return text
    return re.sub(r'"provisioningState":"(Updating|Creating|Accepted)"', '"provisioningState":"Succeeded"', text)


class Replay:
    """Answers as ARM did; the last recorded answer of a URL stands for all that come after it.

    Where the recorder did not look: an operation is forgotten (404), the resource is as the write's answer said, or
    gone if that deleted it; the result of an action that has succeeded is empty.
    """

    def __init__(self, mock: responses.RequestsMock, call: Call) -> None:
        self.asked: list[tuple[str, str]] = []
        self._call = call
        self._tape: dict[tuple[str, str], list[Line]] = defaultdict(list)
        for line in (*call.answers, *call.polls, *call.gets):
            self._tape[(line.method, line.url.lower())].append(line)
        for method in ("GET", "PUT", "PATCH", "POST", "DELETE"):
            mock.add_callback(method, ANY_URL, self._answer)
        mock.assert_all_requests_are_fired = False

    def _answer(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        method, url = request.method or "", request.url or ""
        self.asked.append((method, url))
        tape = self._tape.get((method, url.lower()))
        if tape:
            line = tape.pop(0) if len(tape) > 1 else tape[0]
            return line.status, plain(line.headers), line.text
        assert method == "GET", f"the recording holds no {method} {url}"
        own = self._call.answers[-1]
        if urlsplit(url).path.lower() == own.path.lower() and own.method != "DELETE":
            return 200, {}, settled(self._call)
        if own.method == "POST" and url == own.headers.get("location") and own.headers.get("azure-asyncoperation"):
            return 200, {}, ""
        return 404, {}, json.dumps(GONE)


def plain(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "content-type"}
