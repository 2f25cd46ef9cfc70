"""A flip of load-balancing rules to another backend pool: which rules go where, and what speaks against it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vipswap_rest.arm.errors import UsageError
from vipswap_rest.arm.ids import ResourceId, id_key, same_id
from vipswap_rest.arm.network import with_backend_pools
from vipswap_rest.arm.rules import collide, frontend_of, pool_of_rule, pools_of_rule, rules_of
from vipswap_rest.arm.words import same_word
from vipswap_rest.switchover.findings import Finding, error, warning
from vipswap_rest.switchover.flip import health_findings
from vipswap_rest.switchover.naming import one_of
from vipswap_rest.switchover.one_write import Move, OneWrite, Shown
from vipswap_rest.switchover.survey import Unknown

STRUCTURAL = {"RulesCollide": "two rules with one backend port and protocol would share the pool"}
WARNINGS = {
    "OutboundFollows": "outbound connections follow the rules to the pool",
    "OutboundStays": "the old pool has an outbound rule, the new one has none",
}


@dataclass(frozen=True, slots=True)
class PoolFlip(OneWrite):
    """The flip of one load balancer's rules."""

    NAME, STRATEGY = "pool_flip", "pool"

    def refers(self, body: Mapping[str, Any]) -> Mapping[str, str]:
        """The pool of each rule."""
        return {name: pool_of_rule(rule) for name, rule in rules_of(body).items()}

    def referring(self, body: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
        """The load balancer with these rules' pools."""
        return with_backend_pools(body, ids)


def moves_to(balancer: Shown, pool: ResourceId, named: Sequence[str]) -> tuple[Move, ...]:
    """What changes so that the rules, the named ones or those that share the one pool in use, lead to the pool.

    A rule of the same frontend, or a named one, that holds the pool and may not share it with one of them trades pools
    with it. Raises UsageError, NotFound.
    """
    rules = rules_of(balancer.body)
    held = {name: pool_of_rule(rule) for name, rule in rules.items()}
    in_use = sorted({id_key(id).rpartition("/")[2] for id in held.values() if id})
    if not named and len(in_use) > 1:
        raise UsageError(f"The rules lead to several pools: {', '.join(in_use)}.", hint="Choose rules with --rule.")
    chosen = [one_of(name, rules, "rule", balancer.id) for name in named] or list(rules)
    moves: dict[str, Move] = {}
    for name in dict.fromkeys(chosen):
        rivals = (one for one in moves.values() if same_id(one.after, str(pool)))
        rival = next((one for one in rivals if collide(rules[one.place], rules[name])), None)
        moves[name] = Move(name, held[name], str(pool))
        if rival and same_id(rival.before, rival.after):
            moves[name] = Move(name, held[name], held[name])
        elif rival and same_id(held[name], rival.after):
            moves[name] = Move(name, held[name], rival.before)
    for one in [one for one in moves.values() if not same_id(one.before, one.after)]:
        for name in [name for name in rules if name not in moves and same_id(held[name], one.after)]:
            near = same_id(frontend_of(rules[one.place]), frontend_of(rules[name]))
            if near and collide(rules[one.place], rules[name]):
                moves[name] = Move(name, held[name], one.before)
    return tuple(moves.values())


def findings(
    balancer: Shown, pool: ResourceId, moves: Sequence[Move], health: tuple[int, int] | Unknown | None
) -> Iterator[Finding]:
    """What speaks against a flip. `health`: see health_findings."""
    rules, properties = rules_of(balancer.body), balancer.body["properties"]
    pools = {str(one["name"]): one.get("properties") or {} for one in properties.get("backendAddressPools") or []}
    members = next((own for name, own in pools.items() if same_word(name, pool.name)), None)
    flipped = [move for move in moves if not same_id(move.before, move.after)]
    if members is None:
        told = f"There is no pool {pool.name}; {balancer.id.name} has: {', '.join(pools) or 'none'}."
        yield error("PoolUnknown", told, "Name one of them.")
    elif not (members.get("backendIPConfigurations") or members.get("loadBalancerBackendAddresses")):
        yield error("PoolEmpty", f"The pool {pool.name} has no member.", "Put what is to serve into it first.")
    elif flipped:
        yield from health_findings(pool.name, health)
    if not moves:
        yield error("NoRule", f"{balancer.id.name} has no load-balancing rule.", "Give it a rule first.")
    for move in moves:
        if len(pools_of_rule(rules[move.place])) != 1:
            yield error("SeveralPools", f"The rule {move.place} has no pool, or several.", "Flip rules of one pool.")
    after = {name: pool_of_rule(rule) for name, rule in rules.items()} | {move.place: move.after for move in moves}
    for name, other in ((move.place, other) for move in flipped for other in rules if other != move.place):
        if same_id(after[name], after[other]) and collide(rules[name], rules[other]):
            told = f"{name} and {other} have one backend port and protocol, and would share the pool {pool.name}."
            yield error("RulesCollide", told, f"Add --rule {other}, so that it trades pools, or change its port.")
    snat = [move.place for move in flipped if not rules[move.place].get("disableOutboundSnat")]
    if snat:
        told = f"The outbound connections of the pools follow these rules: {', '.join(snat)}."
        yield warning("OutboundFollows", told, "Give the rules disableOutboundSnat and each pool an outbound rule.")
    outbound = [one.get("properties") or {} for one in properties.get("outboundRules") or []]
    served = {id_key(id) for one in outbound for id in pools_of_rule(one)}
    if any(id_key(move.before) in served for move in flipped) and id_key(str(pool)) not in served:
        told = f"The old pool has an outbound rule, the pool {pool.name} has none."
        yield warning("OutboundStays", told, "Give it an outbound rule of its own first.")
