"""The transport seam: one HTTP request to the configured ARM host, answered, retried or refused."""

from vipswap_rest.transport.answer import Response, refusal_of
from vipswap_rest.transport.connection import BoundedSession
from vipswap_rest.transport.retry import LONGEST_PAUSE_S, SHORTEST_PAUSE_S, TRIES
from vipswap_rest.transport.transport import READ_TIMEOUT_S, Credential, Transport, certificates
from vipswap_rest.transport.urls import redact

__all__ = [
    "LONGEST_PAUSE_S",
    "READ_TIMEOUT_S",
    "SHORTEST_PAUSE_S",
    "TRIES",
    "BoundedSession",
    "Credential",
    "Response",
    "Transport",
    "certificates",
    "redact",
    "refusal_of",
]
