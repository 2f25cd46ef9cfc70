"""Findings about a swap before anything is written: what forbids it, what the user should know. Pure."""

from __future__ import annotations

from vipswap_rest.methods.vip_swap.model import Observed, Pair
from vipswap_rest.methods.vip_swap.preflight import access, resources, services, surroundings
from vipswap_rest.methods.vip_swap.preflight.finding import CODES, STRUCTURAL, checked_codes, insisted, overridden
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.survey import Survey
from vipswap_rest.switchover.findings import Finding, Severity, forbids, ordered, refuse

__all__ = [
    "CODES",
    "STRUCTURAL",
    "Finding",
    "Severity",
    "checked_codes",
    "forbids",
    "inspect",
    "inspect_reached",
    "insisted",
    "overridden",
    "refuse",
]


def inspect(
    observed: Observed,
    pair: Pair,
    survey: Survey,
    *,
    opening: Opening = Opening.FLOAT_ON_STAGING,
    allow_address_change: bool = False,
    ignored: frozenset[str] = frozenset(),
) -> list[Finding]:
    """All findings about a pair that is about to be swapped, errors first; those in `ignored` are warnings."""
    found = [
        *resources.held(observed, pair),
        *resources.fit(observed, allow_address_change),
        *services.services(observed, pair, survey),
        *surroundings.owners(observed, pair, survey),
        *surroundings.health(survey),
        *access.locks(survey, pair),
        *access.permissions(survey, pair, opening),
        *surroundings.quota(observed, survey),
        *surroundings.budget(survey),
        *resources.retired(observed),
        *resources.differences(observed),
    ]
    return _ordered(found, ignored)


def inspect_reached(observed: Observed, pair: Pair, *, ignored: frozenset[str] = frozenset()) -> list[Finding]:
    """The findings about a pair whose goal is reached, where nothing will be written: whether it lasts."""
    return _ordered([*resources.held(observed, pair)], ignored)


def _ordered(found: list[Finding], ignored: frozenset[str]) -> list[Finding]:
    return ordered(overridden(finding, ignored) for finding in found)
