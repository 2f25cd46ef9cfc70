"""What answers on the public IPs: real listeners on loopback addresses, a shell around the emulator's core.

`desired` is all that the two have in common: which address leads where, and what happened; `loopback` finds addresses,
`plane` applies what the core says to `vip`s and tells when it did.
"""
