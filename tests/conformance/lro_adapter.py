"""The ARM client in the shape in which a suite of long-running-operation scenarios drives one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from vipswap_rest import lro
from vipswap_rest.arm import ArmClient, Started
from vipswap_rest.auth import ReadyToken
from vipswap_rest.transport import Response, Transport


class _Transport(Transport):
    """Adds a scenario's headers, remembers the last answer, and reads a list by the names the scenario gives it."""

    extra: Mapping[str, str] = {}
    names: Mapping[str, str] = {}
    last: Response | None = None

    def send(self, method: str, url: str, **options: Any) -> Response:
        headers = {**self.extra, **(options.pop("headers", None) or {})}
        answer = super().send(method, url, headers=headers, **options)
        self.last = answer
        if isinstance(answer.body, dict) and self.names:
            renamed = {self.names.get(key, key): value for key, value in answer.body.items()}
            answer = replace(answer, body=renamed)
        return answer


class _Client(ArmClient):
    """Paths are a scenario's own: they bear its query, not a pinned api-version."""

    query: Mapping[str, Any] = {}

    def url(self, path: str, api: str = "network") -> str:
        absolute = self.transport.url(path)
        return f"{absolute}{'&' if '?' in path else '?'}{urlencode(self.query)}" if self.query else absolute


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
    paging: Mapping[str, str] | None,
) -> tuple[int, Any]:
    """Run one scenario: the final status and body, or the client's error."""
    transport = _Transport(base_url, ReadyToken("token"))
    transport.extra = headers or {}
    if paging:
        transport.names = {paging["item_name"]: "value", paging.get("next_link_name") or "nextLink": "nextLink"}
    client = _Client(transport, "")
    client.query = params or {}
    try:
        return _run(client, transport, method, path, body, op, options)
    finally:
        transport.close()


def _run(
    client: _Client,
    transport: _Transport,
    method: str,
    path: str,
    body: Any,
    op: str,
    options: Mapping[str, Any],
) -> tuple[int, Any]:
    def status() -> int:
        return transport.last.status if transport.last else 0

    if op == "list" and method == "GET":
        return 200, list(client.list(path))
    if op in ("call", "list"):
        answer = client._checked(method, client.url(path), body=body)
        if op == "list":
            return 200, list(client._items(answer.body, client.url(path)))
        return answer.status, answer.body
    url = client.url(path)
    answer = client._checked(method, url, body=body)
    step = lro.begin(method, url, answer)
    if isinstance(step, lro.Poll) and options.get("final_state_via") == "azure-async-operation":
        # Network's operations all leave it to the contract's default, so the client has no option for it.
        step = replace(step, operation=replace(step.operation, location=None))
    completed = client.wait(Started(step, answer))
    if op == "lro-list":
        return 200, list(client._items(completed.body, url))
    return status(), completed.body
