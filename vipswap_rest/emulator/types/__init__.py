"""The resource types: one file or folder each, with its route table; registry.py lists them."""
