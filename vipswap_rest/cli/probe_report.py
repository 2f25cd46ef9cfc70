"""What a probe found, as JSON and as a few lines for people."""

from __future__ import annotations

from typing import Any

from vipswap_rest.measure.outages import Outage
from vipswap_rest.measure.probe.findings import AddressFindings
from vipswap_rest.measure.probe.held import HeldFindings, How
from vipswap_rest.measure.probe.prober import Findings
from vipswap_rest.measure.quantities import Rounding, at_most, bounds, counted, decimals, figure, seconds

COVERAGE = (
    "This is about new TCP connections, from this machine, by one address family, to the ports probed. Not covered: "
    "connections that were open already (pooled and HTTP/2 clients may hang silently), UDP, ICMP, other networks and "
    "zones, outbound SNAT."
)
COVERAGE_HELD = COVERAGE.replace(
    "connections that were open already (pooled", "connections that were open already but for those held (pooled"
)
_MOST_LINES = 10
_BREAKS: dict[How, str] = {
    How.RESET: "reset",
    How.CLOSED: "closed by the other end",
    How.NOT_KEPT: "not kept open by the server,",
}


def findings_json(findings: Findings) -> dict[str, Any]:
    """The object of `-o json`. Moments are in seconds after `began_monotonic_s`, on the system's monotonic clock."""
    return {
        "began_monotonic_s": figure(findings.began),
        "seconds": figure(findings.ended - findings.began),
        "interval_s": findings.interval_s,
        "longest_stall_s": figure(findings.longest_stall_s),
        "suspended_s": figure(findings.suspended_s, digits=3),
        "coverage": _coverage(findings),
        "addresses": [_address_json(found, findings.began) for found in findings.addresses],
    }


def _address_json(found: AddressFindings, began: float) -> dict[str, Any]:
    account, trips = found.account, found.round_trips
    return {
        "url": found.endpoint.target.url,
        "address": found.endpoint.address[0],
        "port": found.endpoint.address[1],
        "answered": found.ever_answered,
        "samples": dict(found.counts),
        "skipped": found.skipped,
        "doubted": found.doubted,
        "observed_outages": [
            outage.as_json()
            | {
                "after_s": _since(outage.after, began, Rounding.DOWN),
                "before_s": _since(outage.before, began, Rounding.UP),
                "failures": outage.failures,
            }
            for outage in account.outages
        ],
        "undetected_upper_s": figure(account.undetected_upper_s, Rounding.UP),
        "unknown": [
            {"from_s": _since(window.begin, began, Rounding.DOWN), "to_s": _since(window.end, began, Rounding.UP)}
            for window in account.unknown
        ],
        "identities": [{"identity": name, "samples": count} for name, count in found.identities.items()],
        "changes": [
            {
                "old": change.old,
                "new": change.new,
                "last_old_s": _since(change.last_old, began, Rounding.DOWN),
                "first_new_s": _since(change.first_new, began, Rounding.UP),
            }
            for change in found.changes
        ],
        "round_trip_s": None
        if trips is None
        else {name: figure(getattr(trips, name)) for name in ("p50", "p90", "p99", "max")},
        "prober_trouble": found.trouble,
        "held": None if found.held is None else _held_json(found.held, began),
    }


def _held_json(held: HeldFindings, began: float) -> dict[str, Any]:
    return {
        "opened": held.opened,
        "not_opened": held.not_opened,
        "intact": held.intact,
        "breaks": [
            {
                "connection": one.connection,
                "how": one.how.value,
                "last_good_s": _since(one.last_good, began, Rounding.DOWN),
                "noticed_s": _since(one.noticed, began, Rounding.UP),
                "resumed_s": _since(one.resumed, began),
            }
            for one in held.breaks
        ],
        "identities": [{"identity": name, "connections": count} for name, count in held.identities.items()],
    }


def print_findings(findings: Findings) -> None:
    """The findings on stdout, for people."""
    length = findings.ended - findings.began
    print(f"Probed for {seconds(length)}, every {seconds(findings.interval_s)}.")
    for found in findings.addresses:
        _print_address(found, findings.began)
    if findings.full:
        print("The probe stopped: it has no room for more samples.")
    if findings.suspended_s >= 0.1:
        print(f"This machine slept for {seconds(findings.suspended_s)} meanwhile; no figure contains that time.")
    print(_coverage(findings))


