"""The experiment itself: swap after swap as the design says, each on the disk before the next one begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from vipswap_rest.arm.errors import CredentialError, Interrupted, VipswapError
from vipswap_rest.measure.experiment.design import Cell, Role, Way, family_of
from vipswap_rest.measure.experiment.measured import flaw, measure
from vipswap_rest.measure.experiment.trials import Store, Trial, attempts
from vipswap_rest.measure.quantities import at_most, outage
from vipswap_rest.measure.recording import Recording, SideName

# So many in a row that do not count mean that the next one would not count either.
MOST_INVALID_IN_A_ROW = 3
GO_ON = "Run the same line again to continue."
# Usage, not found, refused, another run: the next swap would end the same way.
_FATAL_EXIT_CODES = frozenset({2, 3, 4, 7})


class Bench(Protocol):
    """What can be switched again and again, with the probe beside it."""

    def settle(self) -> Mapping[str, Way]:
        """Wait until all of it has Succeeded; returns the way that the next switch of each family goes.

        Raises VipswapError if it does not, or if things lie as they did not at the beginning.
        """

    def swap(self, strategy: str, way: Way) -> Recording:
        """Swap once, with at least 30 clean samples of each address before it and after it, if possible.

        Raises VipswapError where there is no recording; a swap that failed is a recording whose report says so.
        """


class Signals(Protocol):
    """Whether a swap runs, or is being kept, which a signal lets come to its end; and whether one came meanwhile."""

    running: bool

    @property
    def stopping(self) -> bool:
        """A signal came: no other swap is begun."""


class Runner:
    """Carries an experiment on from what its store holds to its end. `tell` prints a line for people."""

    def __init__(self, store: Store, bench: Bench, *, signals: Signals, tell: Callable[[str], None]) -> None:
        self._store, self._bench, self._signals, self._tell = store, bench, signals, tell
        self._design = store.manifest.design
        self._cells = len(self._design.cells())
        self._warm = dict.fromkeys(self._design.families, 0)
        # The families whose first trial this run has come to: what was discarded before it was warm-up.
        self._measuring: set[str] = set()
        self._invalid_in_a_row = 0

    def run(self) -> None:
        """Measure what is missing, and leave the addresses as they were at the very first.

        Raises Interrupted after a signal, with everything kept; VipswapError if it cannot go on, likewise.
        """
        while True:
            if self._signals.stopping:
                raise Interrupted(f"Interrupted; all {len(self._store.trials)} swaps are kept.", hint=GO_ON)
            try:
                positions = self._bench.settle()
            except Interrupted as error:
                raise Interrupted(f"{error.message} All swaps so far are kept.", hint=GO_ON) from error
            cell = self._design.upcoming(attempts(self._store.trials), positions)
            family = family_of(cell.strategy) if cell else self._left_away(positions)
            if family is None:
                return
            if cell is None or self._warm[family] == 0 or positions[family] is not cell.way:
                self._discarded(family, positions)
            else:
                self._measuring.add(family)
                self._swap(Role.TRIAL, cell.strategy, cell.way, cell)

    def _discarded(self, family: str, positions: Mapping[str, Way]) -> None:
        """A switch that is in no figure: a run's first one warms up, and others bring things into place."""
        strategies = self._design.of(family)
        complete = self._design.upcoming(attempts(self._store.trials), positions) is None
        role = Role.POSITIONING if family in self._measuring or complete else Role.WARM_UP
        strategy = strategies[self._warm[family] % len(strategies)] if role is Role.WARM_UP else strategies[0]
        self._swap(role, strategy, positions[family])
        self._warm[family] += 1

    def _left_away(self, positions: Mapping[str, Way]) -> str | None:
        """The family that it was this experiment that left away from home, if there is one."""
        for family, position in positions.items():
            own = [trial for trial in self._store.trials if family_of(trial.strategy) == family]
            if position is Way.BACK and own and own[-1].way is Way.THERE:
                return family
        return None

    def _swap(self, role: Role, strategy: str, way: Way, cell: Cell | None = None) -> None:
        """Swap once, keep it, and end the run if the next one would fail too."""
        self._signals.running = True
        try:
            trial, error = self._swap_and_keep(role, strategy, way, cell)
        finally:
            self._signals.running = False
        self._go_on(trial, error)

    def _swap_and_keep(
        self, role: Role, strategy: str, way: Way, cell: Cell | None
    ) -> tuple[Trial, VipswapError | None]:
        recording, reason, error = self._try(strategy, way)
        trials = self._store.trials
        number = trials[-1].number + 1 if trials else 1
        trial = Trial(
            number=number,
            role=role,
            block=cell.block if cell else None,
            strategy=strategy,
            way=way,
            attempt=1 + sum(one.cell == cell for one in trials) if cell else 1,
            valid=role is Role.TRIAL and reason is None,
            reason=reason,
            started_at=recording.started_at if recording else None,
            emulated=recording.emulated if recording else self._store.manifest.emulated,
            measured=measure(recording) if recording else {},
            samples=self._store.samples_of(number) if recording else None,
            report=recording.report if recording else None,
        )
        self._store.keep(trial, recording)
        self._tell(line_of(trial, done=sum(one.valid for one in trials), planned=self._cells))
        return trial, error

    def _try(self, strategy: str, way: Way) -> tuple[Recording | None, str | None, VipswapError | None]:
        """The recording, why it does not count, and the error if there is no recording."""
        try:
            recording = self._bench.swap(strategy, way)
        except Interrupted as error:
            raise Interrupted(f"{error.message} The swap in progress is not kept.", hint=error.hint or GO_ON) from error
        except VipswapError as error:
            if error.exit_code in _FATAL_EXIT_CODES or isinstance(error, CredentialError):
                raise
            return None, str(error), error
        return recording, flaw(recording, strategy), None

    def _go_on(self, trial: Trial, error: VipswapError | None) -> None:
        """Raise what ends the experiment for now, if the swap that just ended does."""
        report = trial.report or {}
        outcome, told = report.get("outcome"), report.get("error") or {}
        said = f" {told['message']}" if told.get("message") else ""
        if outcome == "interrupted":
            raise Interrupted(f"Interrupted in the middle of swap {trial.number}.{said}", hint=_hint(told))
        if outcome == "needs_recovery":
            raise Stopped(f"Swap {trial.number} stopped half-way.{said}", hint=_hint(told), exit_code=6)
        if outcome == "refused":
            raise Stopped(f"Swap {trial.number} was refused.{said}", hint=_hint(told), exit_code=4)
        if outcome == "swapped" and report.get("strategy") != trial.strategy:
            raise Stopped(
                f"ARM does not support the {trial.strategy} swap of these load balancers: they were swapped by "
                f"{report.get('strategy')}, so there is nothing to compare.",
                hint=f"Measure the other alone: --strategies {report.get('strategy')}, into another directory.",
            )
        self._invalid_in_a_row = 0 if trial.reason is None else self._invalid_in_a_row + 1
        if self._invalid_in_a_row == MOST_INVALID_IN_A_ROW:
            raise Stopped(
                f"{MOST_INVALID_IN_A_ROW} swaps in a row do not count; the last one: {trial.reason}.",
                hint=(error.hint + " " if error and error.hint else "") + GO_ON,
            )


