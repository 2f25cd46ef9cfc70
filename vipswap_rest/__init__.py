"""Exchange the public IP addresses of two Azure load balancers over plain ARM REST calls."""

from __future__ import annotations

from vipswap_rest.arm import __version__

__all__ = ["__version__"]
