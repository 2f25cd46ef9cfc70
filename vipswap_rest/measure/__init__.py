"""Measuring: what a switch costs, seen from outside. It knows endpoints, events and something to run, and no method.

From below to above: `quantities` says a measured figure in words; `outages` is the arithmetic of the bounds; `probe`
samples addresses; `watch` probes beside one switch, and `recording` keeps it; `pictures` draws what was measured;
`experiment` repeats the switch by a fixed design and compares.
"""
