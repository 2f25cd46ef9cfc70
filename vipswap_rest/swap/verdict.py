"""What an error in the middle of a swap means: look again, or refused for good."""

from __future__ import annotations

from enum import Enum

from vipswap_rest.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    OperationFailed,
    OperationTimedOut,
    ProtocolError,
    VipswapError,
)


class Verdict(Enum):
    """What to do about an error.

    LOOK_AGAIN: the state may have changed or will; observe it and take the next step.
    REFUSED: if it repeats, this step will never be let through.
    STOP: more requests cannot help.
    """

    LOOK_AGAIN = "look again"
    REFUSED = "refused"
    STOP = "stop"


# 400s that pass: an address that is being released, or just taken.
_PASSING = frozenset(
    {"PublicIPAddressInUse", "PublicIPReferencedByMultipleIPConfigs", "PublicIPAddressCannotBeDeleted"}
)


def verdict(error: VipswapError) -> Verdict:
    """The verdict on an error of a request or operation of ours."""
    if isinstance(error, OperationTimedOut):
        return Verdict.STOP
    if isinstance(error, BadRequest):
        return Verdict.LOOK_AGAIN if error.codes & _PASSING else Verdict.REFUSED
    if isinstance(error, Conflict):
        # Another operation ends by itself, a lock does not.
        return Verdict.REFUSED if "ScopeLocked" in error.codes else Verdict.LOOK_AGAIN
    if isinstance(error, (Forbidden, NotFound, OperationFailed, ProtocolError)):
        return Verdict.REFUSED
    return Verdict.LOOK_AGAIN


def says_unsupported(error: VipswapError) -> bool:
    """Whether ARM says that it does not do a thing here at all, rather than not now or not for you.

    Never 401, 403, 408, 409, 412 or 429, and never a failure that may have changed something.
    """
    if not isinstance(error, (BadRequest, NotFound)) and getattr(error, "status", None) not in (405, 410):
        return False
    codes = {code.lower() for code in getattr(error, "codes", ())}
    words = ("notsupported", "unsupported", "notallowed", "invalidresourcetype", "noregisteredprovider")
    if any(word in code for code in codes for word in words):
        return True
    return "not supported" in str(error).lower()
