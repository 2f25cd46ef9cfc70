"""`vipswap fleet FILE`: many pairs, each brought to its goal; wave after wave, those of a wave side by side."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.errors import Interrupted, Refused, UsageError, VipswapError
from vipswap_rest.arm.http import Transport
from vipswap_rest.arm.ids import id_key
from vipswap_rest.cli.audit import AuditTrail, check_folder, events_of
from vipswap_rest.cli.connection import add_connection_options, add_polite_option, connect
from vipswap_rest.cli.output import deliver, delivered, print_json, tell
from vipswap_rest.cli.pair import add_float_tag_option, add_manner_options
from vipswap_rest.cli.progress import Progress
from vipswap_rest.cli.report import tell_errors
from vipswap_rest.cli.signals import SignalGuard, confirmed
from vipswap_rest.cli.swap import options_of
from vipswap_rest.cli.switching import add_safety_options
from vipswap_rest.measure.quantities import counted, figure, seconds
from vipswap_rest.methods.vip_swap import preflight
from vipswap_rest.methods.vip_swap.fleet_file import Entry, read_fleet
from vipswap_rest.methods.vip_swap.method import STRATEGIES, strategy_name
from vipswap_rest.methods.vip_swap.resolve import goal_begun, resolve
from vipswap_rest.methods.vip_swap.rules import machines_of
from vipswap_rest.methods.vip_swap.run import Plan, plan, swap
from vipswap_rest.switchover.budget import Budget
from vipswap_rest.switchover.fleet import Member, carry_out, exit_of, failures
from vipswap_rest.switchover.report import Report, Side, not_begun

MAX_PARALLEL = 8


def add_options(parser: argparse.ArgumentParser) -> None:
    """The file, how many at once, and swap's options of safety and connection."""
    parser.add_argument("file", metavar="FILE", help='JSON {"pairs": [...]} or CSV: resource_group, lb1, lb2, vip, ...')
    parser.add_argument(
        "--max-parallel", type=int, default=MAX_PARALLEL, metavar="N", help="how many pairs are swapped at once (8)"
    )
    parser.add_argument(
        "--max-failures",
        type=int,
        default=0,
        metavar="N",
        help="begin no other pair after more than N did not swap (0)",
    )
    parser.add_argument(
        "--resolve", action="store_true", help="print the file with each missing vip filled in, and change nothing"
    )
    parser.add_argument("--strategy", choices=STRATEGIES, default="float", help="as in swap")
    parser.add_argument(
        "--allow-address-change", action="store_true", help="swap although a Dynamic address will become another one"
    )
    add_manner_options(parser)
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    add_polite_option(parser)
    add_float_tag_option(parser)
    add_safety_options(parser)
    parser.add_argument("--events", metavar="DIR", help="write the events of each pair's run into a file of its own")
    parser.add_argument("-o", "--output", choices=("json", "table"), default="table", help="the form of the result")
    add_connection_options(parser)


def run(arguments: argparse.Namespace, guard: SignalGuard) -> int:
    """Look at all pairs, ask, bring each to its goal, and print the reports."""
    began = guard.monotonic()
    entries = _entries(arguments)
    fleet = Fleet(arguments, guard, entries)
    if arguments.resolve:
        return delivered(0, lambda: print_json({"pairs": [one.as_json() for one in fleet.resolved()]}))
    if not arguments.yes and not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask on.", hint="Add --yes to swap without being asked.")
    looked = fleet.look()
    reports, (outcome, code) = _switch(fleet, looked, arguments, guard)
    pairs = [{"name": one.name, "wave": one.wave, **reports[one.name].as_json()} for one in entries]
    told = {"outcome": outcome, "pairs": pairs, "total_s": figure(guard.monotonic() - began)}
    if arguments.output == "json":
        deliver(lambda: print_json(told))
    else:
        deliver(lambda: _print(told, reports))
    tell_errors({entry.name: reports[entry.name] for entry in entries})
    return code


@dataclass(frozen=True, slots=True)
class Looked:
    """A pair as it was found: its plan, or the error that forbids it."""

    entry: Entry
    planned: Plan | None = None
    error: VipswapError | None = None

    @property
    def resumes(self) -> bool:
        """Whether an earlier run's journal with the same goal lies open."""
        journal = self.planned.resolved.journal if self.planned else None
        return journal is not None and not journal.done

    @property
    def refusal(self) -> VipswapError | None:
        """Why it may not be swapped, if it may not."""
        if self.planned is None:
            return self.error
        try:
            preflight.refuse(self.planned.findings)
        except Refused as error:
            return error
        return None


