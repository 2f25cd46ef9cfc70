"""Many runs: wave after wave, those of a wave side by side, none begun after too many that did not switch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from vipswap_rest.switchover.report import Outcome, Report

# How often the runs under way are looked at; seconds.
LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Member:
    """One run of a fleet. `keys` are what it shares with others, which are not run beside it; `run` does it, and
    raises none of the errors that are this tool's own."""

    name: str
    wave: int
    keys: frozenset[str]
    run: Callable[[], Report]


def carry_out(
    members: Sequence[Member],
    *,
    max_parallel: int,
    max_failures: int,
    stopping: Callable[[], bool],
    rest: Callable[[Callable[[], object]], object],
) -> dict[str, Report]:
    """Run the members and give the report of each one that was begun, by its name.

    After more than `max_failures` that did not switch, and when `stopping` says so, no other is begun; those under way
    come to their end. `rest` waits for what it is given, and hears signals meanwhile.
    """
    reports: dict[str, Report] = {}
    with ThreadPoolExecutor(max_parallel, thread_name_prefix="vipswap-run") as pool:
        for wave in sorted({member.wave for member in members}):
            waiting = [member for member in members if member.wave == wave]
            running: dict[Future[Report], Member] = {}
            while waiting or running:
                if stopping() or failures(reports.values()) > max_failures:
                    waiting = []
                for member in _free(waiting, running.values(), max_parallel - len(running)):
                    waiting.remove(member)
                    running[pool.submit(member.run)] = member
                done = _first(running, rest)
                for future in done:
                    reports[running.pop(future).name] = future.result()
    return reports


def _first(
    running: dict[Future[Report], Member], rest: Callable[[Callable[[], object]], object]
) -> set[Future[Report]]:
    """Those that ended; waits a moment for the first one."""
    if running:
        rest(lambda: wait(running, timeout=LOOK_S, return_when=FIRST_COMPLETED))
    return {future for future in running if future.done()}


def _free(waiting: Iterable[Member], running: Iterable[Member], room: int) -> list[Member]:
    """The next members that share nothing with one another, or with those that run."""
    taken = frozenset[str]().union(*(member.keys for member in running))
    chosen: list[Member] = []
    for member in waiting:
        if len(chosen) < room and not member.keys & taken:
            chosen.append(member)
            taken |= member.keys
    return chosen


def failures(reports: Iterable[Report]) -> int:
    """How many of them did not switch."""
    return sum(report.exit_code not in (0, 8) for report in reports)


def exit_of(reports: Iterable[Report], *, whole: bool, interrupted: bool) -> tuple[str, int]:
    """The outcome and exit code of a fleet; `whole`: every member was begun."""
    codes = [(report.outcome, report.exit_code) for report in reports]
    swapped = [code for outcome, code in codes if code in (0, 8) and outcome is not Outcome.NOTHING_TO_DO]
    failed = [code for _, code in codes if code not in (0, 8)]
    if 6 in failed:
        return "needs_recovery", 6
    if interrupted or 130 in failed:
        return "interrupted", 130
    if whole and not failed:
        return ("swapped", max(swapped)) if swapped else ("nothing_to_do", 0)
    return ("partly", 9) if swapped else ("failed", 5)
