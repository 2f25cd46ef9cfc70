"""Exchange the public IP addresses of two Azure load balancers over plain ARM REST calls."""

from __future__ import annotations

__version__ = "0.1.0"
