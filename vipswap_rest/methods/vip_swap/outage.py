"""The control plane's account of an outage: when an address was taken off its frontend, and when it was attached."""

from __future__ import annotations

from vipswap_rest.ids import ResourceId


class OutageLedger:
    """Release and attachment of each address, in monotonic seconds. Pure bookkeeping.

    A write whose answer was lost releases its address *perhaps*, until somebody looks: `confirmed` or `denied`.
    """

    def __init__(self) -> None:
        self._released: dict[ResourceId, float] = {}
        self._attached: dict[ResourceId, float] = {}
        self._perhaps: dict[ResourceId, float] = {}

    def released(self, address: ResourceId, sent: float) -> None:
        """The write that takes the address off its frontend was sent at `sent`; the first one counts."""
        self._perhaps.pop(address, None)
        self._released.setdefault(address, sent)
        self._attached.pop(address, None)

    def perhaps_released(self, address: ResourceId, sent: float) -> None:
        """A write that takes the address off was sent at `sent`, and nobody knows yet whether it was done."""
        if address not in self._released:
            self._perhaps.setdefault(address, sent)

    def seen(self, address: ResourceId, *, attached: bool, read: float) -> None:
        """The address was observed at `read`: on a frontend whose load balancer has Succeeded, or not.

        Settles what was only perhaps released: one that is still attached was not.
        """
        if not attached and address in self._perhaps:
            self.released(address, self._perhaps[address])
        if attached:
            self._perhaps.pop(address, None)
            self.attached(address, read)

    def attached(self, address: ResourceId, read: float) -> None:
        """`Succeeded` was read at `read` for the write that attaches the address."""
        if address in self._released:
            self._attached.setdefault(address, read)

    def is_open(self, address: ResourceId) -> bool:
        """Whether this run has taken the address off, or may have, and has not yet put it on."""
        return address in self._perhaps or (address in self._released and address not in self._attached)

    def open_since(self, address: ResourceId) -> float | None:
        """When the write was sent that took the address off, while it is off; else None."""
        return self._released.get(address) if address not in self._attached else None

    def span(self, address: ResourceId) -> tuple[float, float] | None:
        """When the outage began and ended; None if this run did not see both of its ends."""
        if address not in self._released or address not in self._attached:
            return None
        return self._released[address], self._attached[address]
