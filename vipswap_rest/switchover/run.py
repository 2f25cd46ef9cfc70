"""One run from its first state to its report, whatever is switched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vipswap_rest.arm.client import ArmClient
from vipswap_rest.switchover.budget import Budget
from vipswap_rest.switchover.driver import Driver, Guard, Record
from vipswap_rest.switchover.events import Begun, Moment
from vipswap_rest.switchover.health import Check
from vipswap_rest.switchover.outcome import report
from vipswap_rest.switchover.report import Emit, Report
from vipswap_rest.switchover.state import Limits, Policy, RunState


def policy(client: ArmClient, *, limits: Limits, rollback: bool, verify_s: float | None, polite: bool) -> Policy:
    """What a run on this client may do; see Policy."""
    transport = client.transport
    version = client.api_version("network")
    return Policy(transport.endpoint, version, transport.read_timeout, limits, rollback, verify_s, polite)


def carry_out(
    client: ArmClient,
    method: str,
    setup: Mapping[str, Any],
    begin: Callable[[Moment], RunState],
    *,
    check: Check | None,
    emit: Emit,
    guard: Guard,
    record: Record = lambda event: None,
    budget: Budget | None = None,
) -> Report:
    """Drive a run to its end. Every error of the run is in the report, none is raised.

    `method` and `setup` stand in the first line of its events: all that the state which `begin` makes follows from.
    """
    driver = Driver(client, check=check, emit=emit, guard=guard, record=record, budget=budget)
    now = driver.now()
    record(Begun(now, method, setup))
    return report(driver.run(begin(now)))
