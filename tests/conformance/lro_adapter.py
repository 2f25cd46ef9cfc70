"""The ARM client in the shape in which Microsoft's scenarios of long-running operations are driven."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from vipswap_rest.arm.auth import ReadyToken
from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.http import Transport
from vipswap_rest.arm.lro import FinalState
from vipswap_rest.arm.paging import PageNames


def run(
    base_url: str,
    method: str,
    path: str,
    body: Any,
    *,
    params: Mapping[str, Any] | None,
    headers: Mapping[str, str] | None,
    options: Mapping[str, Any],
    op: str,
    paging: Mapping[str, str | None] | None,
) -> tuple[int, Any]:
    """Run one scenario: the final HTTP status and body (of a list, its items), or the client's error."""
    query = params or {}
    names = PageNames(paging["item_name"] or "value", paging["next_link_name"]) if paging else PageNames()
    final_state = FinalState(options["final_state_via"]) if "final_state_via" in options else None
    with closing(Transport(base_url, ReadyToken("token"))) as transport:
        client = ArmClient(transport, "")
        if op == "call":
            answer = client.request(method, path, body, params=query, headers=headers)
            return answer.status, answer.body
        if op == "list":
            return 200, list(client.list(path, body, method=method, params=query, headers=headers, names=names))
        started = client.begin(method, path, body, params=query, headers=headers, final_state=final_state)
        completed = client.wait(started)
        if op == "lro-list":
            return completed.status, list(
                client.list_result(completed, path, params=query, headers=headers, names=names)
            )
        return completed.status, completed.body
