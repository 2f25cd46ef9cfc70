"""How probed addresses are while a command runs: a line on stderr whenever one changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from vipswap_rest.cli.output import tell
from vipswap_rest.probe.sampler import Live

# How often it is looked at.
LOOK_S = 0.1


class LiveLines:
    """A line on stderr whenever an address begins or ceases to answer, or somebody else answers."""

    def __init__(self, began: float) -> None:
        """began: monotonic seconds that the lines count from."""
        self._began = began
        self._shown: dict[int, Live] = {}

    def show(self, states: Sequence[Live]) -> None:
        """Print what has changed."""
        for at, state in enumerate(states):
            if state.answers is None or self._shown.get(at) == state or state.since is None:
                continue
            self._shown[at] = state
            who = f" ({state.identity})" if state.identity else ""
            why = f" ({state.outcome.name.lower()})" if state.outcome is not None else ""
            words = f"answers{who}" if state.answers else f"does not answer{why}"
            tell(f"[{max(0.0, state.since - self._began):7.2f} s] {state.url} {words}")


@contextmanager
def live_lines(began: float, source: Callable[[], Sequence[Live]]) -> Iterator[None]:
    """Print the changes of `source` while the body runs, in a thread of their own."""
    lines, over = LiveLines(began), threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_S):
            lines.show(source())

    thread = threading.Thread(target=watch, name="vipswap-live", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        lines.show(source())
