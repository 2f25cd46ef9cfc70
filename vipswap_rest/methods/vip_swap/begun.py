"""What a VIP swap begins with, as JSON and back: the first line of its events. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vipswap_rest.arm.errors import ProtocolError, Refused
from vipswap_rest.arm.ids import InvalidResourceId, ResourceId
from vipswap_rest.methods.vip_swap import journal as journals
from vipswap_rest.methods.vip_swap.float_store import FloatStore
from vipswap_rest.methods.vip_swap.journal import Journal
from vipswap_rest.methods.vip_swap.method import VipSwap
from vipswap_rest.methods.vip_swap.model import LoadBalancer, Observed, PublicIp
from vipswap_rest.switchover.events import Moment
from vipswap_rest.switchover.report import Side
from vipswap_rest.switchover.state import Policy, RunState
from vipswap_rest.switchover.state import begin as begin_run
from vipswap_rest.switchover.trail import moment_of, policy_line, policy_of

METHOD = "vip_swap"


def begin(
    journal: Journal, before: Observed, found: Journal | None, policy: Policy, tags: Mapping[str, str], now: Moment
) -> RunState:
    """The state of a run that begins now, over the journal that was `found` in the float, if one was."""
    method = VipSwap(journal.pair, FloatStore(journal, found, tags))
    return begin_run(method, before, policy, journal.direction, journal.opening, now)


def begun_line(
    journal: Journal, before: Observed, found: Journal | None, policy: Policy, tags: Mapping[str, str]
) -> dict[str, Any]:
    """All that a run begins with."""
    return {
        "float": str(journal.pair.float),
        "journal": journal.tags(),
        "found": found.tags() if found else None,
        "load_balancers": {side.value: dict(before.load_balancers[side].body) for side in Side},
        "public_ips": {side.value: dict(before.addresses[side].body) for side in Side},
        "float_body": dict(before.float.body) if before.float else None,
        "float_tags": dict(tags),
        "policy": policy_line(policy),
    }


def state_of(line: Mapping[str, Any]) -> RunState:
    """The state that a run of that line began in. Raises ValueError if the line is not one of a VIP swap."""
    try:
        float_ = ResourceId.parse(line["float"])
        journal = _journal(float_, line["journal"])
        found = _journal(float_, line["found"]) if line["found"] else None
        bodies = line["load_balancers"]
        balancers = {
            side: LoadBalancer.read(bodies[side.value])
            if bodies[side.value]
            else LoadBalancer.gone(journal.pair.load_balancer(side))
            for side in Side
        }
        addresses = {side: PublicIp.read(line["public_ips"][side.value]) for side in Side}
        observed = Observed(balancers, addresses, PublicIp.read(line["float_body"]) if line["float_body"] else None)
        return begin(journal, observed, found, policy_of(line["policy"]), line["float_tags"], moment_of(line))
    except (KeyError, TypeError, AttributeError, InvalidResourceId, ProtocolError, Refused) as error:
        raise ValueError(f"it does not begin a swap: {error!r}") from error


def _journal(float_: ResourceId, tags: Mapping[str, str]) -> Journal:
    body = {"id": str(float_), "tags": dict(tags), "properties": {}}
    return journals.read(PublicIp(float_, "", "", None, body))
