"""The command `vipswap`: verbs, and the one place where errors become exit codes."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

import vipswap_rest
from vipswap_rest.cli import demo, emulator, experiment, login_info, probe, recover, swap
from vipswap_rest.cli.output import delivered, tell, tell_error
from vipswap_rest.errors import VipswapError


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="vipswap",
        description="Exchange the public IP addresses of two Azure load balancers, and measure what it costs.",
    )
    top.add_argument("--version", action="version", version=f"vipswap_rest {vipswap_rest.__version__}")
    verbs = top.add_subparsers(title="verbs", metavar="VERB", required=True)
    for name, add_options, run, text in (
        ("swap", swap.add_swap_options, swap.run_swap, "exchange the addresses"),
        ("plan", swap.add_target_options, swap.run_plan, "show what a swap would do, and what forbids it"),
        ("status", recover.add_status_options, recover.run_status, "show interrupted swaps"),
        ("recover", recover.add_recover_options, recover.run_recover, "finish or undo an interrupted swap"),
        ("probe", probe.add_options, probe.run, "measure whether addresses answer, and the outages they have"),
        (
            "experiment",
            experiment.add_options,
            experiment.run,
            "swap again and again, and tell what the strategies cost",
        ),
        ("login-info", login_info.add_options, login_info.run, "show which login is used, where, and until when"),
        ("demo", demo.add_options, demo.run, "swap once on an emulated ARM on this machine"),
        ("emulator", emulator.add_options, emulator.run, "an emulated ARM on this machine"),
    ):
        verb = verbs.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        add_options(verb)
        verb.set_defaults(run=run)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; argparse's own refusals raise SystemExit(2)."""
    arguments = parser().parse_args(argv)
    if getattr(arguments, "debug", False):
        logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(relativeCreated)8.0f ms %(message)s")
        # Ours only: urllib3's own debug lines show signed URLs whole.
        logging.getLogger("vipswap_rest").setLevel(logging.DEBUG)
    try:
        code: int = arguments.run(arguments)
    except VipswapError as error:
        tell_error(error)
        return error.exit_code
    except KeyboardInterrupt:
        tell("vipswap: interrupted; nothing was changed.")
        return 130
    except BrokenPipeError:
        # The reader of our output went away: there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    # What a verb left in the buffer; those that change something have delivered their result themselves.
    return delivered(code, lambda: None)
