"""From the names of a load balancer, a pool and rules to the plan of a flip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from vipswap_rest.arm import network
from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.ids import same_id
from vipswap_rest.arm.rules import frontend_of, pool_of_rule, rules_of, tcp_port
from vipswap_rest.methods.pool_flip.method import PoolFlip, findings, moves_to
from vipswap_rest.switchover.findings import ordered
from vipswap_rest.switchover.flip import Planned, at_rest, lines_of
from vipswap_rest.switchover.naming import child_meant, resource_meant
from vipswap_rest.switchover.one_write import Reached, Shown, readable
from vipswap_rest.switchover.survey import SURVEY_S, known


@readable
def plan(
    client: ArmClient, group: str | None, name: str, to: str, rules: Sequence[str], note: Callable[[str], None]
) -> Planned:
    """What a flip of a load balancer's rules to a pool would do. Nothing is written. Raises UsageError, NotFound."""
    kind = f"{network.NAMESPACE}/{network.LOAD_BALANCER}"
    id = resource_meant(name, kind, "load balancer", client.subscription, group)
    pool = child_meant(to, id, "backendAddressPools", "backend pool", "load balancer")
    balancer = at_rest(client, id, network.get_load_balancer, note)
    moves = moves_to(balancer, pool, rules)
    line, back = lines_of("--lb", id, moves, pool.name)
    goals = [move.place for move in moves if same_id(move.after, str(pool))]
    method = PoolFlip(id, moves, tuple(_reached(client, balancer, goals)), line, back)
    idle = [name for name, rule in rules_of(balancer.body).items() if same_id(pool_of_rule(rule), str(pool))]
    until = client.clock.monotonic() + SURVEY_S
    health = known(lambda: network.pool_health(client, balancer.body, str(pool), deadline=until))
    found = ordered(findings(balancer, pool, moves, health))
    return Planned(method, balancer, found, next(_reached(client, balancer, idle), None))


def _reached(client: ArmClient, balancer: Shown, places: Sequence[str]) -> Iterator[Reached]:
    """What callers reach by these rules: of each frontend the first one, one of TCP before others."""
    rules, frontends = rules_of(balancer.body), balancer.body["properties"].get("frontendIPConfigurations") or []
    for frontend in frontends:
        mine = [place for place in places if same_id(frontend_of(rules[place]), str(frontend["id"]))]
        for place in sorted(mine, key=lambda place: tcp_port(rules[place]) is None)[:1]:
            yield Reached(*network.address_of(client, frontend), tcp_port(rules[place]), place)
