"""A hostile front: a server between `vipswap` and the emulated ARM, which passes requests on, or does worse."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.arm.server import Act, Request, raw
from tests.cli.conftest import PAIR, PRODUCTION_IP, PRODUCTION_LB, STAGING_IP, STAGING_LB, Arm
from tests.hostile.servers import Call, Hostile, playing, told
from vipswap_rest.emulator.server import EmulatorServer
from vipswap_rest.emulator.settings import SUBSCRIPTION, Settings

TOKEN = "eyJhbGciOiJub25lIn0.dGhlLXRva2VuLW9mLXRoaXMtdGVzdA.bm8tc2lnbmF0dXJl"
TIMEOUT_S = 60


class Passed:
    """What the emulator answers to a request, once it is asked."""

    def __init__(self, request: Request, endpoint: str) -> None:
        connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=TIMEOUT_S)
        headers = {name: text for name, text in request.headers.items() if name != "accept-encoding"}
        connection.request(request.method, request.target, request.body, headers)
        answer = connection.getresponse()
        self.status, self.body = answer.status, answer.read()
        self.headers = [(name, text) for name, text in answer.getheaders() if name.lower() not in _FRAMING]
        connection.close()

    def act(self, *headers: tuple[str, str], body: bytes | None = None, reason: str = "X") -> Act:
        """The answer as it is, or with other headers, body or reason."""
        content = self.body if body is None else body
        replaced = {name.lower() for name, _ in headers}
        lines = [f"HTTP/1.1 {self.status} {reason}"]
        lines += [f"{name}: {text}" for name, text in self.headers if name.lower() not in replaced]
        lines += [f"{name}: {text}" for name, text in headers]
        lines += ["Connection: close", *([] if self.status == 204 else [f"Content-Length: {len(content)}"])]
        return raw("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content)


_FRAMING = ("content-length", "transfer-encoding", "connection", "content-encoding")

# What is done with a call; `passed` has the emulator do it.
Front = Callable[[Call, Callable[[], Passed]], Act]


@dataclass
class Scene:
    """The emulator, the front before it, and another host that must never be asked for anything."""

    arm: Arm
    front: Hostile
    other: Hostile

    def writes(self, name: str) -> int:
        return self.front.asked("PUT", name)

    @property
    def held(self) -> tuple[str, str]:
        return self.arm.holds(PRODUCTION_LB), self.arm.holds(STAGING_LB)

    @property
    def floats(self) -> list[str]:
        return [id for id in self.arm.state() if "vipswap-float" in id]


ORIGINAL, SWAPPED = (PRODUCTION_IP, STAGING_IP), (STAGING_IP, PRODUCTION_IP)


@contextmanager
def scene(front: Front) -> Iterator[Scene]:
    with EmulatorServer(Settings(latency="instant")) as emulator, playing(lambda call: told(200, {})) as other:

        def rule(call: Call) -> Act:
            return front(call, lambda: Passed(call.request, emulator.endpoint))

        with playing(rule, other.url) as server:
            yield Scene(Arm(emulator.endpoint), server, other)


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    out: str
    err: str

    @property
    def complaints(self) -> list[str]:
        """The sentences that say what went wrong at last."""
        return [line for line in self.err.splitlines() if line.startswith("vipswap: ")]


def environment(endpoint: str, folder: Path, **more: str) -> dict[str, str]:
    """What a process gets of this one's environment, with HOME, temporary and working folder in `folder`."""
    for name in ("home", "tmp", "cwd"):
        (folder / name).mkdir(exist_ok=True)
    return {
        **{name: text for name, text in os.environ.items() if name in ("PATH", "LANG")},
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "AZURE_RM_ENDPOINT": endpoint,
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
        **({} if "AZURE_CLIENT_ID" in more else {"AZURE_ACCESS_TOKEN": TOKEN}),
        **more,
    }


def vipswap(endpoint: str, folder: Path, *options: str, verb: str = "swap", **more: str) -> Ended:
    """Run `vipswap` in a process of its own."""
    inherited = environment(endpoint, folder, **more)
    ran = subprocess.run(
        [sys.executable, "-m", "vipswap_rest", verb, *PAIR, *options],
        env=inherited,
        cwd=folder / "cwd",
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        stdin=subprocess.DEVNULL,
    )
    return Ended(ran.returncode, ran.stdout, ran.stderr)
