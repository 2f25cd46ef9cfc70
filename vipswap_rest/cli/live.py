"""The state of probed addresses while a command runs: a line on stderr whenever one changes, and with rich, which is
optional, a line for each below them, kept up to date."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

from vipswap_rest.cli.colour import on_terminal, painted
from vipswap_rest.cli.output import tell
from vipswap_rest.measure.probe.sampler import Live
from vipswap_rest.measure.quantities import Rounding, seconds, stamp
from vipswap_rest.measure.watch import Watch

# How often it is looked at.
LOOK_S = 0.1
_STYLES = {True: "green", False: "bold red", None: ""}
_BAR_WIDTH = 30


class LiveLines:
    """A line on stderr whenever an address begins or stops answering, or another backend answers."""

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
            line = f"{stamp(max(0.0, state.since - self._began))} {state.url} {words(state)}"
            tell(painted(line, _STYLES[state.answers]))


def words(state: Live) -> str:
    """How an address is now, and why, or who says so."""
    if state.answers is None:
        return "has not answered yet"
    who = f" ({state.identity})" if state.identity else ""
    why = f" ({state.outcome.name.lower()})" if state.outcome is not None else ""
    return f"answers{who}" if state.answers else f"does not answer{why}"


@contextmanager
def live_lines(
    began: float, source: Callable[[], Sequence[Live]], head: Callable[[], str] = lambda: ""
) -> Iterator[None]:
    """Show how the addresses of `source` are while the body runs, in a thread of their own; with `head` above."""
    lines, over = LiveLines(began), threading.Event()

    def watch(redraw: Callable[[Sequence[Live]], None]) -> None:
        while not over.wait(LOOK_S):
            states = source()
            lines.show(states)
            redraw(states)

    with _redrawn(head) as redraw:
        thread = threading.Thread(target=watch, args=(redraw,), name="vipswap-live", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
    lines.show(source())


def beside(
    began: float | None = None, head: Callable[[], str] = lambda: ""
) -> Callable[[Watch], AbstractContextManager[None]]:
    """The same beside a swap; nothing where stderr is not a terminal. began: see LiveLines; None is when it begins."""

    def show(watch: Watch) -> AbstractContextManager[None]:
        if not sys.stderr.isatty():
            return nullcontext()
        return live_lines(time.monotonic() if began is None else began, watch.live, head)

    return show


def bar(done: int, whole: int, noun: str) -> str:
    """How far a series is that is `done` out of `whole`, and which one runs now."""
    filled = _BAR_WIDTH * done // max(1, whole)
    return f"{'█' * filled}{'░' * (_BAR_WIDTH - filled)} {noun} {done + 1} of {whole}"


@contextmanager
def _redrawn(head: Callable[[], str]) -> Iterator[Callable[[Sequence[Live]], None]]:
    """Yields what draws the lowest lines of the terminal anew; without rich it draws nothing. They vanish at the end,
    and what is printed meanwhile goes above them."""
    if not on_terminal() or importlib.util.find_spec("rich") is None:
        yield lambda states: None
        return
    rich, text = importlib.import_module("rich.live"), importlib.import_module("rich.text")
    console = importlib.import_module("rich.console").Console(stderr=True)
    with rich.Live(console=console, transient=True, auto_refresh=False, redirect_stdout=False) as region:

        def redraw(states: Sequence[Live]) -> None:
            now = time.monotonic()
            rows = [
                text.Text(
                    f"{state.url} {words(state)}"
                    + (f", for {seconds(now - state.since, Rounding.DOWN)}" if state.since else ""),
                    style=_STYLES[state.answers],
                    no_wrap=True,
                    overflow="ellipsis",
                )
                for state in states
            ]
            above = [text.Text(head(), no_wrap=True)] if head() else []
            region.update(text.Text("\n").join([*above, *rows]), refresh=True)

        yield redraw
