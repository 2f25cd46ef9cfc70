"""What the tests of the probe share."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator

import pytest


@pytest.fixture
def free_port() -> Iterator[int]:
    """A port that nobody listens on, outside of the range that a client's own port may come from. It is held, so that
    nobody begins to listen on it either."""
    with socket.socket() as held:
        for port in random.sample(range(20000, 32000), 1000):
            try:
                held.bind(("127.0.0.1", port))
            except OSError:
                continue
            yield port
            return
    raise AssertionError("there is no free port")
