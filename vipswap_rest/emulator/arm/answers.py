"""From a reply to the answer that goes back: ARM's headers, and the body as the api-version shows it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import format_datetime

from ..messages import JSON, Answer, Json, Request, json_answer
from ..settings.latency import header
from .calls import Reply
from .operations import Operation
from .state import Identifiers

_ID = re.compile(r"[!-~]{1,128}")


def answer(
    request: Request,
    reply: Reply,
    shown: Json | None,
    identifiers: Identifiers,
    left: Mapping[str, str],
    date: datetime,
) -> Answer:
    """What goes back. shown: the reply's body as the api-version shows it. left: what the throttle tells is left."""
    headers = _headers(request, reply, identifiers, left, date)
    if reply.null:
        return json_answer(reply.status, None, headers)
    if reply.body is None or reply.status == 204:
        return Answer(reply.status, headers)
    if reply.etag and isinstance(reply.body.get("etag"), str):
        headers["ETag"] = reply.body["etag"]
    return json_answer(reply.status, shown, headers)


def _headers(
    request: Request, reply: Reply, identifiers: Identifiers, left: Mapping[str, str], date: datetime
) -> dict[str, str]:
    request_id = identifiers.guid()
    correlation = request.headers.get("x-ms-correlation-request-id", "")
    headers = {
        "Cache-Control": "no-cache",
        "x-ms-request-id": request_id,
        "x-ms-correlation-request-id": correlation if _ID.fullmatch(correlation) else request_id,
        "Date": format_datetime(date.astimezone(timezone.utc), usegmt=True),
    }
    if reply.by_gateway and reply.status >= 400:
        headers["x-ms-failure-cause"] = "gateway"
    else:
        headers.update(left)
    if reply.status == 204 and reply.operation is not None:
        # Recorded: the result of a deletion says what the body that it does not have is made of.
        headers["Content-Type"] = JSON
    if not reply.by_gateway:
        headers["x-ms-arm-service-request-id"] = identifiers.guid()
    if reply.notified or (reply.notified is None and reply.status_url and reply.operation is not None):
        headers["Azure-AsyncNotification"] = "Enabled"
    if reply.operation is not None:
        headers.update(_operation_headers(request.origin, reply, reply.operation))
    return {**headers, **reply.headers}


def _operation_headers(origin: str, reply: Reply, operation: Operation) -> dict[str, str]:
    headers: dict[str, str] = {}
    if reply.status_url:
        headers["Azure-AsyncOperation"] = origin + operation.path
    if reply.result_url:
        headers["Location"] = origin + operation.result_path
        # Recorded: the result comes under the request id of the call that started the operation.
        headers["x-ms-arm-service-request-id"] = operation.request_id
    pause = operation.next_pause() if reply.polled else operation.retry_after
    if reply.pause and pause is not None:
        headers["Retry-After"] = header(pause)
    if operation.superseded_by is not None and not reply.status_url:
        headers["Canceled-By-Azure-AsyncOperation"] = origin + operation.superseded_by.path
    return headers
