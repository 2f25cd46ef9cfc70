"""Waiting for sockets, to the microsecond where the system can."""

from __future__ import annotations

import contextlib
import math
import select
import selectors
from typing import Protocol

# select() takes no file descriptor above this.
_LARGEST = 1023


class Poller(Protocol):
    """Waits until a socket can be read, or, while it is watched for that, written."""

    def watch(self, fd: int, *, writing: bool) -> None:
        """Begin to watch, for reading, and for writing too (a connection that is made can be written)."""

    def only_read(self, fd: int) -> None:
        """Watch it for reading alone from now on."""

    def forget(self, fd: int) -> None:
        """Watch it no more; before it is closed."""

    def wait(self, seconds: float) -> list[int]:
        """The sockets that are ready or failed, after at most `seconds`."""

    def close(self) -> None:
        """Give the poller's own file descriptor back."""


class EpollPoller:
    """epoll. Python's epoll.poll waits whole milliseconds; select() on its own descriptor waits microseconds."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._precise = self._epoll.fileno() <= _LARGEST

    def watch(self, fd: int, *, writing: bool) -> None:
        """Begin to watch."""
        self._epoll.register(fd, select.EPOLLIN | select.EPOLLOUT if writing else select.EPOLLIN)

    def only_read(self, fd: int) -> None:
        """Watch it for reading alone from now on."""
        self._epoll.modify(fd, select.EPOLLIN)

    def forget(self, fd: int) -> None:
        """Nothing to do: closing a socket takes it out of the epoll."""

    def wait(self, seconds: float) -> list[int]:
        """The sockets that are ready or failed."""
        if self._precise:
            ready, _, _ = select.select((self._epoll,), (), (), seconds)
            if not ready:
                return []
            seconds = 0
        return [fd for fd, _ in self._epoll.poll(math.ceil(seconds * 1000) / 1000)]

    def close(self) -> None:
        """Give the epoll back."""
        self._epoll.close()


class SelectorPoller:
    """Whatever else the system has (kqueue on macOS and BSD)."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def watch(self, fd: int, *, writing: bool) -> None:
        """Begin to watch."""
        self._selector.register(fd, selectors.EVENT_READ | (selectors.EVENT_WRITE if writing else 0))

    def only_read(self, fd: int) -> None:
        """Watch it for reading alone from now on."""
        self._selector.modify(fd, selectors.EVENT_READ)

    def forget(self, fd: int) -> None:
        """Watch it no more."""
        with contextlib.suppress(KeyError):
            self._selector.unregister(fd)

    def wait(self, seconds: float) -> list[int]:
        """The sockets that are ready or failed."""
        return [key.fd for key, _ in self._selector.select(seconds)]

    def close(self) -> None:
        """Give the selector back."""
        self._selector.close()


def best_poller() -> Poller:
    """epoll where there is one."""
    return EpollPoller() if hasattr(select, "epoll") else SelectorPoller()