class Fleet:
    """The pairs of a file and the clients for them: one a run, and one budget a subscription."""

    def __init__(self, arguments: argparse.Namespace, guard: SignalGuard, entries: tuple[Entry, ...]) -> None:
        self._arguments, self._guard, self.entries = arguments, guard, entries
        self._client = connect(_with_subscription(arguments, entries), [], os.environ, guard)
        self._options = options_of(arguments)
        self._budgets: dict[str, Budget] = {}
        self._began = guard.monotonic()

    @property
    def strategy(self) -> str:
        """The contract's word for how its pairs are swapped."""
        return strategy_name(self._options.opening)

    def client(self, entry: Entry) -> ArmClient:
        """A client for one thread: connections are not shared."""
        given = self._client.transport
        transport = Transport(
            given.endpoint,
            given.credential,
            clock=self._guard,
            ca_file=self._arguments.ca_file or os.environ.get("REQUESTS_CA_BUNDLE") or None,
            read_timeout=given.read_timeout,
        )
        subscription = entry.home(self._client.subscription)
        return ArmClient(transport, subscription, api_version=self._client.api_version("network"))

    def look(self) -> list[Looked]:
        """Every pair as it is. Nothing is written."""
        with ThreadPoolExecutor(self._arguments.max_parallel, thread_name_prefix="vipswap-look") as pool:
            return self._guard.wait_for(lambda: list(pool.map(self._look, self.entries)))

    def _look(self, entry: Entry) -> Looked:
        client = self.client(entry)
        try:
            return Looked(entry, plan(client, entry.target, self._options))
        except VipswapError as error:
            return Looked(entry, error=error)
        finally:
            client.transport.close()

    def resolved(self) -> list[Entry]:
        """The pairs with each missing vip filled in: of an open journal, else what production holds.

        Raises LockHeld where another goal's journal lies open, and what looking at a pair does.
        """
        with ThreadPoolExecutor(self._arguments.max_parallel, thread_name_prefix="vipswap-look") as pool:
            return self._guard.wait_for(lambda: list(pool.map(self._resolved, self.entries)))

    def _resolved(self, entry: Entry) -> Entry:
        if entry.vip is not None:
            return entry
        client = self.client(entry)
        try:
            goal = goal_begun(client, entry.target)
            if goal is None:
                found = resolve(client, entry.target, settle_s=self._options.settle_s)
                goal = found.pair.originals[Side.PRODUCTION]
            return replace(entry, vip=str(goal))
        finally:
            client.transport.close()

    def member(self, looked: Looked) -> Member:
        """The run of a pair."""
        balancers = looked.planned.resolved.observed.load_balancers.values() if looked.planned else ()
        keys = frozenset(id_key(key) for one in balancers if one.exists for key in machines_of(one.body))
        return Member(looked.entry.name, looked.entry.wave, keys, lambda: self._run(looked))

    def _run(self, looked: Looked) -> Report:
        entry = looked.entry
        client, guard = self.client(entry), PairGuard(self._guard)
        ways: dict[str, Any] = {"guard": guard, "budget": self._budget(client.subscription)}
        try:
            with AuditTrail(events_of(self._arguments.events, entry.name), self._guard) as trail:
                # What was seen when all were looked at may be old by now.
                planned = plan(client, entry.target, self._options)
                progress = Progress(self._guard, entry.name, self._began, planned=len(planned.steps))
                report = swap(client, planned, emit=progress, record=trail, **ways)
                trail.ended(report)
                return report
        except VipswapError as error:
            return not_begun(error, self.strategy)
        finally:
            client.transport.close()

    def _budget(self, subscription: str) -> Budget:
        return self._budgets.setdefault(subscription, Budget(self._guard))


class PairGuard:
    """The signals of the whole command, as the run of one pair hears them: the first one ends no run."""

    def __init__(self, guard: SignalGuard) -> None:
        self._guard, self._acknowledged = guard, 0
        self.critical = False

    def names(self) -> tuple[str, ...]:
        """Those that came after the first one, and are not acknowledged."""
        return self._guard.names()[self._acknowledged :]

    def acknowledge(self) -> None:
        """This run ends for those that came so far."""
        self._acknowledged = len(self._guard.names())


