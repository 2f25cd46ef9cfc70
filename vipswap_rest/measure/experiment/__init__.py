"""Swaps that are measured: one recorded with the probe beside it, many in a fixed design, and what they say.

A `Recording` is one swap with everything that was seen of it; `save` and `load` keep it, and every figure, picture and
table can be made from it again.
"""
