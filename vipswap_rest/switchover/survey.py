"""What a preflight reads and a switch can do without: what is refused, late or cannot be read is Unknown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from vipswap_rest.arm.errors import ArmError, OperationError, ProtocolError, TransportError

_T = TypeVar("_T")

# How long the reads may take together, in seconds.
SURVEY_S = 30.0


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that could not be read, and why."""

    why: str


def known(read: Callable[[], _T]) -> _T | Unknown:
    """What `read` gives, or why that is not known. Only credentials and signals get through."""
    try:
        return read()
    except (ArmError, OperationError, TransportError, ProtocolError) as error:
        return Unknown(str(error))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return Unknown(f"ARM's answer cannot be read ({type(error).__name__}: {error})")
