"""A switch with the probe beside it: which addresses are asked, its writes, and the report with what was observed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from urllib.parse import urlsplit

from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.clock import Clock
from vipswap_rest.arm.clouds import is_loopback
from vipswap_rest.arm.errors import VipswapError
from vipswap_rest.measure.effect import effect
from vipswap_rest.measure.probe.findings import AddressFindings
from vipswap_rest.measure.probe.target import parse_target
from vipswap_rest.measure.quantities import Rounding, figure
from vipswap_rest.measure.recording import Probed, Recording, TimedWrite
from vipswap_rest.measure.watch import AFTER_S, ANSWER_HINT, INTERVAL_S, Candidate, Watch
from vipswap_rest.methods.vip_swap.model import Observed, Pair
from vipswap_rest.methods.vip_swap.rules import first_tcp_port
from vipswap_rest.methods.vip_swap.run import Plan, swap
from vipswap_rest.switchover.driver import Guard, Record
from vipswap_rest.switchover.report import Emit, Notice, Observation, Report, Side, StepAccepted, StepBegan, StepEnded

# The exit codes after which both addresses are attached: swapped, rolled back, and swapped without an answer.
_ATTACHED = frozenset({0, 5, 8})


def watched_swap(
    client: ArmClient,
    planned: Plan,
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
    """Carry out a plan as run.swap does, with the probe beside it; the report holds what the probe observed.

    clean, settle_s: see Watch. beside: what goes on while the addresses are probed, such as showing it.

    Raises what run.swap raises, UsageError (probe_url, interval), VipswapError (no such host, no clean samples);
    nothing is changed then.
    """
    return watched(
        client,
        candidates(planned.resolved.observed, planned.journal.pair, probe_url),
        lambda told: swap(client, planned, emit=told, guard=guard, record=record),
        emit=emit,
        sides=tuple(Side),
        interval_s=interval_s,
        note=note,
        clean=clean,
        settle_s=settle_s,
        beside=beside,
    )


def watched(
    client: ArmClient,
    asked: Sequence[Candidate],
    act: Callable[[Emit], Report],
    *,
    emit: Emit,
    sides: Sequence[Side],
    interval_s: float = INTERVAL_S,
    note: Callable[[str], None] = lambda _: None,
    clean: int = 1,
    settle_s: float = AFTER_S,
    another: bool = False,
    beside: Callable[[Watch], AbstractContextManager[None]] = lambda watch: nullcontext(),
) -> tuple[Report, Recording]:
    """Do `act`, which is given what to tell its steps to, with the probe on what is `asked` beside it; the report holds
    what the probe observed.

    sides: those that should answer beforehand. clean, settle_s: see Watch; another: see Watch.run.

    Raises what `act` raises, UsageError (interval), VipswapError (no such host, no clean samples); nothing is changed
    then.
    """
    watch = Watch(
        asked,
        clock=client.clock,
        interval_s=interval_s,
        emulated=is_loopback(urlsplit(client.transport.endpoint).hostname or ""),
        clean=clean,
        settle_s=settle_s,
    )
    missing = [side.value for side in sides if side.value not in watch.probed]
    for side in missing:
        note(f"{side}'s address does not answer beforehand from here, so its outage is not observed")
    if clean > 1 and missing:
        raise VipswapError("Not every address answers from here, so nothing was switched.", hint=ANSWER_HINT)
    writes = Writes(client.clock, emit)
    with watch, beside(watch):
        report, probed = watch.run(
            lambda: act(writes),
            answers_after=lambda report: report.exit_code in _ATTACHED,
            another=another,
        )
    report = with_observations(report, probed)
    return report, watch.recording(probed, tuple(writes.operations), report.as_json())


def candidates(observed: Observed, pair: Pair, probe_url: str | None = None) -> list[Candidate]:
    """What to ask of each side's address: the first TCP rule of its frontend, by HTTP, whose answer names who answers,
    or else by the handshake alone; with `probe_url` what that names, on production's address as it is written and on
    staging's by its scheme, port and path.

    Raises UsageError if `probe_url` is invalid.
    """
    found = []
    for side in Side:
        port = first_tcp_port(observed.load_balancers[side].body, pair.frontends[side].key)
        found += candidate(side, observed.addresses[side].address, port, probe_url)
    return found


def candidate(side: Side, address: str | None, port: int | None, probe_url: str | None) -> list[Candidate]:
    """What to ask of one address, by its port or, with `probe_url`, by what that names; nothing where neither is known.

    Raises UsageError if `probe_url` is invalid.
    """
    given = parse_target(probe_url) if probe_url else None
    if address is None or (given is None and port is None):
        return []
    host = f"[{address}]" if ":" in address else address
    if given is None:
        urls = [f"http://{host}:{port}/", f"tcp://{host}:{port}"]
    elif side is Side.PRODUCTION:
        urls = [given.url]
    else:
        urls = [f"{given.scheme}://{host}:{given.port}{given.path if given.scheme == 'http' else ''}"]
    return [Candidate(side.value, address, tuple(map(parse_target, urls)))]


class Writes:
    """The writes of a run with their times, from what it tells while it runs; everything is handed on to `onward`."""

    def __init__(self, clock: Clock, onward: Emit) -> None:
        self._clock, self._onward = clock, onward
        self._open: tuple[str, float] | None = None
        self._accepted: float | None = None
        self.operations: list[TimedWrite] = []

    def __call__(self, event: Notice) -> None:
        """Note when a write began, was accepted and ended, and hand the event on."""
        now = self._clock.monotonic()
        if isinstance(event, StepBegan):
            self._open, self._accepted = (event.name, now), None
        elif isinstance(event, StepAccepted):
            self._accepted = now
        elif isinstance(event, StepEnded) and self._open is not None:
            name, began = self._open
            record = event.record
            self.operations.append(TimedWrite(name, str(record.resource), began, self._accepted, now, record.succeeded))
            self._open = None
        self._onward(event)


def with_observations(report: Report, probed: Sequence[Probed]) -> Report:
    """The report with what the probe saw of each address that it names."""
    seen = {Side(one.side): one.findings for one in probed}
    addresses = {
        side: replace(address, observed=observation(seen[side], address.sent)) if side in seen else address
        for side, address in report.addresses.items()
    }
    return replace(report, addresses=addresses)


def observation(found: AddressFindings, sent: float | None = None) -> Observation:
    """The report's form of what was found of an address, which a write moved that was sent at `sent`."""
    outages = found.account.outages
    seen = effect(found.samples, sent) if sent is not None else None
    return Observation(
        found.endpoint.target.url,
        tuple(outage.as_json() for outage in outages),
        figure(found.account.undetected_upper_s, Rounding.UP),
        outages[-1].before if outages else None,
        seen.takes.as_json() if seen else None,
        seen.mixed.as_json() if seen else None,
    )
