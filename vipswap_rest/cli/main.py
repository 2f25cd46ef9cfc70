"""The command `vipswap`: verbs, and the one place where errors become exit codes."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import vipswap_rest
from vipswap_rest.arm.errors import VipswapError
from vipswap_rest.cli.output import delivered, tell_error
from vipswap_rest.cli.parsing import Parser
from vipswap_rest.cli.signals import SignalGuard

# Each verb: the module that has it, its functions for its options and its work, and what it does.
_VERBS = (
    ("swap", "swap", "add_swap_options", "run_swap", "exchange the addresses"),
    ("fleet", "fleet", "add_options", "run", "bring many pairs to their goals, wave after wave"),
    (
        "flip",
        "flip",
        "add_options",
        "run",
        "lead rules of a load balancer or a gateway to another backend pool",
    ),
    ("plan", "swap", "add_target_options", "run_plan", "show what a swap would do, and what forbids it"),
    ("status", "recover", "add_status_options", "run_status", "show interrupted swaps"),
    ("recover", "recover", "add_recover_options", "run_recover", "finish or undo an interrupted swap"),
    ("replay", "replay", "add_replay_options", "run_replay", "show again what a run decided, from its events file"),
    ("probe", "probe", "add_options", "run", "measure whether addresses answer, and the outages they have"),
    ("experiment", "experiment", "add_options", "run", "swap again and again, and tell what the strategies cost"),
    ("schema", "schema", "add_options", "run", "print the JSON Schema of a verb's -o json"),
    ("login-info", "login_info", "add_options", "run", "show which login is used, where, and until when"),
    ("testenv", "testenv", "add_options", "run", "make, show or delete the article's test environment"),
    ("demo", "demo", "add_options", "run", "swap once on an emulated ARM on this machine"),
    ("emulator", "emulator", "add_options", "run", "an emulated ARM on this machine"),
)


# Below each verb's help.
_PAIR = "-g GROUP --lb1 PRODUCTION --lb2 STAGING"
_EXAMPLES: dict[str, tuple[str, ...]] = {
    "swap": (
        f"vipswap swap {_PAIR}",
        f"vipswap swap {_PAIR} --vip ADDRESS --yes -o json",
        f"vipswap swap {_PAIR} --health /healthz --max-outage 120 --events run.jsonl",
    ),
    "flip": (
        "vipswap flip -g GROUP --lb LB --to green --plan",
        "vipswap flip -g GROUP --lb LB --to green --rule http --yes -o json",
        "vipswap flip -g GROUP --gateway GATEWAY --to green --health /healthz",
    ),
    "plan": (f"vipswap plan {_PAIR}", f"vipswap plan {_PAIR} --strategy native -o json"),
    "fleet": (
        "vipswap fleet pairs.json --resolve > goals.json",
        "vipswap fleet goals.json --max-parallel 8 --max-failures 1 --yes -o json",
    ),
    "status": ("vipswap status", "vipswap status -g GROUP -o json"),
    "recover": ("vipswap recover -g GROUP", f"vipswap recover {_PAIR} --rollback", "vipswap recover --all"),
    "replay": ("vipswap replay run.jsonl", "vipswap replay run.jsonl -o json"),
    "probe": (
        "vipswap probe http://203.0.113.1:9000/ --duration 60s",
        "vipswap probe tcp://203.0.113.1:443 --interval 10ms --duration 5m -o json",
    ),
    "experiment": (
        f"vipswap experiment {_PAIR} --trials 20 --out trials",
        "vipswap experiment --report trials",
    ),
    "schema": ("vipswap schema swap", "vipswap schema plan > plan.schema.json"),
    "login-info": ("vipswap login-info", "vipswap login-info -o json"),
    "testenv": (
        "vipswap testenv create -g GROUP --location westus --with pool,gateway,rolling",
        "vipswap testenv show -g GROUP > targets.json",
        "vipswap testenv delete -g GROUP --yes",
    ),
    "demo": ("vipswap demo", "vipswap demo --timeline demo.svg"),
    "emulator": ("vipswap emulator", "vipswap emulator --latency blog --time-scale 0.1 --pairs 10"),
}


def parser(only: str | None = None) -> Parser:
    """The command line: all of it, or `only` one verb with its options; of the others' modules nothing is imported."""
    top = Parser(
        prog="vipswap",
        description="Exchange the public IP addresses of two Azure load balancers, and measure what it costs.",
    )
    top.add_argument("--version", action="version", version=f"vipswap_rest {vipswap_rest.__version__}")
    verbs = top.add_subparsers(title="verbs", metavar="VERB", required=True)
    for name, module, add_options, run, text in _VERBS:
        verb = verbs.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", examples=_EXAMPLES[name])
        if only in (None, name):
            work = import_module(f"vipswap_rest.cli.{module}")
            verb.set_defaults(run=getattr(work, run))
            getattr(work, add_options)(verb)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; argparse's own refusals raise SystemExit(2).

    Without `argv` it is this process's own command: the process ends with it, and no signal changes how it ended.
    """
    words = sys.argv[1:] if argv is None else argv
    with SignalGuard(last=argv is None) as guard:
        verb = next((word for word in words if not word.startswith("-")), "")
        return _run(parser(verb).parse_args(words), guard)


def _run(arguments: argparse.Namespace, guard: SignalGuard) -> int:
    if getattr(arguments, "debug", False):
        logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(relativeCreated)8.0f ms %(message)s")
        # Ours only: urllib3's own debug lines show signed URLs whole.
        logging.getLogger("vipswap_rest").setLevel(logging.DEBUG)
    try:
        code: int = arguments.run(arguments, guard)
    except VipswapError as error:
        tell_error(error)
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output went away: there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    # What a verb left in the buffer; those that change something have delivered their result themselves.
    return delivered(code, lambda: None)
