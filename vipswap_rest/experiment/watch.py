"""One swap with the probe beside it: which addresses are asked, and what is made of it afterwards."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from types import TracebackType
from urllib.parse import urlsplit

from vipswap_rest.arm import ArmClient
from vipswap_rest.clock import Clock, rfc3339
from vipswap_rest.clouds import is_loopback
from vipswap_rest.errors import Interrupted, VipswapError
from vipswap_rest.experiment.recording import Operation, Probed, Recording
from vipswap_rest.methods.vip_swap.model import Observed, Pair
from vipswap_rest.methods.vip_swap.rules import first_tcp_port
from vipswap_rest.methods.vip_swap.run import Options, Plan, swap
from vipswap_rest.probe.findings import AddressFindings
from vipswap_rest.probe.prober import Prober
from vipswap_rest.probe.sampler import Live
from vipswap_rest.probe.target import Target, parse_target
from vipswap_rest.quantities import Rounding, figure
from vipswap_rest.switchover.driver import Guard, Record
from vipswap_rest.switchover.report import Emit, Notice, Observation, Report, Side, StepAccepted, StepBegan, StepEnded

INTERVAL_S = 0.1
# How long an address may take to show that it answers before the swap, and that it answers again after it (seconds).
BEFORE_S, AFTER_S = 1.0, 10.0
ANSWER_HINT = (
    "See whether both deployments serve the probed port from here (vipswap probe), or name one with --probe-url."
)
_LOOK_S = 0.005


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address that may be probed: by HTTP, whose answer names who answers, or else by its handshake alone."""

    side: Side
    address: str
    targets: tuple[Target, ...]


def candidates(observed: Observed, pair: Pair, probe_url: str | None = None) -> list[Candidate]:
    """What to ask of each side's address: the first TCP rule of its frontend; with `probe_url` what that names, on
    production's address as it is written and on staging's by its scheme, port and path.

    Raises UsageError if `probe_url` is none.
    """
    given = parse_target(probe_url) if probe_url else None
    found = []
    for side in Side:
        address = observed.addresses[side].address
        port = first_tcp_port(observed.load_balancers[side].body, pair.frontends[side].key)
        if address is None or (given is None and port is None):
            continue
        host = f"[{address}]" if ":" in address else address
        if given is None:
            urls = [f"http://{host}:{port}/", f"tcp://{host}:{port}"]
        elif side is Side.PRODUCTION:
            urls = [given.url]
        else:
            urls = [f"{given.scheme}://{host}:{given.port}{given.path if given.scheme == 'http' else ''}"]
        found.append(Candidate(side, address, tuple(map(parse_target, urls))))
    return found


def answering(found: list[Candidate], clock: Clock) -> dict[Side, Target]:
    """The candidates that answer now, each with the first of its targets that does."""
    asked = [(one.side, target) for one in found for target in one.targets]
    if not asked:
        return {}
    with Prober([target for _, target in asked], INTERVAL_S, duration_s=BEFORE_S) as prober:
        while not prober.wait(0) and any(live.answers is None for live in prober.live()):
            clock.sleep(_LOOK_S)
        answers = [live.answers for live in prober.live()]
    chosen: dict[Side, Target] = {}
    for (side, target), answered in zip(asked, answers, strict=True):
        if answered:
            chosen.setdefault(side, target)
    return chosen


def watched_swap(
    client: ArmClient,
    planned: Plan,
    options: Options,
    *,
    emit: Emit,
    guard: Guard,
    record: Record = lambda event: None,
    interval_s: float = INTERVAL_S,
    probe_url: str | None = None,
    note: Callable[[str], None] = lambda _: None,
    clean: int = 1,
    settle_s: float = AFTER_S,
    beside: Callable[[Watch], AbstractContextManager[None]] = lambda watch: nullcontext(),
) -> tuple[Report, Recording]:
    """Carry out a plan as run.swap does, with the probe beside it; the report has what was seen in it.

    clean: so many samples in a row each address shall answer before the swap and again after it; above 1 the swap is
    not begun without them. settle_s: for how long after it that is waited for (above 1: before it, too), seconds.
    beside: what goes on while the addresses are probed, such as showing it.

    Raises what run.swap raises, UsageError (probe_url, interval), VipswapError (no such host, no clean samples);
    nothing is changed then.
    """
    watch = Watch(
        planned.resolved.observed,
        planned.journal.pair,
        clock=client.clock,
        onward=emit,
        interval_s=interval_s,
        probe_url=probe_url,
        emulated=is_loopback(urlsplit(client.transport.endpoint).hostname or ""),
        clean=clean,
        settle_s=settle_s,
    )
    for side in Side:
        if side not in watch.probed:
            note(f"{side.value}'s address does not answer beforehand from here, so its outage is not observed")
    if clean > 1 and len(watch.probed) < len(Side):
        raise VipswapError("Not both addresses answer from here, so nothing was swapped.", hint=ANSWER_HINT)
    with watch, beside(watch):
        if not watch.answered_before() and clean > 1:
            raise VipswapError(
                f"The addresses did not both answer {clean} samples in a row within {settle_s:g} s, so nothing was "
                "swapped.",
                hint=ANSWER_HINT,
            )
        report = swap(client, planned, options, emit=watch.emit, guard=guard)
        return watch.ended(report)


