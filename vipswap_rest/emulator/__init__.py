"""Azure Resource Manager on this machine, as recordings of the real one show it. No Azure is needed, nor touched.

`Emulator(settings, clock).handle(request)` is all of it, in process; `server.serve` and `server.EmulatorServer` put it
on a loopback port (they need the `emulator` extra, the rest does not).
"""

from __future__ import annotations

from .clock import Clock, SystemClock
from .core import Emulator
from .messages import Answer, Request
from .settings import InvalidSettings, Settings
from .settings.latency import InvalidLatency

__all__ = ["Answer", "Clock", "Emulator", "InvalidLatency", "InvalidSettings", "Request", "Settings", "SystemClock"]