def _switch(
    fleet: Fleet, looked: list[Looked], arguments: argparse.Namespace, guard: SignalGuard
) -> tuple[dict[str, Report], tuple[str, int]]:
    """Finish what lies open, refuse all if one pair is refused, ask, and carry out the rest."""
    reports: dict[str, Report] = {}
    limits: dict[str, Any] = {
        "max_parallel": arguments.max_parallel,
        "max_failures": arguments.max_failures,
        "stopping": lambda: guard.stopping,
        "rest": _Rest(guard),
    }
    guard.running = True
    left = [one for one in looked if one.resumes]
    for one in left:
        tell(f"{one.entry.name}: an earlier run left it half-way; it is finished first")
    reports |= carry_out([fleet.member(one) for one in left], **limits)
    rest = [one for one in looked if not one.resumes]
    refused = {one.entry.name: error for one in rest if (error := one.refusal) is not None}
    if refused:
        for one in rest:
            error = refused.get(one.entry.name) or _not_begun("Another pair is refused, so none was begun.")
            reports[one.entry.name] = not_begun(error, fleet.strategy)
        return reports, ("needs_recovery", 6) if any(one.exit_code == 6 for one in reports.values()) else ("refused", 4)
    todo = [one for one in rest if one.planned and not one.planned.resolved.reached]
    if todo and not arguments.yes and not _confirmed(guard, todo):
        raise VipswapError("Not confirmed; nothing was changed.")
    limits["max_failures"] -= failures(reports.values())
    reports |= carry_out([fleet.member(one) for one in rest], **limits)
    guard.running = False
    whole = len(reports) == len(looked)
    told = exit_of(reports.values(), whole=whole, interrupted=guard.stopping and not whole)
    why = "a signal came" if guard.stopping else f"more than {counted(arguments.max_failures, 'pair')} did not swap"
    for one in looked:
        if one.entry.name not in reports:
            reports[one.entry.name] = not_begun(_not_begun(f"Not begun, because {why}."), fleet.strategy)
    return reports, told


class _Rest:
    """Waits for runs; a signal that ends the command does not end the waiting: the runs hear it themselves."""

    def __init__(self, guard: SignalGuard) -> None:
        self._guard = guard

    def __call__(self, act: Any) -> object:
        try:
            return self._guard.wait_for(act)
        except Interrupted:
            return act()


def _confirmed(guard: SignalGuard, todo: list[Looked]) -> bool:
    guard.running = False
    waves = len({one.entry.wave for one in todo})
    for one in todo:
        assert one.planned is not None
        vip1, vip2 = one.planned.addresses
        tell(f"{one.entry.name}: {one.entry.lb1} and {one.entry.lb2} exchange {vip1.name} and {vip2.name}")
    agreed = confirmed(guard, f"Swap {counted(len(todo), 'pair')} in {counted(waves, 'wave')}?")
    guard.running = True
    return agreed


def _not_begun(message: str) -> VipswapError:
    return Refused("NotBegun", message, hint="The same line again does what is left.")


def _entries(arguments: argparse.Namespace) -> tuple[Entry, ...]:
    if arguments.max_parallel < 1:
        raise UsageError("--max-parallel must be a whole number, 1 or above.")
    if arguments.max_failures < 0:
        raise UsageError("--max-failures must be a whole number, 0 or above.")
    try:
        text = Path(arguments.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The file {arguments.file} cannot be read: {error}.") from error
    try:
        entries = read_fleet(text, goals=not arguments.resolve)
    except UsageError as error:
        raise UsageError(f"{arguments.file}: {error.message}", hint=error.hint) from error
    check_folder(arguments.events)
    return entries


def _with_subscription(arguments: argparse.Namespace, entries: tuple[Entry, ...]) -> argparse.Namespace:
    """The pairs' own subscription, where all name one: then nobody need be asked which one there is."""
    homes = [entry.home("") for entry in entries]
    if arguments.subscription or not all(homes):
        return arguments
    return argparse.Namespace(**{**vars(arguments), "subscription": homes[0]})


def _print(told: Mapping[str, Any], reports: Mapping[str, Report]) -> None:
    width = max(len(one["name"]) for one in told["pairs"])
    for one in told["pairs"]:
        outage = reports[one["name"]].addresses
        off = outage[Side.PRODUCTION].control_plane_outage_s if Side.PRODUCTION in outage else None
        downtime = f"  downtime {seconds(off)}" if off is not None else ""
        print(f"{one['name']:<{width}}  wave {one['wave']}  {one['outcome']}{downtime}")
    counts = Counter(one["outcome"] for one in told["pairs"])
    parts = ", ".join(f"{count} {name}" for name, count in counts.items())
    print(f"{told['outcome']}: {parts}; {seconds(told['total_s'])}")
