"""Exchange the public IP addresses of two Azure load balancers over plain ARM REST calls.

    client = connect()
    planned = plan(client, Target("production-lb", "staging-lb", "my-group"))
    report = swap(client, planned)

Everything that is meant for other programs stands in `__all__`, and is imported when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vipswap_rest.arm import __version__ as __version__

if TYPE_CHECKING:
    from vipswap_rest.arm import network
    from vipswap_rest.arm.client import ArmClient
    from vipswap_rest.arm.errors import VipswapError
    from vipswap_rest.arm.ids import ResourceId
    from vipswap_rest.arm.login import connect
    from vipswap_rest.methods.vip_swap.reconcile import Opening
    from vipswap_rest.methods.vip_swap.resolve import Target
    from vipswap_rest.methods.vip_swap.run import Options, Plan, plan, swap
    from vipswap_rest.switchover.report import Report

__all__ = [
    "ArmClient",
    "Opening",
    "Options",
    "Plan",
    "Report",
    "ResourceId",
    "Target",
    "VipswapError",
    "connect",
    "network",
    "plan",
    "swap",
]

# Where each name is: `vipswap --help` needs none of them.
_HOME = {
    "ArmClient": "arm.client",
    "Opening": "methods.vip_swap.reconcile",
    "Options": "methods.vip_swap.run",
    "Plan": "methods.vip_swap.run",
    "Report": "switchover.report",
    "ResourceId": "arm.ids",
    "Target": "methods.vip_swap.resolve",
    "VipswapError": "arm.errors",
    "connect": "arm.login",
    "network": "arm.network",
    "plan": "methods.vip_swap.run",
    "swap": "methods.vip_swap.run",
}


def __getattr__(name: str) -> Any:
    """Import a public name where it is used first."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = import_module(f"{__name__}.{_HOME[name]}")
    # `network` is the module itself.
    return getattr(home, name, home)
