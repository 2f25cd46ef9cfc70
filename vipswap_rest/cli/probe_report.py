"""What a probe found, as JSON and as a few lines for people."""

from __future__ import annotations

import math
from typing import Any

from vipswap_rest.probe.findings import AddressFindings
from vipswap_rest.probe.held import HeldFindings, How
from vipswap_rest.probe.outages import Outage
from vipswap_rest.probe.prober import Findings

COVERAGE = (
    "This is about new TCP connections, from this machine, by one address family, to the ports probed. Not covered: "
    "connections that were open already (pooled and HTTP/2 clients may hang silently), UDP, ICMP, other networks and "
    "zones, outbound SNAT."
)
_MOST_LINES = 10
_BREAKS = {
    How.RESET: "reset",
    How.CLOSED: "closed by the other end",
    How.SILENCE: "fell silent",
    How.NOT_KEPT: "not kept open by the server,",
}


def findings_json(findings: Findings) -> dict[str, Any]:
    """The object of `-o json`. Moments are in seconds after `began_monotonic_s`, on the system's monotonic clock."""
    return {
        "began_monotonic_s": round(findings.began, 6),
        "seconds": round(findings.ended - findings.began, 6),
        "interval_s": findings.interval_s,
        "longest_stall_s": round(findings.longest_stall_s, 6),
        "suspended_s": round(findings.suspended_s, 3),
        "coverage": COVERAGE,
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
                "after_s": _since(outage.after, began),
                "before_s": _since(outage.before, began),
                "failures": outage.failures,
            }
            for outage in account.outages
        ],
        "undetected_upper_s": _up(account.undetected_upper_s, 6),
        "unknown": [
            {"from_s": _since(window.begin, began), "to_s": _since(window.end, began)} for window in account.unknown
        ],
        "identities": [{"identity": name, "samples": count} for name, count in found.identities.items()],
        "changes": [
            {
                "old": change.old,
                "new": change.new,
                "last_old_s": _since(change.last_old, began),
                "first_new_s": _since(change.first_new, began),
            }
            for change in found.changes
        ],
        "round_trip_s": None
        if trips is None
        else {name: round(getattr(trips, name), 6) for name in ("p50", "p90", "p99", "max")},
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
                "last_good_s": _since(one.last_good, began),
                "noticed_s": _since(one.noticed, began),
                "resumed_s": _since(one.resumed, began),
            }
            for one in held.breaks
        ],
        "identities": [{"identity": name, "connections": count} for name, count in held.identities.items()],
    }


def print_findings(findings: Findings) -> None:
    """The findings on stdout, for people."""
    length = findings.ended - findings.began
    print(f"Probed for {length:.1f} s, every {findings.interval_s * 1000:g} ms.")
    for found in findings.addresses:
        _print_address(found, findings.began)
    if findings.full:
        print("It ended by itself: there is no room for more samples.")
    if findings.suspended_s >= 0.1:
        print(f"This machine slept for {findings.suspended_s:.1f} s meanwhile; no figure contains that time.")
    print(COVERAGE)


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
        _line("unseen", f"an outage of at most {_up(found.account.undetected_upper_s, 3):.3f} s could have gone unseen")
    if found.account.unknown:
        blind = sum(window.end - window.begin for window in found.account.unknown)
        count = len(found.account.unknown)
        why = f", {found.trouble}" if found.trouble else ""
        _line("unknown", f"{blind:.3f} s in {count} window{'' if count == 1 else 's'} (this machine{why})")
    if found.identities and set(found.identities) != {None}:
        _line("answered by", ", ".join(f"{name or '(nobody)'} ({count})" for name, count in found.identities.items()))
    _lines(
        "changes",
        [
            f"{change.old or '(nobody)'} -> {change.new or '(nobody)'} between {change.last_old - began:.3f} s "
            f"and {change.first_new - began:.3f} s"
            for change in found.changes
        ],
    )
    if found.round_trips:
        trips = found.round_trips
        _line("round trip", f"p50 {trips.p50 * 1000:.1f} ms, p99 {trips.p99 * 1000:.1f}, max {trips.max * 1000:.1f}")
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
    words = [f"{held.intact} of {held.opened} connections well to the end{missed}"]
    for one in held.breaks:
        between = f"between {one.last_good - began:.3f} s and {one.noticed - began:.3f} s"
        after_all = "" if one.resumed is None else f", answered after all at {one.resumed - began:.3f} s"
        words.append(f"#{one.connection}: {_BREAKS[one.how]} {between}{after_all}")
    return words


def _outage_words(outage: Outage, began: float) -> str:
    if outage.upper_s is None or outage.estimate_s is None:
        open_at = [
            words
            for moment, words in ((outage.after, "it was down at the start"), (outage.before, "down at the end"))
            if moment is None
        ]
        return f"at least {_down(outage.lower_s, 3):.3f} s, {' and '.join(open_at)}"
    return (
        f"{_down(outage.lower_s, 3):.3f} to {_up(outage.upper_s, 3):.3f} s, about {outage.estimate_s:.3f} s, "
        f"{outage.first_failed - began:.3f} s after the start"
    )


def _lines(name: str, values: list[str]) -> None:
    for value in values[:_MOST_LINES]:
        _line(name, value)
        name = ""
    if len(values) > _MOST_LINES:
        _line("", f"and {len(values) - _MOST_LINES} more (-o json shows them)")


def _line(name: str, value: str) -> None:
    print(f"  {name:<12}{value}")


def _since(moment: float | None, began: float) -> float | None:
    return None if moment is None else round(moment - began, 6)


def _down(value: float, digits: int) -> float:
    """A lower bound may be rounded down only."""
    scale = 10.0**digits
    return math.floor(value * scale) / scale


def _up(value: float, digits: int) -> float:
    """An upper bound may be rounded up only."""
    scale = 10.0**digits
    return math.ceil(value * scale) / scale
