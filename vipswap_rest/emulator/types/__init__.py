"""The resource types: what a call to each of them does."""
