"""A token that somebody else got."""

from __future__ import annotations

from datetime import datetime

from vipswap_rest.arm.auth.claims import expiry_of
from vipswap_rest.arm.clock import Clock, SystemClock
from vipswap_rest.arm.errors import CredentialError


class ReadyToken:
    """A token somebody else got (AZURE_ACCESS_TOKEN). It cannot be renewed."""

    description = "a ready token (AZURE_ACCESS_TOKEN)"

    def __init__(self, text: str, *, clock: Clock | None = None) -> None:
        """Raises CredentialError if the token is empty, could not stand in a header, or says it has expired."""
        self._text = text.strip()
        if not self._text or not self._text.isprintable() or not self._text.isascii() or " " in self._text:
            raise CredentialError("AZURE_ACCESS_TOKEN holds no bearer token.")
        expires = expiry_of(self._text)
        if expires and expires <= (clock or SystemClock()).now():
            raise CredentialError(
                f"The token in AZURE_ACCESS_TOKEN expired at {expires:%Y-%m-%d %H:%M:%S} UTC, by this machine's clock.",
                hint="Get a fresh one: az account get-access-token --query accessToken -o tsv",
            )

    def token(self) -> str:
        """The token as it was given."""
        return self._text

    def renew(self) -> bool:
        """A ready token is all there is."""
        return False

    def renew_ahead(self, seconds: float) -> None:
        """There is nothing to replace it with."""

    @property
    def expires(self) -> datetime | None:
        """When it expires by its own account; None if it gives none."""
        return expiry_of(self._text)
