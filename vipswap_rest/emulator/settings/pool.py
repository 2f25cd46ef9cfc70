"""Networks of loopback addresses, as text and as blocks: which addresses the public IPs may have."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

_BLOCK = 24
_OWN = ipaddress.IPv4Address("127.0.0.1")
_LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")


def read_pool(text: str) -> ipaddress.IPv4Network:
    """The pool that `text` (CIDR) names. Raises ValueError with a phrase that says what a pool is."""
    hint = "a network within 127.0.0.0/8 of at least 4 addresses, without 127.0.0.1, such as 127.64.0.0/16"
    try:
        pool = ipaddress.IPv4Network(text)
    except (ValueError, TypeError) as error:
        raise ValueError(hint) from error
    if not pool.subnet_of(_LOOPBACK) or pool.prefixlen > 30 or _OWN in pool:
        raise ValueError(hint)
    return pool


def blocks(pool: ipaddress.IPv4Network, start: int, hosts: int = 0) -> Iterator[ipaddress.IPv4Network]:
    """The pool's /24s, each once, from number `start` on (modulo their count); a smaller pool is one block.

    Where a /24 has not so many `hosts`, its blocks are larger.
    """
    size = min(_BLOCK, 32 - (hosts + 2).bit_length())
    if pool.prefixlen >= size:
        yield pool
        return
    count = 2 ** (size - pool.prefixlen)
    for offset in range(count):
        first = int(pool[0]) + (start + offset) % count * 2 ** (32 - size)
        yield ipaddress.IPv4Network((first, size))
