"""Carrying out a request: one ARM call, or several reads side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from vipswap_rest.arm import lro
from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.errors import NotFound
from vipswap_rest.arm.http import TRIES, Response
from vipswap_rest.switchover.actions import Request


def ask(client: ArmClient, request: Request, deadline: float | None = None) -> Response | None:
    """The answer; None where what may be missing is not there. `deadline` is in monotonic seconds.

    Raises ArmError, TransportError, ProtocolError, CredentialError; and of a write what its operation ended with, where
    its first answer says so.
    """
    try:
        if request.listing:
            sent = client.clock.monotonic()
            items = list(client.list(request.target, deadline=deadline))
            return Response(200, {}, {"value": items}, sent, client.clock.monotonic())
        # What a write's refusal means is for the run to decide, not for the transport.
        response = client.request(
            *(request.method, request.target, request.body),
            headers=request.headers,
            deadline=deadline,
            tries=TRIES if request.method == "GET" else 1,
        )
    except NotFound:
        if request.may_be_missing:
            return None
        raise
    if request.method != "GET":
        step = lro.begin(request.method, client.url(request.target), response)
        if isinstance(step, (lro.Ended, lro.Unreadable)):
            raise client.ended(step, response)
    return response


def ask_all(client: ArmClient, requests: Sequence[Request]) -> tuple[Response | None, ...]:
    """The answers to reads, asked side by side. Raises what the first of them raises."""
    return tuple(client.together([partial(ask, client, request) for request in requests]))
