"""Where results and errors go: the result to stdout, whole or not at all, everything else to stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from vipswap_rest.arm.errors import VipswapError, without_ids
from vipswap_rest.cli.colour import painted


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on stdout."""
    print(json.dumps(value, indent=2))


def deliver(show: Callable[[], None]) -> bool:
    """Print a result by `show`; whether stdout took all of it.

    Where it does not (a full disk) that is told, and where its reader is gone there is nobody to tell. Neither changes
    what was done, so it is for the caller to say what the exit code is.
    """
    try:
        show()
        sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            tell(f"vipswap: the result could not be written to stdout: {error.strerror or error}.")
        # What is left of it would be tried again at the end, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def delivered(code: int, show: Callable[[], None]) -> int:
    """Print a result that is all that was asked for, by `show`; the exit code: `code`, or 1 for 0 if it is lost."""
    return code if deliver(show) else code or 1


def tell(message: str) -> None:
    """One line on stderr."""
    print(message, file=sys.stderr, flush=True)


def tell_error(error: VipswapError) -> None:
    """An error on stderr: what happened, below it what to do next, and at its end the ids to quote to support."""
    words, ids = without_ids(str(error))
    tell(painted(f"vipswap: {words}", "red"))
    if error.hint:
        tell(f"  {error.hint}")
    for one in ids:
        tell(f"  {one}")
