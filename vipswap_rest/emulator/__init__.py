"""Azure Resource Manager on this machine, as recordings of the real one show it. No Azure is needed, nor touched.

`Emulator(settings, clock).handle(request)` is all of it, in process; `server.serve` and `server.EmulatorServer` put it
on a loopback port (they need the `emulator` extra, the rest does not).

`arm/` is ARM whatever the resource, `types/` has one file or folder a resource type, `identity/` the token service,
`control/` the paths below /emulator/, `data_plane/` the listeners. Imports: server -> core -> control -> types -> arm.
A new fault is an effect in `arm/effects.py`, its form in `control/faults.py`. A new resource type is a file in `types/`
with a `ResourceType`, and a line in `types/registry.py`.
"""

from __future__ import annotations

from .clock import Clock, SystemClock
from .core import Emulator
from .messages import Answer, Request
from .settings import InvalidSettings, Settings
from .settings.latency import InvalidLatency

__all__ = ["Answer", "Clock", "Emulator", "InvalidLatency", "InvalidSettings", "Request", "Settings", "SystemClock"]