class Watch:
    """Probes the two addresses of a swap from before it to after it.

    As a context manager it begins and ends the probing; `answered_before` waits until the addresses answer; `emit` goes
    between the run and whoever else listens; `ended` waits until they answer again and says what was seen. `probed` are
    the sides that are asked.
    """

    def __init__(
        self,
        observed: Observed,
        pair: Pair,
        *,
        clock: Clock,
        onward: Emit,
        interval_s: float = INTERVAL_S,
        probe_url: str | None = None,
        emulated: bool = False,
        clean: int = 1,
        settle_s: float = AFTER_S,
    ) -> None:
        """Finds out which addresses answer. Raises UsageError (probe_url, interval), VipswapError (no such host)."""
        found = candidates(observed, pair, probe_url)
        self._addresses = {one.side: one.address for one in found}
        self._targets = answering(found, clock)
        self._clock, self._onward, self._emulated = clock, onward, emulated
        targets = list(self._targets.values())
        # It looks names up.
        self._prober = clock.wait_for(lambda: Prober(targets, interval_s)) if targets else None
        self._interval_s, self._clean, self._settle_s = interval_s, clean, settle_s
        self._open: tuple[str, float] | None = None
        self._accepted: float | None = None
        self._operations: list[Operation] = []

    @property
    def probed(self) -> tuple[Side, ...]:
        """The sides whose address answered beforehand, and so is probed."""
        return tuple(self._targets)

    def live(self) -> tuple[Live, ...]:
        """How each probed address is now."""
        return self._prober.live() if self._prober is not None else ()

    def __enter__(self) -> Watch:
        self._began, self._started_at = self._clock.monotonic(), rfc3339(self._clock.now())
        if self._prober is not None:
            self._prober.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._prober is not None:
            self._prober.__exit__(kind, error, trace)

    def answered_before(self) -> bool:
        """Wait until every address has answered as it shall; whether they have. An outage has two ends only if a good
        sample lies before it."""
        seconds = BEFORE_S if self._clean == 1 else self._settle_s
        return self._await_answers(float("-inf"), seconds)

    def emit(self, event: Notice) -> None:
        """Keep the times of the run's operations, and hand the event on."""
        now = self._clock.monotonic()
        if isinstance(event, StepBegan):
            self._open, self._accepted = (event.name, now), None
        elif isinstance(event, StepAccepted):
            self._accepted = now
        elif isinstance(event, StepEnded) and self._open is not None:
            name, began = self._open
            record = event.record
            self._operations.append(Operation(name, str(record.resource), began, self._accepted, now, record.succeeded))
            self._open = None
        self._onward(event)

    def ended(self, report: Report) -> tuple[Report, Recording]:
        """The report with what was seen in it, and the recording. Where the run ended well it first waits until every
        address has answered again, for `settle_s` at most; a signal ends that wait, and nothing else."""
        if report.exit_code in (0, 5, 8):
            over = self._clock.monotonic()
            with suppress(Interrupted):
                if self._await_answers(over, self._settle_s):
                    self._await_losses(over)
        probed = []
        if self._prober is not None:
            findings = self._prober.stop()
            for (side, target), found in zip(self._targets.items(), findings.addresses, strict=True):
                probed.append(Probed(side.value, target.url, self._addresses[side], found))
                if side in report.addresses:
                    seen = replace(report.addresses[side], observed=observation(found))
                    report = replace(report, addresses={**report.addresses, side: seen})
        recording = Recording(
            self._began,
            self._started_at,
            self._interval_s,
            self._emulated,
            tuple(probed),
            tuple(self._operations),
            report.as_json(),
        )
        return report, recording

    def _await_losses(self, since: float) -> None:
        """Wait for the samples that were sent by `since`, and then for one more answer: a sample is known to be lost
        only when its time is over, and an outage has an end only if a good sample was sent after that."""
        prober, waited = self._prober, False
        while prober and prober.waits_since(since):
            waited = True
            self._clock.sleep(_LOOK_S)
        if waited:
            self._await_answers(self._clock.monotonic(), self._settle_s)

    def _await_answers(self, since: float, seconds: float) -> bool:
        """Wait until every address has answered as it shall, samples sent after `since`; for `seconds` at most.

        Returns whether they have.
        """
        until = self._clock.monotonic() + seconds
        prober = self._prober
        while prober and self._clock.monotonic() < until:
            if all(prober.answered_since(since, self._clean)):
                return True
            self._clock.sleep(_LOOK_S)
        return False


def observation(found: AddressFindings) -> Observation:
    """The report's form of what was found of an address."""
    outages = found.account.outages
    return Observation(
        found.endpoint.target.url,
        tuple(outage.as_json() for outage in outages),
        figure(found.account.undetected_upper_s, Rounding.UP),
        outages[-1].before if outages else None,
    )
