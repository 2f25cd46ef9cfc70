"""The emulator's settings: what is not publicly known about Azure is one of them."""

from __future__ import annotations

from dataclasses import dataclass

from ..identity.assertions import Certificate
from .latency import Profile, read_profile
from .pool import read_pool

# The public recordings' subscription is all zeros; with the same one they can be replayed to the letter.
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
TENANT = "11111111-1111-1111-1111-111111111111"
CLIENT_ID = "22222222-2222-2222-2222-222222222222"
CLIENT_SECRET = "emulated"
OBJECT_ID = "33333333-3333-3333-3333-333333333333"

# Their names have four digits.
_PAIRS_AT_MOST = 9999

_CHOICES: dict[str, tuple[str | None, ...]] = {
    "env": ("blog", "roads", "none"),
    "release": ("complete", "accept"),
    "release_refusal": ("in-use", "retryable"),
    "overlap_ends": ("both", "attach"),
    "native": ("accept", "reject"),
    "if_none_match": ("honour", "ignore"),
    "retry_after": ("grows", "constant"),
    "reference_provisioning": (None, "accept", "refuse"),
    "data_plane_down": ("accept", "complete"),
    "data_plane_up": ("complete", "accept"),
    "unattached": ("refuse", "drop"),
    "established": ("reset", "silent"),
    "flip_established": ("keep", "reset", "silent"),
    "gateway_established": ("keep", "reset"),
}


class InvalidSettings(ValueError):
    """A setting that does not exist; the message is one sentence that names it and what may stand there."""


