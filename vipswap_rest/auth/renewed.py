"""Tokens that are replaced in time."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from dataclasses import dataclass

from vipswap_rest.clock import Clock, SystemClock
from vipswap_rest.errors import CredentialError

log = logging.getLogger(__name__)

# A token is renewed when less than this is left of it, so that none expires in the middle of a swap; of one that
# lives shorter than that, when half of its life is over.
RENEW_BEFORE_S = 300.0
# While a token that is still good cannot be replaced, this long passes between the tries.
RENEW_AGAIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token, the monotonic second at which it should be replaced, and the one at which it expires."""

    text: str
    renew_at: float
    expires_at: float

    def __repr__(self) -> str:
        return "Token(...)"


class Renewed(ABC):
    """A credential that fetches tokens and keeps one until shortly before it expires."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._token: Token | None = None

    def token(self) -> str:
        """A token that is good for minutes yet, or the last one while it lasts. Raises CredentialError."""
        kept, now = self._token, self._clock.monotonic()
        if kept and now < kept.renew_at:
            return kept.text
        try:
            text, seconds = self._fetch()
        except CredentialError as error:
            if kept is None or now >= kept.expires_at:
                raise
            # A swap in its outage must not stop for a token service that does.
            log.warning("The token could not be renewed, so the last one is used on: %s", error)
            self._token = Token(kept.text, min(now + RENEW_AGAIN_S, kept.expires_at), kept.expires_at)
            return kept.text
        now = self._clock.monotonic()
        self._token = Token(text, now + max(seconds - RENEW_BEFORE_S, seconds / 2), now + seconds)
        return text

    def renew(self) -> bool:
        """Forget the token; the next one is fetched."""
        self._token = None
        return True

    @abstractmethod
    def _fetch(self) -> tuple[str, float]:
        """A new token and the seconds it lives."""
