"""`vipswap emulator`: an ARM on this machine's loopback address."""

from __future__ import annotations

import argparse
import json
from typing import Any

from vipswap_rest.errors import UsageError

INSTALL_HINT = "Install it with the emulator extra: pip install 'vipswap_rest[emulator]'."


def add_options(parser: argparse.ArgumentParser) -> None:
    """The emulator's settings; each is something nobody outside Microsoft knows, or a matter of taste."""
    parser.add_argument("--port", type=int, default=0, metavar="N", help="the port; 0 (the default) takes a free one")
    parser.add_argument(
        "--latency", default="instant", metavar="PROFILE", help="instant (the default), blog, standard, or a JSON file"
    )
    parser.add_argument("--time-scale", type=float, default=1.0, metavar="X", help="0.1 is ten times faster")
    parser.add_argument("--env", choices=("blog", "none"), default="blog", help="what is there at the start")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the latencies that are drawn")
    parser.add_argument(
        "--release",
        choices=("complete", "accept"),
        default="complete",
        help="when a released address can be taken: once its operation has completed, or was accepted",
    )
    parser.add_argument("--native", choices=("accept", "reject"), default="accept", help="the native swap operation")
    parser.add_argument(
        "--if-none-match",
        choices=("honour", "ignore"),
        default="honour",
        help="whether a PUT with If-None-Match: * on something that exists is refused",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; the only line on stdout is the JSON object that says where."""
    # The emulator is an extra; no other verb but the demo needs it.
    try:
        from vipswap_rest.emulator.server import serve
    except ImportError as error:
        raise UsageError(f"The emulator needs a package that is not here ({error.name}).", hint=INSTALL_HINT) from error
    from vipswap_rest.emulator.settings import Settings

    try:
        settings = Settings(
            env=arguments.env,
            latency=arguments.latency,
            time_scale=arguments.time_scale,
            seed=arguments.seed,
            release=arguments.release,
            native=arguments.native,
            if_none_match=arguments.if_none_match,
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    try:
        return serve(settings, arguments.port, _announce)
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"The emulator cannot listen on port {arguments.port}: {error}.",
            hint="Leave --port away to take a free one.",
        ) from error


def _announce(description: dict[str, Any]) -> None:
    print(json.dumps(description), flush=True)
