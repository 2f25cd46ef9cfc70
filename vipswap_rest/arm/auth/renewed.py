"""Tokens that are replaced in time."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from vipswap_rest.arm.clock import Clock, SystemClock
from vipswap_rest.arm.errors import CredentialError

log = logging.getLogger(__name__)

# A token is renewed when less than this is left of it, so that none expires in the middle of a swap; of one that
# lives shorter than that, when half of its life is over.
RENEW_BEFORE_S = 300.0
# While a token that is still good cannot be replaced, this long passes between the tries, none of which may take long:
# there may be an outage that waits for it. The first token may take what it takes.
RENEW_AGAIN_S = 30.0
RENEWAL_TIMEOUT_S, FIRST_TIMEOUT_S = 10.0, 60.0


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token, the monotonic second at which it should be replaced, the one at which it expires, and the seconds
    that it lived when it was new."""

    text: str
    renew_at: float
    expires_at: float
    life_s: float

    def __repr__(self) -> str:
        return "Token(...)"


class Renewed(ABC):
    """A credential that fetches tokens and keeps one until shortly before it expires."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._token: Token | None = None

    @property
    def expires(self) -> datetime | None:
        """When the token at hand expires, by this machine's clock; None without one."""
        if self._token is None:
            return None
        return self._clock.now() + timedelta(seconds=self._token.expires_at - self._clock.monotonic())

    def token(self) -> str:
        """A token that is good for minutes yet, or the last one while it lasts. Raises CredentialError."""
        kept = self._token
        if kept and self._clock.monotonic() < kept.renew_at:
            return kept.text
        return self._replaced(kept)

    def renew_ahead(self, seconds: float) -> None:
        """Replace the token now if it would be due within so many seconds, but within a quarter of its life at most.

        If that fails it is tried again when due.
        """
        kept = self._token
        if kept and self._clock.monotonic() + min(seconds, kept.life_s / 4) >= kept.renew_at:
            with suppress(CredentialError):
                self._replaced(kept)

    def _replaced(self, kept: Token | None) -> str:
        now = self._clock.monotonic()
        good = kept is not None and now < kept.expires_at
        try:
            text, seconds = self._fetch(RENEWAL_TIMEOUT_S if good else FIRST_TIMEOUT_S)
        except CredentialError as error:
            if kept is None or not good:
                raise
            # A swap in its outage must not stop for a token service that does.
            log.warning("The token could not be renewed, so the last one is used on: %s", error)
            again = min(self._clock.monotonic() + RENEW_AGAIN_S, kept.expires_at)
            self._token = replace(kept, renew_at=max(again, kept.renew_at))
            return kept.text
        if seconds <= 0:
            # It was given out just now. Whether it is good is for ARM to say, by its own clock.
            log.warning("A new token has expired already by this machine's clock, which may be fast.")
            seconds = RENEW_AGAIN_S
        now = self._clock.monotonic()
        self._token = Token(text, now + max(seconds - RENEW_BEFORE_S, seconds / 2), now + seconds, seconds)
        return text

    def renew(self) -> bool:
        """Forget the token; the next one is fetched."""
        self._token = None
        return True

    @abstractmethod
    def _fetch(self, timeout_s: float) -> tuple[str, float]:
        """A new token, and the seconds it lives: 0 or less if it is over by this machine's clock.

        `timeout_s` is how long that may take at most. Raises CredentialError.
        """
