"""The gates of `--health`: staging answers before anything changes, production's address answers afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from vipswap_rest.arm.errors import Refused
from vipswap_rest.methods.vip_swap.method import port_of
from vipswap_rest.methods.vip_swap.model import Observed, Pair
from vipswap_rest.methods.vip_swap.rules import first_tcp_port
from vipswap_rest.switchover.health import VERIFY_TIMEOUT_S, Check
from vipswap_rest.switchover.report import Side


@dataclass(frozen=True, slots=True)
class Verification:
    """What is asked, and for how long (seconds) production's address may stay silent after the swap."""

    check: Check
    timeout_s: float = VERIFY_TIMEOUT_S

    def gate(self, observed: Observed, pair: Pair) -> None:
        """Raise Refused unless staging answers on its own address. Nothing has been changed yet."""
        address, port = observed.addresses[Side.STAGING].address, port_of(observed, pair)
        silent = self.check.answers(address or "", port)
        if silent is not None:
            raise Refused(
                "StagingUnhealthy",
                f"Staging does not answer, so the swap was refused: {silent}.",
                hint="Check that staging serves on its own address, or omit --health.",
            )


def production_answers(check: Check, observed: Observed, pair: Pair) -> bool | None:
    """Whether production's address answers, on the frontend that holds it; None where it cannot be asked."""
    address = observed.addresses[Side.PRODUCTION]
    for side in Side:
        if observed.held(pair, side) == address.id and address.address:
            port = first_tcp_port(observed.load_balancers[side].body, pair.frontends[side].key)
            return None if port is None else check.answers(address.address, port) is None
    return None
