"""Several runs at once on one virtual clock: at every request it is drawn whose turn it is."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import requests

from tests.methods.vip_swap.lab import Lab
from vipswap_rest.emulator import Answer

# Far longer than any turn takes; a thread that waits longer than that is stuck, and the test fails.
STUCK_S = 60.0


class Interleaving:
    """Runs callables in threads of their own, one at a time; the seed says in which order their requests arrive."""

    def __init__(self, lab: Lab, seed: int) -> None:
        self._random = random.Random(seed)
        self._turn = threading.Condition()
        self._current: threading.Thread | None = None
        self._alive: list[threading.Thread] = []
        self._failures: list[BaseException] = []
        self._lab = lab

    def run(self, *runs: Callable[[], None]) -> None:
        """Run all of them to their ends. Raises what one of them raised."""
        self._alive = [threading.Thread(target=self._whole, args=(run,), daemon=True) for run in runs]
        threads = list(self._alive)
        self._current = self._random.choice(threads)
        self._lab.wire.before = self._before
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(STUCK_S)
            assert not thread.is_alive(), "a run is stuck"
        self._lab.wire.before = lambda request: None
        for failure in self._failures:
            raise failure

    def _whole(self, run: Callable[[], None]) -> None:
        me = threading.current_thread()
        with self._turn:
            self._await(me)
        try:
            run()
        except BaseException as error:  # noqa: BLE001 - raised again by run(), in the test's own thread
            self._failures.append(error)
        with self._turn:
            self._alive.remove(me)
            self._pass_on()

    def _before(self, request: requests.PreparedRequest) -> Answer | None:
        with self._turn:
            self._pass_on()
            self._await(threading.current_thread())
        return None

    def _pass_on(self) -> None:
        self._current = self._random.choice(self._alive) if self._alive else None
        self._turn.notify_all()

    def _await(self, me: threading.Thread) -> None:
        assert self._turn.wait_for(lambda: self._current is me, STUCK_S), "nobody passed the turn on"
