"""The driver: carries out what `decide` says, one action at a time, and folds what comes of it; the requests of one
read side by side."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Protocol

from vipswap_rest.arm import lro
from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.errors import Interrupted, VipswapError
from vipswap_rest.arm.http import Response
from vipswap_rest.switchover.actions import Action, AskHealth, Finish, Perform, Poll, Read, Request, Sleep, Stop
from vipswap_rest.switchover.after import after
from vipswap_rest.switchover.asking import ask
from vipswap_rest.switchover.budget import Budget
from vipswap_rest.switchover.decide import decide
from vipswap_rest.switchover.events import Answered, Event, Failed, Heard, Moment, Polled, Sent, Signalled, Woke
from vipswap_rest.switchover.health import Check
from vipswap_rest.switchover.report import Emit
from vipswap_rest.switchover.state import OPERATION_S, RunState

# A token that would be due within so many seconds is replaced before an outage begins, so that none is due in it. Those
# that live too shortly for that are replaced in the pauses between polls, before a write would have to wait for it.
OUTAGE_AHEAD_S, PAUSE_AHEAD_S = OPERATION_S, 1.5

# How long a run that may not write yet waits before it looks again, seconds: a signal may have come.
LONGEST_WAIT_S = 1.0

# Takes each event as it happens, for the file of `--events`.
Record = Callable[[Event], None]


class Guard(Protocol):
    """Signals. While `critical` the first one waits for the end of an outage; one that ends the run makes the clock's
    waits raise Interrupted, until `acknowledge`."""

    critical: bool

    def names(self) -> tuple[str, ...]:
        """The signals that came and are not acknowledged, in their order."""

    def acknowledge(self) -> None:
        """The run ends for the signals that came so far: what is waited for now, only another one ends."""


class Unguarded:
    """No signal is guarded against: one ends the process where it is, and a recovery finishes the run."""

    critical = False

    def names(self) -> tuple[str, ...]:
        """None came."""
        return ()

    def acknowledge(self) -> None:
        """There is nothing to acknowledge."""


class Driver:
    """Runs on one client and its clock."""

    def __init__(
        self,
        client: ArmClient,
        *,
        check: Check | None,
        emit: Emit,
        guard: Guard,
        record: Record = lambda event: None,
        budget: Budget | None = None,
    ) -> None:
        self._client, self._clock = client, client.clock
        self._check, self._emit, self._guard, self._record = check, emit, guard, record
        # From here to the end of `run`: a run takes part in what it shares only while it goes on.
        self._budget = (budget or Budget(self._clock)).run()

    def run(self, state: RunState) -> RunState:
        """Drive a run to its end, and return its last state. Raises nothing of the run's."""
        while True:
            self._guard.critical = state.critical
            for name in self._guard.names()[len(state.signals) :]:
                state = self._fold(state, Signalled(self.now(), name))
            now = self.now()
            action = decide(state, now)
            if isinstance(action, Perform) and (wait_s := self._admit(state, action)):
                # What is decided then may be something else.
                with suppress(Interrupted):
                    self._clock.sleep(min(wait_s, LONGEST_WAIT_S))
                continue
            state = self._fold(state, Sent(now, action))
            if isinstance(action, Finish):
                self._budget.close()
                return state
            self._guard.critical = state.critical
            if isinstance(action, Stop):
                self._guard.acknowledge()
            event = self._carry_out(action)
            if event is not None:
                state = self._fold(state, event)
            if not state.critical:
                self._budget.settled()

    def now(self) -> Moment:
        """The moment on both clocks."""
        return Moment(self._clock.monotonic(), self._clock.now())

    def _fold(self, state: RunState, event: Event) -> RunState:
        self._record(event)
        folded = after(state, event)
        for notice in folded.notices[len(state.notices) :]:
            self._emit(notice)
        return folded

    def _carry_out(self, action: Action) -> Event | None:
        if isinstance(action, Sleep):
            if action.renew:
                self._client.transport.credential.renew_ahead(PAUSE_AHEAD_S)
            with suppress(Interrupted):
                # The signal is the next event.
                self._clock.sleep(max(0.0, action.until - self._clock.monotonic()))
            return Woke(self.now())
        if isinstance(action, AskHealth):
            return self._ask_health(action)
        if isinstance(action, Poll):
            return self._poll(action)
        if isinstance(action, (Read, Perform)):
            return self._send(action)
        return None

    def _send(self, action: Read | Perform) -> Event:
        requests = action.requests if isinstance(action, Read) else (action.request,)
        if isinstance(action, Perform) and action.opens:
            self._client.transport.credential.renew_ahead(OUTAGE_AHEAD_S)
        within = action.within_s if isinstance(action, Read) else None
        deadline = None if within is None else self._clock.monotonic() + within

        def outcome(request: Request) -> Response | VipswapError | None:
            try:
                return ask(self._client, request, deadline)
            except VipswapError as error:
                return error

        answers: list[Response | None] = []
        try:
            outcomes = self._client.together([partial(outcome, request) for request in requests])
        except VipswapError as error:
            outcomes = [error]
        for told in outcomes:
            if isinstance(told, VipswapError):
                return Failed(self.now(), told, tuple(answers))
            answers.append(told)
        return Answered(self.now(), tuple(answers), self._reads_left(len(requests) if isinstance(action, Read) else 0))

    def _ask_health(self, action: AskHealth) -> Event:
        check = self._check
        try:
            silent = self._clock.wait_for(lambda: check.answers(action.address, action.port)) if check else None
        except Interrupted:
            return Woke(self.now())
        return Heard(self.now(), silent)

    def _poll(self, action: Poll) -> Event:
        deadline = self._clock.monotonic() + action.within_s
        try:
            step, latest = self._client.poll(action.operation, deadline=deadline)
        except VipswapError as error:
            return Failed(self.now(), error)
        progress = step if isinstance(step, lro.Pending) else None
        return Polled(self.now(), progress, latest.received, self._reads_left(1))

    def _admit(self, state: RunState, action: Perform) -> float:
        return self._budget.admit(opens=action.opens, urgent=state.critical)

    def _reads_left(self, made: int) -> int | None:
        return self._budget.reads(made, self._client.transport.remaining_reads)
