"""How a run's end and preflight's warnings look to people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vipswap_rest.cli.colour import painted
from vipswap_rest.cli.output import tell, tell_error
from vipswap_rest.measure.quantities import Rounding, at_most, bounds, outage, seconds
from vipswap_rest.methods.vip_swap.preflight import CODES, Finding, Severity
from vipswap_rest.switchover.report import AddressReport, Observation, Outcome, Report

_HEADLINES = {
    Outcome.SWAPPED: "Swapped",
    Outcome.NOTHING_TO_DO: "Nothing to do: everything is where it should be",
    Outcome.ROLLED_BACK: "Failed half-way, and rolled back: everything is as it was",
    Outcome.REFUSED: "Refused",
    Outcome.FAILED: "Failed",
    Outcome.NEEDS_RECOVERY: "STOPPED HALF-WAY",
    Outcome.INTERRUPTED: "Interrupted",
}

# Warnings that nearly every run has.
_USUAL = frozenset({"OutboundAddressChanges", "HealthUnknown"})


def warn(
    findings: Iterable[Finding], codes: Mapping[str, str] = CODES, *, brief: bool, plan: str = "vipswap plan"
) -> None:
    """The warnings among the findings on stderr, one line each: in the few words of the table of codes where nearly
    every run has them, and `brief`, above a question, all of them, so that the question stands below a summary."""
    shortened = False
    for finding in findings:
        if finding.severity is Severity.WARNING:
            short = brief or finding.code in _USUAL
            shortened |= short
            tell(painted(f"warning: {finding.code}: {codes[finding.code] if short else finding.message}", "yellow"))
    if shortened:
        tell(f"(in full: {plan})")


def tell_errors(reports: Mapping[str, Report]) -> None:
    """The errors of several runs, each below its run's name."""
    for name, report in reports.items():
        if report.error is not None:
            tell(f"{name}:")
            tell_error(report.error)


def print_report(report: Report) -> None:
    """A run's end on stdout, for people."""
    rules = report.further.get("rules", ())
    headline = "Flipped" if rules and report.outcome is Outcome.SWAPPED else _HEADLINES[report.outcome]
    if report.outcome in (Outcome.NEEDS_RECOVERY, Outcome.FAILED, Outcome.REFUSED, Outcome.INTERRUPTED):
        changed = "" if report.changed else "; nothing was changed"
        print(f"{_HEADLINES[report.outcome]} after {seconds(report.total_s)}{changed}.")
    elif report.outcome is Outcome.NOTHING_TO_DO:
        print(f"{_HEADLINES[report.outcome]}.")
    elif report.outcome is Outcome.ROLLED_BACK and report.error is None:
        print(f"Rolled back: everything is as it was ({report.strategy}).")
    else:
        print(f"{headline} ({report.strategy}).")
    for side, address in report.addresses.items():
        print(f"  {side.value:<11}{_place(address, moved=not rules)}")
    for one in rules:
        before, after = (str(one[key] or "no pool").rpartition("/")[2] for key in ("from", "to"))
        print(f"  {'rule':<11}{one['rule']} leads to {after}{f' (led to {before})' if before != after else ''}")
    if report.outcome in (Outcome.SWAPPED, Outcome.ROLLED_BACK):
        _print_downtime(report)


def _print_downtime(report: Report) -> None:
    """Both addresses' downtime, as the control plane and as the probe saw it."""
    rows = [(side, address) for side, address in report.addresses.items() if address.control_plane or address.observed]
    if rows:
        print(f"  {'downtime':<11}{'control plane':<16}{'observed':<34}lag")
    for side, address in rows:
        length = address.control_plane_outage_s
        control = "-" if length is None else seconds(length)
        lag = "-" if address.lag_s is None else seconds(address.lag_s, Rounding.UP, sign=True)
        print(f"  {side.value:<11}{control:<16}{_observed(address.observed):<34}{lag}".rstrip())
    if any(address.lag_s is not None for _, address in rows):
        print("  (lag: from reading Succeeded to the first answer, at the latest)")
    for side, address in rows:
        seen = address.observed
        if seen is not None and seen.takes_effect and seen.mixed:
            takes = bounds(seen.takes_effect["lower"], seen.takes_effect["upper"])
            both = bounds(seen.mixed["lower"], seen.mixed["upper"]) if seen.mixed["upper"] else "at no time"
            print(f"  {side.value:<11}its new side answered after {takes}, both sides {both}")
    print(f"  total      {seconds(report.total_s)}")


def _observed(observation: Observation | None) -> str:
    """What the probe saw, in words: `6.200 s (6.150 to 6.350 s)`."""
    if observation is None:
        return "not probed"
    if not observation.outages:
        return f"none seen ({at_most(observation.undetected_upper_s)})"
    return ", ".join(outage(one["lower_s"] or 0.0, one["estimate_s"], one["upper_s"]) for one in observation.outages)


def _place(address: AddressReport, *, moved: bool = True) -> str:
    """Which address it is and, unless none is `moved`, what it is on."""
    what = f"{address.address or '(no address)'} ({address.public_ip.name})"
    if not moved:
        return what
    where = address.after.parent.name if address.after and address.after.parent else "NO load balancer"
    before = address.before.parent.name if address.before and address.before.parent else "no load balancer"
    return f"{what} is on {where}{f' (was on {before})' if where != before else ''}"
