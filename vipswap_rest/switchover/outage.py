"""The control plane's account of outages: when an endpoint was taken off, and when it was put on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from vipswap_rest.arm.ids import ResourceId


@dataclass(frozen=True, slots=True)
class Ledger:
    """Release and attachment of each endpoint, and the first write that moved it, in monotonic seconds.

    A write whose answer was lost releases its endpoint *perhaps*, until somebody looks (`seen`).
    """

    released_at: Mapping[ResourceId, float] = field(default_factory=dict)
    attached_at: Mapping[ResourceId, float] = field(default_factory=dict)
    perhaps_at: Mapping[ResourceId, float] = field(default_factory=dict)
    moved_at: Mapping[ResourceId, float] = field(default_factory=dict)

    def moved(self, endpoint: ResourceId, sent: float) -> Ledger:
        """A write that moves the endpoint, off or on or to another side, was sent at `sent`; the first one counts."""
        return replace(self, moved_at={endpoint: sent, **self.moved_at})

    def released(self, endpoint: ResourceId, sent: float) -> Ledger:
        """The write that takes the endpoint off was sent at `sent`; the first one counts."""
        return replace(
            self,
            released_at={endpoint: sent, **self.released_at},
            attached_at=_without(self.attached_at, endpoint),
            perhaps_at=_without(self.perhaps_at, endpoint),
        )

    def perhaps_released(self, endpoint: ResourceId, sent: float) -> Ledger:
        """A write that takes the endpoint off was sent at `sent`, and nobody knows yet whether it was done."""
        if endpoint in self.released_at:
            return self
        return replace(self, perhaps_at={endpoint: sent, **self.perhaps_at})

    def seen(self, endpoint: ResourceId, *, attached: bool, read: float) -> Ledger:
        """The endpoint was observed at `read`: where it works, or not.

        Settles what was only perhaps released: an endpoint that is still attached was not.
        """
        if attached:
            return replace(self, perhaps_at=_without(self.perhaps_at, endpoint)).attached(endpoint, read)
        if endpoint in self.perhaps_at:
            return self.released(endpoint, self.perhaps_at[endpoint])
        return self

    def attached(self, endpoint: ResourceId, read: float) -> Ledger:
        """`Succeeded` was read at `read` for the write that attaches the endpoint."""
        if endpoint not in self.released_at:
            return self
        return replace(self, attached_at={endpoint: read, **self.attached_at})

    def is_open(self, endpoint: ResourceId) -> bool:
        """Whether this run has taken the endpoint off, or may have, and has not yet put it on."""
        return endpoint in self.perhaps_at or self.open_since(endpoint) is not None

    def open_since(self, endpoint: ResourceId) -> float | None:
        """When the write was sent that took the endpoint off, while it is off; else None."""
        return None if endpoint in self.attached_at else self.released_at.get(endpoint)

    def span(self, endpoint: ResourceId) -> tuple[float, float] | None:
        """When the outage began and ended; None if this run did not see both of its ends."""
        if endpoint not in self.released_at or endpoint not in self.attached_at:
            return None
        return self.released_at[endpoint], self.attached_at[endpoint]


def _without(times: Mapping[ResourceId, float], endpoint: ResourceId) -> dict[ResourceId, float]:
    return {key: value for key, value in times.items() if key != endpoint}
