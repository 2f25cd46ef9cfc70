"""What an application proves itself with instead of a secret: a JWT, signed with its certificate, or by another issuer.

https://learn.microsoft.com/entra/identity-platform/certificate-credentials
https://learn.microsoft.com/entra/workload-id/workload-identity-federation
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ..messages import Json, decode

KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# Entra ID lets clocks differ by five minutes.
_SKEW_S = 300
_THUMBPRINTS = ("x5t", "x5t#S256")


class AssertionRefused(Exception):
    """An assertion proves nothing: the number of Entra's error, and its text."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(text)
        self.number = number


class Certificate:
    """The certificate that is registered for an application."""

    def __init__(self, path: str) -> None:
        """Reads a PEM file, and in it the certificate only.

        Raises OSError if it cannot be read, ValueError if no certificate with an RSA key is in it.
        """
        # cryptography comes with the packages for TLS; nothing else in the emulator needs it.
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
        from cryptography.hazmat.primitives.serialization import Encoding

        certificate = x509.load_pem_x509_certificate(Path(path).read_bytes())
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise ValueError("Entra ID takes RSA keys only.")
        der = certificate.public_bytes(Encoding.DER)
        self._key = key
        # SHA-1 is what older clients name a certificate by; it protects nothing here.
        digests = (hashlib.sha1(der, usedforsecurity=False).digest(), hashlib.sha256(der).digest())
        self._thumbprints = dict(zip(_THUMBPRINTS, map(_text, digests), strict=True))

    def is_named_by(self, head: Json) -> bool:
        """Whether an assertion's head names this certificate, by either thumbprint."""
        named = {name: str(head[name]).rstrip("=") for name in _THUMBPRINTS if head.get(name)}
        return bool(named) and all(self._thumbprints[name] == text for name, text in named.items())

    def signed(self, algorithm: str, data: bytes, signature: bytes) -> bool:
        """Whether the private key made the signature, by RS256 or PS256 (RFC 7518 sections 3.3, 3.5)."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import padding
        from cryptography.hazmat.primitives.hashes import SHA256

        paddings: dict[str, Any] = {
            "RS256": padding.PKCS1v15(),
            "PS256": padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size),
        }
        if algorithm not in paddings:
            return False
        try:
            self._key.verify(signature, data, paddings[algorithm], SHA256())
        except InvalidSignature:
            return False
        return True


def check_assertion(
    assertion: str, client_id: str, audiences: Collection[str], now: float, registered: Certificate | None
) -> None:
    """Let an application's assertion pass, or refuse it. Raises AssertionRefused.

    Its shape and its times are always checked. One that the application made itself must be for this token service, and
    name and be signed with the registered certificate; where none is registered, any certificate's will do. Another
    issuer's is accepted unchecked: that issuer publishes its keys, and the emulator knows no trusted issuers.

    audiences: what the application's own may be meant for. now: POSIX seconds.
    """
    head, claims, data, signature = _read(assertion)
    issuer, subject, audience = (claims.get(name) for name in ("iss", "sub", "aud"))
    if not (issuer and subject and audience):
        raise AssertionRefused(50027, "JWT token is invalid or malformed.")
    expires, begins = claims.get("exp"), claims.get("nbf", 0)
    if not isinstance(expires, (int, float)) or not isinstance(begins, (int, float)):
        raise AssertionRefused(50027, "JWT token is invalid or malformed.")
    if not begins - _SKEW_S <= now < expires + _SKEW_S:
        raise AssertionRefused(700024, "Client assertion is not within its valid time range.")
    if client_id not in (issuer, subject):
        return
    if issuer != subject or audience not in audiences:
        raise AssertionRefused(700023, "Client assertion audience claim does not match Realm issuer.")
    if not any(head.get(name) for name in _THUMBPRINTS):
        raise AssertionRefused(50027, "JWT token is invalid or malformed.")
    if registered and not registered.is_named_by(head):
        text = "The certificate with identifier used to sign the client assertion is not registered on application."
        raise AssertionRefused(700027, text)
    if registered and not registered.signed(str(head["alg"]), data, signature):
        raise AssertionRefused(700027, "Client assertion failed signature validation.")


def _read(assertion: str) -> tuple[Json, Json, bytes, bytes]:
    """A signed JWT's head and claims, and what is signed, and its signature."""
    try:
        first, second, third = (
            base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in assertion.split(".")
        )
        head, claims = decode(first), decode(second)
    except ValueError:
        head = claims = third = None
    if not (isinstance(head, dict) and isinstance(claims, dict) and third and head.get("alg") not in (None, "none")):
        raise AssertionRefused(50027, "JWT token is invalid or malformed.")
    return head, claims, assertion.rpartition(".")[0].encode(), third


def _text(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
