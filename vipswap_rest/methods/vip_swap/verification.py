"""The gates of `--health`: staging answers before anything changes, production's address answers afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from vipswap_rest.clock import Clock
from vipswap_rest.errors import Refused
from vipswap_rest.health import Check
from vipswap_rest.methods.vip_swap.model import Observed, Pair, Side
from vipswap_rest.methods.vip_swap.rules import first_tcp_port

BETWEEN_TRIES_S = 0.5
VERIFY_TIMEOUT_S = 30.0


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
                f"Staging does not answer, so it shall not take production's address: {silent}.",
                hint="See that staging serves on its own address first, or leave --health away.",
            )

    def await_answer(self, observed: Observed, pair: Pair, clock: Clock) -> str | None:
        """None as soon as production's address answers from its new side; why it does not when the time is up."""
        address, port = observed.addresses[Side.PRODUCTION].address, port_of(observed, pair)
        until = clock.monotonic() + self.timeout_s
        while True:
            silent = clock.wait_for(lambda: self.check.answers(address or "", port))
            if silent is None or clock.monotonic() >= until:
                return silent
            clock.sleep(BETWEEN_TRIES_S)


def port_of(observed: Observed, pair: Pair) -> int:
    """The frontend port of the first TCP rule of staging's frontend: it serves staging's address now, production's
    later. Raises Refused if there is none."""
    frontend = pair.frontends[Side.STAGING]
    port = first_tcp_port(observed.load_balancers[Side.STAGING].body, frontend.key)
    if port is None:
        raise Refused(
            "NothingToAsk",
            f"Staging's frontend {frontend} has no TCP rule, so its health cannot be asked.",
            hint="Leave --health away.",
        )
    return port


def production_answers(check: Check, observed: Observed, pair: Pair) -> bool | None:
    """Whether production's address answers, on the frontend that holds it; None where it cannot be asked."""
    address = observed.addresses[Side.PRODUCTION]
    for side in Side:
        if observed.held(pair, side) == address.id and address.address:
            port = first_tcp_port(observed.load_balancers[side].body, pair.frontends[side].key)
            return None if port is None else check.answers(address.address, port) is None
    return None
