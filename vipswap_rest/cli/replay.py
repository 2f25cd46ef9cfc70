"""`vipswap replay FILE`: the decisions and the report of a run, folded again from its events, without a network."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from vipswap_rest.arm.errors import UsageError
from vipswap_rest.cli.output import delivered, print_json, tell, tell_error
from vipswap_rest.cli.report import print_report
from vipswap_rest.cli.signals import SignalGuard
from vipswap_rest.measure.quantities import figure, seconds, stamp
from vipswap_rest.methods.gateway_flip.method import GatewayFlip
from vipswap_rest.methods.pool_flip.method import PoolFlip
from vipswap_rest.methods.vip_swap import begun
from vipswap_rest.switchover.outcome import report
from vipswap_rest.switchover.replay import Decision, Replayed, lines_of, replay
from vipswap_rest.switchover.state import RunState

# How what a run begins with is read, by its method.
STATES: dict[str, Callable[[Mapping[str, Any]], RunState]] = {
    begun.METHOD: begun.state_of,
    PoolFlip.NAME: PoolFlip.state_of,
    GatewayFlip.NAME: GatewayFlip.state_of,
}


def add_replay_options(parser: argparse.ArgumentParser) -> None:
    """The options of replay."""
    parser.add_argument("file", metavar="FILE", help="what swap or recover wrote with --events")
    parser.add_argument("-o", "--output", choices=("json", "table"), default="table", help="the form of the result")


def run_replay(arguments: argparse.Namespace, guard: SignalGuard) -> int:
    """Print each decision with its reason, and the report."""
    replayed = _replayed(arguments.file)
    if replayed.torn is not None:
        tell(f"warning: {arguments.file} cannot be read to its end: {replayed.torn}")
    for decision in replayed.decisions:
        if not decision.same:
            after = seconds(decision.when.at - replayed.state.began.at)
            tell(f"warning: after {after} this version decides differently from the one that ran")
            break
    return delivered(0, lambda: _print(arguments, replayed))


def state_of(line: Mapping[str, Any]) -> RunState:
    """The state that a run begins in whose first line this is. Raises KeyError, ValueError."""
    return STATES[line["method"]](line)


def _replayed(path: str) -> Replayed:
    try:
        with Path(path).open(encoding="utf-8") as file:
            lines, torn = lines_of(file)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The events file {path} cannot be read: {error}.") from error
    if not lines or lines[0].get("event") != "begun" or lines[0].get("method") not in STATES:
        raise UsageError(f"{path} does not begin as an events file of a run does.", hint="Name a file of --events.")
    try:
        state = state_of(lines[0])
    except ValueError as error:
        raise UsageError(f"{path} does not begin as an events file of a run does: {error}") from error
    return replay(state, lines[1:], torn)


def _print(arguments: argparse.Namespace, replayed: Replayed) -> None:
    told, began = report(replayed.state), replayed.state.began.at
    if arguments.output == "json":
        decisions = [_json(one, began) for one in replayed.decisions]
        print_json({**told.as_json(), "decisions": decisions})
        return
    shown = [one for one in replayed.decisions if one.line["action"] != "sleep" or one.line["says"]]
    for words, alike in groupby(shown, key=_words):
        first, *more = alike
        times = f" ({len(more) + 1} times)" if more else ""
        print(f"{stamp(first.when.at - began)} {words}{times}")
    print_report(told)
    if told.error:
        tell_error(told.error)


def _json(decision: Decision, began: float) -> dict[str, object]:
    line = decision.line
    return {
        "seconds": figure(decision.when.at - began),
        "action": line["action"],
        "step": line.get("step"),
        "resource": line.get("resource"),
        "why": line["why"],
        "same": decision.same,
    }


def _words(decision: Decision) -> str:
    line = decision.line
    what = " ".join(str(line[key]) for key in ("action", "name", "purpose") if line.get(key))
    return f"{what}: {line['why']}"
