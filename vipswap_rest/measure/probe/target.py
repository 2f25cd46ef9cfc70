"""What to probe: an http:// or tcp:// URL, and the one address that its host is resolved to."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from vipswap_rest.arm.errors import UsageError, VipswapError

_FORM = "Give http://HOST[:PORT][/PATH] or tcp://HOST:PORT."


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """One thing to probe.

    url: as given. scheme: `http` or `tcp`. host: a name or an address, without brackets. path: with its query.
    identities: who may answer; any other is `wrong_identity`. Empty: no restriction.
    """

    url: str
    scheme: str
    host: str
    port: int
    path: str = "/"
    identities: frozenset[str] = frozenset()

    @property
    def authority(self) -> str:
        """For the Host header, RFC 9112 section 3.2."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 80 else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A target with the socket address that is probed. others: further addresses of its name, which are not probed."""

    target: ProbeTarget
    family: socket.AddressFamily
    address: tuple[str, int] | tuple[str, int, int, int]
    others: tuple[str, ...] = field(default=(), compare=False)


def parse_target(url: str, *, identities: frozenset[str] = frozenset()) -> ProbeTarget:
    """The target that a URL names. Raises UsageError if the URL is invalid."""

    def invalid(reason: str) -> UsageError:
        return UsageError(f"{url!r} cannot be probed: {reason}.", hint=_FORM)

    if "@" in url.partition("://")[2].partition("/")[0]:
        # Not repeated: what stands before the @ may be a password.
        raise UsageError("A URL with a user name in it cannot be probed.", hint=_FORM)
    if not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        raise invalid("a URL is printable ASCII without spaces; anything else is percent-encoded")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise invalid(f"it is not a valid URL ({error})") from error
    if parts.scheme == "https":
        raise invalid(f"https is not supported; tcp://HOST:{port or 443} checks whether that port accepts connections")
    if parts.scheme not in ("http", "tcp") or not parts.netloc:
        raise invalid("it is not an http:// or tcp:// URL")
    if not host:
        raise invalid("the host is missing")
    if port == 0 or (port is None and (parts.scheme == "tcp" or parts.netloc.endswith(":"))):
        raise invalid("the port is missing")
    if parts.scheme == "tcp" and (parts.path not in ("", "/") or parts.query):
        raise invalid("a tcp:// URL has no path")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return ProbeTarget(url, parts.scheme, host, port or 80, path, identities)


def resolve(target: ProbeTarget) -> Endpoint:
    """Look the host up, once: the first address that the system returns. Raises VipswapError if there is none."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise VipswapError(
            f"{target.host!r} of {target.url} has no address: {reason}.", hint="Check the name, or give the address."
        ) from error
    family, _, _, _, address = found[0]
    # A build without IPv6 names an IPv6 address in a form of its own, which no socket takes.
    if isinstance(address[0], int):
        raise VipswapError(f"This Python cannot reach {target.url}: it has no IPv6.", hint="Give an IPv4 address.")
    others = dict.fromkeys(str(other[4][0]) for other in found[1:] if other[4][0] != address[0])
    return Endpoint(target, family, address, tuple(others))