def _coverage(findings: Findings) -> str:
    return COVERAGE_HELD if any(found.held for found in findings.addresses) else COVERAGE


def _print_address(found: AddressFindings, began: float) -> None:
    url, address = found.endpoint.target.url, found.endpoint.address[0]
    print(url if found.endpoint.target.host == address else f"{url} ({address})")
    _line("samples", counts_words(found))
    if not found.ever_answered:
        _line("outages", "it never answered")
    elif found.account.outages:
        _lines("outages", [_outage_words(outage, began) for outage in found.account.outages])
    else:
        _line("outages", "none seen")
    if found.ever_answered:
        _line("unseen", f"an outage of {at_most(found.account.undetected_upper_s)} could have gone unseen")
    if found.account.unknown:
        blind = sum(window.end - window.begin for window in found.account.unknown)
        count = len(found.account.unknown)
        why = f", {found.trouble}" if found.trouble else ""
        _line("unknown", f"{seconds(blind)} in {counted(count, 'window')} (this machine{why})")
    if found.identities and set(found.identities) != {None}:
        _line("answered by", ", ".join(f"{name or '(nobody)'} ({count})" for name, count in found.identities.items()))
    _lines(
        "changes",
        [
            f"{change.old or '(nobody)'} -> {change.new or '(nobody)'} "
            f"between {_at(change.last_old, began, Rounding.DOWN)} and {_at(change.first_new, began, Rounding.UP)}"
            for change in found.changes
        ],
    )
    if found.round_trips:
        trips = found.round_trips
        _line("round trip", f"p50 {seconds(trips.p50)}, p99 {seconds(trips.p99)}, max {seconds(trips.max)}")
    if found.held:
        _lines("held", _held_words(found.held, began))


def counts_words(found: AddressFindings) -> str:
    """How many samples of an address ended how."""
    told = [f"{count} {name.replace('_', ' ')}" for name, count in found.counts.items()]
    told += [f"{found.skipped} skipped"] if found.skipped else []
    told += [f"{found.doubted} of the failed ones doubted (this machine failed too)"] if found.doubted else []
    return ", ".join(told) or "none"


def _held_words(held: HeldFindings, began: float) -> list[str]:
    missed = f", {held.not_opened} could not be opened" if held.not_opened else ""
    words = [f"{held.intact} of {held.opened} connections intact to the end{missed}"]
    for one in held.breaks:
        last, noticed = _at(one.last_good, began, Rounding.DOWN), _at(one.noticed, began, Rounding.UP)
        after_all = "" if one.resumed is None else f", answered after all at {_at(one.resumed, began)}"
        if one.how is How.SILENCE:
            # It may have broken a moment after that request was sent, before it was served.
            how = f"fell silent: what was asked at {last} was answered, what was asked at {noticed} was not"
        else:
            how = f"{_BREAKS[one.how]} between {last} and {noticed}"
        words.append(f"#{one.connection}: {how}{after_all}")
    return words


def _outage_words(outage: Outage, began: float) -> str:
    if outage.upper_s is None or outage.estimate_s is None:
        open_at = [
            words
            for moment, words in ((outage.after, "it was down at the start"), (outage.before, "down at the end"))
            if moment is None
        ]
        return f"{bounds(outage.lower_s, None)}, {' and '.join(open_at)}"
    return (
        f"{bounds(outage.lower_s, outage.upper_s)}, about {seconds(outage.estimate_s)}, "
        f"{_at(outage.first_failed, began)} after the start"
    )


def _lines(name: str, values: list[str]) -> None:
    for value in values[:_MOST_LINES]:
        _line(name, value)
        name = ""
    if len(values) > _MOST_LINES:
        _line("", f"and {len(values) - _MOST_LINES} more (-o json shows them)")


def _line(name: str, value: str) -> None:
    print(f"  {name:<12}{value}")


def _since(moment: float | None, began: float, rounding: Rounding = Rounding.NEAREST) -> float | None:
    return None if moment is None else figure(moment - began, rounding)


def _at(moment: float, began: float, rounding: Rounding = Rounding.NEAREST) -> str:
    """When something was, after the beginning."""
    return f"{decimals(moment - began, rounding)} s"
