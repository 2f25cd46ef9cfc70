"""The ways to switch: one folder each, and none imports another."""
