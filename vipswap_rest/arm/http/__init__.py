"""The transport seam: one HTTP request to the configured ARM host, answered, retried or refused."""

from vipswap_rest.arm.http.answer import Response, refusal_of
from vipswap_rest.arm.http.connection import BoundedSession
from vipswap_rest.arm.http.retry import TRIES
from vipswap_rest.arm.http.transport import READ_TIMEOUT_S, Credential, Transport, certificates
from vipswap_rest.arm.http.urls import redact

__all__ = [
    "READ_TIMEOUT_S",
    "TRIES",
    "BoundedSession",
    "Credential",
    "Response",
    "Transport",
    "certificates",
    "redact",
    "refusal_of",
]
