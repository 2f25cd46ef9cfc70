"""Spare loopback addresses: a block of 127.0.0.0/8 that no other emulator on this machine has."""

from __future__ import annotations

import errno
import random
import socket

from ..settings.pool import blocks, read_pool

# A UDP port on a block's first address that nothing is ever sent to: binding it is what reserves the block, and the
# system lets go of it when the process ends, however it ends. Outside 32768-60999, where clients' ports are taken from.
_PORT = 12764


class NoLoopback(OSError):
    """There are no addresses to be had; the message is one sentence that says what to do."""


class Block:
    """A network of loopback addresses that is this emulator's until it is closed."""

    def __init__(self, network: str, reservation: socket.socket) -> None:
        self.network = network
        self._reservation = reservation

    def close(self) -> None:
        """Let others have it."""
        self._reservation.close()


def reserve(text: str, hosts: int = 0) -> Block:
    """Reserve a free /24 of the pool (or all of a smaller one): a random one, so that two emulators seldom meet.

    Where so many `hosts` do not fit into a /24 it is a larger block.

    Raises NoLoopback where all are taken, or the system has no such addresses.
    """
    pool = read_pool(text)
    missing = False
    for network in blocks(pool, random.SystemRandom().randrange(2**24), hosts):
        reservation = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            reservation.bind((str(network[1]), _PORT))
        except OSError as error:
            reservation.close()
            if error.errno == errno.EADDRNOTAVAIL:
                missing = True
                continue
            if error.errno != errno.EADDRINUSE:
                raise NoLoopback(f"Loopback address {network[1]} is not available: {error.strerror}.") from error
        else:
            return Block(str(network), reservation)
    if missing:
        first, last = str(pool[0]).rsplit(".", 1)
        count = min(pool.num_addresses - 2, 14)
        raise NoLoopback(
            f"This system has no loopback addresses in {pool}, so that nothing answers on the public IPs (ARM does); "
            f"add {count} with: for n in $(seq {int(last) + 1} {int(last) + count}); "
            f"do sudo ifconfig lo0 alias {first}.$n; done"
        )
    raise NoLoopback(
        f"All loopback addresses in {pool} are taken by other emulators, so that nothing answers on the public IPs "
        "(ARM does); choose others with --vip-pool."
    )
