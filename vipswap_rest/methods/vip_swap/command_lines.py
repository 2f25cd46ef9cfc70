"""The command lines that messages tell the user to type."""

from __future__ import annotations

from vipswap_rest.methods.vip_swap.journal import Journal
from vipswap_rest.methods.vip_swap.model import Pair
from vipswap_rest.switchover.report import Side


def recover_command(pair: Pair) -> str:
    """The command line that finishes or undoes an interrupted swap of this pair."""
    pair_ids = [pair.load_balancer(side) for side in Side]
    return f"vipswap recover --subscription {pair.float.subscription} --lb1 {pair_ids[0]} --lb2 {pair_ids[1]}"


def vip_command(pair: Pair, journal: Journal) -> str:
    """The command line that states a journal's goal, and so begins or finishes it, and changes nothing twice."""
    goal = pair.goal(journal.direction)
    names = [
        f"--subscription {pair.float.subscription}",
        f"--lb1 {pair.load_balancer(Side.PRODUCTION)}",
        f"--lb2 {pair.load_balancer(Side.STAGING)}",
        f"--frontend1 {pair.frontends[Side.PRODUCTION].name}",
        f"--frontend2 {pair.frontends[Side.STAGING].name}",
        f"--vip {goal[Side.STAGING]}",
    ]
    return " ".join(["vipswap swap", *names, "--yes"])
