"""What the emulator is told at its start: whatever nobody outside Microsoft knows about Azure is a setting here."""

from __future__ import annotations

from dataclasses import dataclass

from .latency import Profile, read_profile

# The public recordings' subscription is all zeros; with the same one they can be replayed to the letter.
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
TENANT = "11111111-1111-1111-1111-111111111111"
CLIENT_ID = "22222222-2222-2222-2222-222222222222"
CLIENT_SECRET = "emulated"

_CHOICES = {
    "env": ("blog", "none"),
    "release": ("complete", "accept"),
    "native": ("accept", "reject"),
    "if_none_match": ("honour", "ignore"),
}


class InvalidSettings(ValueError):
    """A setting that does not exist; the message is one sentence that names it and what may stand there."""


@dataclass(frozen=True)
class Settings:
    """The emulator's settings, each one flag of `vipswap emulator`.

    env: `blog` starts with the article's two load balancers, `none` with nothing.
    latency: `instant`, `blog`, `standard`, or the path of a JSON file (seconds; see latency.read_profile).
    time_scale: factor on every duration, Retry-After included; 0.1 is ten times faster.
    seed: of the durations that are drawn.
    release: when another load balancer may take an address that was taken off a frontend: once the operation that
        released it has completed, or as soon as it was accepted. Not seen in any recording, hence a setting.
    native: whether setLoadBalancerFrontendPublicIpAddresses serves ordinary load balancers. Not seen either.
    if_none_match: whether `If-None-Match: *` on something that exists is refused. Not seen either.

    Raises InvalidSettings or InvalidLatency, both ValueErrors whose message is one sentence.
    """

    env: str = "blog"
    latency: str = "instant"
    time_scale: float = 1.0
    seed: int = 0
    release: str = "complete"
    native: str = "accept"
    if_none_match: str = "honour"

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            value = getattr(self, name)
            if value not in allowed:
                raise InvalidSettings(f"{name} is {value!r}; it must be one of {', '.join(allowed)}.")
        if not 0 <= self.time_scale < float("inf"):
            raise InvalidSettings(f"time_scale is {self.time_scale!r}; it must be a number from 0 on.")
        # The file is read once, here, so that a bad one is refused before anything listens.
        object.__setattr__(self, "_profile", read_profile(self.latency))

    @property
    def profile(self) -> Profile:
        """The latency profile that `latency` names."""
        profile: Profile = self.__dict__["_profile"]
        return profile