class Stopped(VipswapError):
    """The experiment cannot go on; what was measured is kept."""

    def __init__(self, message: str, *, hint: str, exit_code: int = 1) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code


def line_of(trial: Trial, *, done: int, planned: int) -> str:
    """One swap in one line, for people."""
    what = f"block {trial.block}" if trial.block is not None else trial.role.value
    head = f"swap {trial.number} ({what}, {trial.strategy}, {trial.way.value})"
    if trial.reason is not None:
        again = "; to be repeated" if trial.block is not None else ""
        return f"{head}: does not count: {trial.reason}{again}"
    sides = ", ".join(f"{side} {_seen(trial, side)}" for side in trial.measured)
    progress = f" [{done} of {planned}]" if trial.valid else ""
    return f"{head}: {sides}{progress}"


def _seen(trial: Trial, side: SideName) -> str:
    found = trial.measured[side]
    if found.lower_s is None:
        return "not probed"
    if not found.outages and found.upper_s is not None:
        return f"none seen ({at_most(found.upper_s)})"
    return outage(found.lower_s, found.estimate_s, found.upper_s)


def _hint(told: dict[str, str]) -> str:
    return f"{told['hint'].rstrip('.')}. Then: {GO_ON[0].lower()}{GO_ON[1:]}" if told.get("hint") else GO_ON
