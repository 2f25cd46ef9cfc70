"""A disk that is full, for tests."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator


@contextlib.contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """As on a disk that is full: a write beyond `size` bytes of a file is cut short or fails.

    Only around the lines it is meant for: what pytest prints goes into a file, too, where its output is kept in one.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
