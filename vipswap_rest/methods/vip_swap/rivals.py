"""Other pairs' swaps that have a load balancer in common with this one: at most one of them may go on.

Their floats have other names, so the lock does not keep them apart; each shows itself by its float.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vipswap_rest.arm import ArmClient
from vipswap_rest.errors import Forbidden, LockHeld, Refused
from vipswap_rest.ids import id_key, subscription_scope
from vipswap_rest.network import list_public_ips
from vipswap_rest.methods.vip_swap import journal as journals
from vipswap_rest.methods.vip_swap.command_lines import recover_command
from vipswap_rest.methods.vip_swap.journal import Journal
from vipswap_rest.methods.vip_swap.model import Pair, PublicIp, Side
from vipswap_rest.methods.vip_swap.observe import read_float

# How long the run that comes first by its float's id waits for another one, begun at the same moment, to give way: the
# deletion of a float takes up to that (seconds).
GIVE_WAY_S = 60.0
BETWEEN_LOOKS_S = 0.5


def find(client: ArmClient, pair: Pair) -> list[tuple[Journal, PublicIp]]:
    """The open swaps of other pairs that have a load balancer in common with this one, each with its float.

    They are found by a list, which may be late, so each one found is read by its name; a list never proves that there
    is none. Floats whose tags cannot be read are left out: their own pair's name keeps them apart.
    """
    ours = {pair.load_balancer(side) for side in Side}
    found = []
    for body in _listed(client, pair):
        if not journals.is_float_name(str(body.get("name"))):
            continue
        id = PublicIp.read(body).id
        public_ip = read_float(client, id) if id != pair.float else None
        if public_ip is None:
            continue
        try:
            journal = journals.read(public_ip)
        except Refused:
            continue
        if not journal.done and ours & {journal.pair.load_balancer(side) for side in Side}:
            found.append((journal, public_ip))
    return found


def _listed(client: ArmClient, pair: Pair) -> Iterator[dict[str, Any]]:
    """All public IP addresses of the subscription, or, to a login that may not list these, of the pair's groups."""
    try:
        return iter(list(list_public_ips(client, subscription_scope(pair.float.subscription))))
    except Forbidden:
        groups = {id_key(id.group): id.group for id in map(pair.load_balancer, Side)}
        return (body for _, group in sorted(groups.items()) for body in list_public_ips(client, group))


def await_way(client: ArmClient, pair: Pair) -> None:
    """Return when no other run is at work on either load balancer; the float of this pair exists already.

    Of two overlapping runs that see each other, the one whose float comes first by its id waits for the other to give
    way, so that one proceeds. One that has not seen us does not give way: then we do. Raises LockHeld.
    """
    until = client.clock.monotonic() + GIVE_WAY_S
    while found := find(client, pair):
        late = client.clock.monotonic() >= until
        for journal, public_ip in found:
            if late or public_ip.holder is not None or public_ip.id.key < pair.float.key:
                raise overlapped(journal)
        client.clock.sleep(BETWEEN_LOOKS_S)


def overlapped(journal: Journal) -> LockHeld:
    """The error of a run that finds another pair's open swap on one of its load balancers."""
    names = " and ".join(journal.pair.load_balancer(side).name for side in Side)
    return LockHeld(
        f"A swap of {names}, begun at {journal.started} (run {journal.run}), is under way or was left behind, and has "
        f"a load balancer in common with this one: the float {journal.pair.float} is its journal.",
        hint="Let it end. If that run is dead, finish or undo what it began: " + recover_command(journal.pair),
    )
