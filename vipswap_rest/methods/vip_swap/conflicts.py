"""Other pairs' swaps that have a load balancer in common with this one: at most one of them may go on. Pure.

Their floats have other names, so the lock does not keep them apart; each shows itself by its float. They are found by a
list, which may be late, so each one found is read by its name; a list never proves that there is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vipswap_rest.arm.errors import LockHeld, Refused
from vipswap_rest.arm.ids import ResourceId, id_key
from vipswap_rest.methods.vip_swap import journal as journals
from vipswap_rest.methods.vip_swap.command_lines import recover_command
from vipswap_rest.methods.vip_swap.journal import Journal
from vipswap_rest.methods.vip_swap.model import Pair, PublicIp
from vipswap_rest.switchover.report import Side


def groups_of(pair: Pair) -> list[str]:
    """The ids of the resource groups of a pair's load balancers."""
    groups = {id_key(id.group): id.group for id in map(pair.load_balancer, Side)}
    return [group for _, group in sorted(groups.items())]


def other_floats(listed: Iterable[dict[str, Any]], ours: ResourceId) -> list[ResourceId]:
    """The ids of the floats in a list, but for ours. Raises ProtocolError."""
    floats = [PublicIp.read(body).id for body in listed if journals.is_float_name(str(body.get("name")))]
    return [id for id in floats if id != ours]


def overlapping(floats: Iterable[PublicIp], pair: Pair) -> list[tuple[Journal, PublicIp]]:
    """The open swaps of other pairs that have a load balancer in common with this one, each with its float.

    Floats whose tags cannot be read are left out: their own pair's name keeps them apart.
    """
    ours = {pair.load_balancer(side) for side in Side}
    found = []
    for public_ip in floats:
        try:
            journal = journals.read(public_ip)
        except Refused:
            continue
        if not journal.done and ours & {journal.pair.load_balancer(side) for side in Side}:
            found.append((journal, public_ip))
    return found


def must_yield(found: Iterable[tuple[Journal, PublicIp]], pair: Pair, *, late: bool) -> LockHeld | None:
    """The error of a run that gives way to one of these.

    Of two overlapping runs that see each other, the one whose float comes first by its id waits for the other to give
    way, so that one proceeds. One that has not seen us does not give way: when it is late, we do.
    """
    for journal, public_ip in found:
        if late or public_ip.holder is not None or public_ip.id.key < pair.float.key:
            return overlapped(journal)
    return None


def overlapped(journal: Journal) -> LockHeld:
    """The error of a run that finds another pair's open swap on one of its load balancers."""
    names = " and ".join(journal.pair.load_balancer(side).name for side in Side)
    return LockHeld(
        f"A swap of {names}, begun at {journal.started} (run {journal.run}), is under way or was left behind, and has "
        f"a load balancer in common with this one: the float {journal.pair.float} is its journal.",
        hint="Let it end. If that run is dead, finish or undo what it began: " + recover_command(journal.pair),
    )
