"""What answers on the public IPs: real listeners on loopback addresses, a shell around the emulator's core.

`routes` (in the core) says which address leads where, `outages` which of them are to break on demand; `loopback` finds
addresses, `plane` applies what the core says to `vips` and tells the timeline when it did.
"""
