"""When a request is sent again, and after which pause."""

from __future__ import annotations

from collections.abc import Callable

import tenacity

from vipswap_rest.arm import lro
from vipswap_rest.arm.clock import Clock
from vipswap_rest.arm.errors import AnswerLost, TransportError, UntrustedServer
from vipswap_rest.arm.http.answer import Response, refusal_of
from vipswap_rest.arm.refusals import Kind, kind_of, named_wait

TRIES = 6


class Retries:
    """When a request is sent again: the rules of Transport's docstring, for one request."""

    def __init__(self, clock: Clock, method: str, deadline: float | None, once: bool, tries: int = TRIES) -> None:
        self.clock, self.method, self.deadline, self.once, self.tries = clock, method, deadline, once, tries

    def run(self, send: Callable[[], Response]) -> Response:
        """Send until there is an answer to keep, or the tries or the time are used up."""
        retrying = tenacity.Retrying(
            retry=self._again,
            wait=self._pause,
            stop=self._enough,
            sleep=self.clock.sleep,
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        result: Response = retrying(send)
        return result

    def _again(self, state: tenacity.RetryCallState) -> bool:
        outcome = state.outcome
        if outcome is None:
            return False
        error = outcome.exception()
        if isinstance(error, AnswerLost):
            return self.method == "GET"
        if error is not None:
            # A server that is not trusted will not be trusted in a second either.
            return isinstance(error, TransportError) and not isinstance(error, UntrustedServer)
        response = outcome.result()
        kind, _text = _read(response)
        if response.status < 500 and kind in (Kind.BUSY, Kind.THROTTLED):
            return True
        passing = response.status in (408, 500, 502, 503, 504) and kind in (Kind.UNKNOWN, Kind.BUSY, Kind.THROTTLED)
        return passing and self.method != "POST" and not self.once

    def _pause(self, state: tenacity.RetryCallState) -> float:
        asked: float | None = None
        if state.outcome is not None and state.outcome.exception() is None:
            response = state.outcome.result()
            kind, text = _read(response)
            asked = lro.retry_after(response.headers)
            if asked is None and kind in (Kind.BUSY, Kind.THROTTLED):
                named = named_wait(text)
                asked = 2.0 ** (state.attempt_number - 1) if named is None else named
        if asked is None:
            asked = 0.25 * 2.0 ** (state.attempt_number - 1)
        # A Retry-After of 0 is no invitation to ask as fast as answers come: the shortest pause doubles.
        return min(max(asked, lro.SHORTEST_PAUSE_S * 2.0 ** (state.attempt_number - 1)), lro.LONGEST_PAUSE_S)

    def _enough(self, state: tenacity.RetryCallState) -> bool:
        if state.attempt_number >= self.tries:
            return True
        return self.deadline is not None and self.clock.monotonic() + self._pause(state) >= self.deadline


def meaning_of(response: Response) -> Kind | None:
    """What an answer means; None if it refuses nothing."""
    return _read(response)[0]


def _read(response: Response) -> tuple[Kind | None, str]:
    """What an answer means, None if it refuses nothing, and all that it says."""
    if response.status < 400:
        return None, ""
    code, message, details = refusal_of(response)
    text = " ".join([message, *(detail.message for detail in details)])
    return kind_of(response.status, [code, *(detail.code for detail in details)], text), text