@dataclass(frozen=True)
class Settings:
    """The emulator's settings, each one flag of `vipswap emulator`.

    env: `blog` starts with the article's two load balancers, `roads` has what the other methods need beside them,
        `none` has nothing.
    latency: `instant`, `blog`, `standard`, or the path of a JSON file (seconds; see latency.read_profile).
    time_scale: factor on every duration, Retry-After included; 0.1 is ten times faster.
    seed: of the durations that are drawn.
    pairs: how many pairs of load balancers there are beside the environment's own, for fleets: `pair0001a` and
        `pair0001b`, ..., with an address each.
    rtt: seconds that every answer of ARM's takes, after what was asked was done; not scaled.
    release: when another load balancer may take an address that was taken off a frontend: once the operation that
        released it has completed, or as soon as it was accepted. Not seen in any recording, hence a setting.
    release_refusal: how a load balancer that asks for such an address too early is refused: with 400
        PublicIPAddressInUse, or with 429 RetryableError. Not seen either.
    overlap_ends: whether an operation that attaches an address ends not before the one that still releases it (both),
        or by itself (attach). Not seen either.
    native: whether setLoadBalancerFrontendPublicIpAddresses serves ordinary load balancers. Not seen either.
    if_none_match: whether `If-None-Match: *` on something that exists is refused. Not seen either.
    retry_after: whether the Retry-After of an operation's polls grows from poll to poll, as recorded, or stays.
    reference_provisioning: whether a load balancer may refer to an address that is still being made (its operation then
        ends not before the address's), or is refused with 429. The article's run shows that ARM accepted it; users
        report the refusal. Where nothing is said, the latency `blog` accepts and every other refuses.
    tls: whether ARM and the token service are served over https, with a certificate of an authority that is made for
        it; the public IPs are not. A matter of the server: the emulator in process has no connections.
    throttle: whether calls are counted, and refused with 429 once ARM would (see throttle.py).
    require_token: whether only unexpired tokens of the emulator's own token service are accepted, instead of any.
    token_lifetime_s: whole seconds that its tokens live, from 1 on; Entra ID's live for an hour or more.
    client_certificate: a PEM file with the certificate that is registered for the token service's application; without
        one it takes any certificate's assertion.
    data_plane: whether a server gives every public IP a loopback address with listeners (see data_plane). The command
        line always does; the emulator in process has no sockets.
    data_plane_down, data_plane_up: when an address stops answering, and starts again: once the write that moves it was
        accepted, or has completed. Of Azure neither is known.
    unattached: what becomes of a new connection to an address that leads nowhere: refused, or accepted and never
        answered, as if its packets were dropped.
    established: what becomes of connections that are open when an address goes down: reset, or never answered again.
        What Azure does is not known (it documents a reset for idle timeouts only); those to an address that drops
        are never answered again.
    cold_pool_s: how many seconds a backend pool that no rule used does not answer after a rule has gone over to it.
        That an unprobed pool waits for its first probe is inferred.
    flip_established: what becomes of connections that are open to a load balancer's pool when the rule leaves it: they
        stay, are reset, or never answered again. Not documented, and not seen.
    gateway_established: the same of an application gateway's, where the client's connection ends at the gateway: it
        stays and its next request is answered by the new pool, or it is reset. Documented for v1 alone (a reset).
    drain_s: how many seconds such connections are left alone before that.
    vip_pool: the network within 127.0.0.0/8 that the public IPs' loopback addresses are taken from, a /24 of it for
        each emulator.

    Both files are read once. Raises InvalidSettings or InvalidLatency, both ValueErrors whose message is one sentence.
    """

    env: str = "blog"
    latency: str = "instant"
    time_scale: float = 1.0
    seed: int = 0
    pairs: int = 0
    rtt: float = 0.0
    release: str = "complete"
    release_refusal: str = "in-use"
    overlap_ends: str = "both"
    native: str = "accept"
    if_none_match: str = "honour"
    retry_after: str = "grows"
    reference_provisioning: str | None = None
    tls: bool = False
    throttle: bool = False
    require_token: bool = False
    token_lifetime_s: int = 3599
    client_certificate: str | None = None
    data_plane: bool = False
    data_plane_down: str = "accept"
    data_plane_up: str = "complete"
    unattached: str = "refuse"
    established: str = "reset"
    cold_pool_s: float = 0.0
    flip_established: str = "keep"
    gateway_established: str = "keep"
    drain_s: float = 0.0
    vip_pool: str = "127.64.0.0/16"

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            value = getattr(self, name)
            if value not in allowed:
                words = ", ".join(one for one in allowed if one is not None)
                raise InvalidSettings(f"{name} is {value!r}; it must be one of {words}.")
        if not 0 <= self.pairs <= _PAIRS_AT_MOST:
            raise InvalidSettings(f"pairs is {self.pairs}; it must be a whole number from 0 to {_PAIRS_AT_MOST}.")
        for name in ("rtt", "cold_pool_s", "drain_s"):
            if not 0 <= (seconds := getattr(self, name)) < float("inf"):
                raise InvalidSettings(
                    f"{name.removesuffix('_s')} is {seconds!r}; it must be a number of seconds from 0 on."
                )
        if self.token_lifetime_s < 1:
            raise InvalidSettings(f"token_lifetime is {self.token_lifetime_s}; it must be whole seconds from 1 on.")
        if not 0 <= self.time_scale < float("inf"):
            raise InvalidSettings(f"time_scale is {self.time_scale!r}; it must be a number from 0 on.")
        try:
            read_pool(self.vip_pool)
        except ValueError as error:
            raise InvalidSettings(f"vip_pool is {self.vip_pool!r}; it must be {error}.") from error
        # The files are read once, here, so that a bad one is refused before anything listens.
        object.__setattr__(self, "_profile", read_profile(self.latency))
        object.__setattr__(self, "_certificate", _read_certificate(self.client_certificate))

    @property
    def profile(self) -> Profile:
        """The latency profile that `latency` names."""
        profile: Profile = self.__dict__["_profile"]
        return profile

    @property
    def accepts_provisioning(self) -> bool:
        """Whether a load balancer may refer to an address that is still being made."""
        return (self.reference_provisioning or ("accept" if self.latency == "blog" else "refuse")) == "accept"

    @property
    def certificate(self) -> Certificate | None:
        """The certificate that `client_certificate` names."""
        certificate: Certificate | None = self.__dict__["_certificate"]
        return certificate


def _read_certificate(path: str | None) -> Certificate | None:
    try:
        return Certificate(path) if path else None
    except OSError as error:
        raise InvalidSettings(f"The client_certificate {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise InvalidSettings(f"The client_certificate {path} holds no certificate with an RSA key (PEM).") from error
