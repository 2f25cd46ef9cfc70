"""What Microsoft's own client does in each scenario: the last column of README.md's table is measured by this.

No test: it needs azure-core and azure-mgmt-core, in an environment of its own:

    python -m tests.hostile.azure_core [SCENARIO]

The pipeline is that of the generated management clients: redirects, retries, the bearer token, ARM's polling, with
its pause shortened to 0.01 s. Sleeping is noted and skipped. A scenario has 10 s and 1 GiB.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import threading
import time
from typing import Any

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.core.paging import ItemPaged
from azure.core.pipeline import policies
from azure.core.pipeline.transport import RequestsTransport
from azure.core.polling import LROPoller
from azure.core.rest import HttpRequest
from azure.mgmt.core import ARMPipelineClient
from azure.mgmt.core.polling.arm_polling import ARMPolling

from tests.hostile.scenarios import SCENARIOS, SUCCEEDED
from tests.hostile.servers import playing, told

LIMIT_S, LIMIT_B, SLEEPS_AT_MOST = 10, 2**30, 200
TOKEN = "a-token-of-the-measurement"


class Sleepless(RequestsTransport):
    """Notes how long it should have slept."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    def sleep(self, duration: float) -> None:
        self.slept.append(round(duration, 2))
        if len(self.slept) > SLEEPS_AT_MOST:
            raise SystemExit


class Credential:
    """A token for whoever asks."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken(TOKEN, int(time.time()) + 3600)


class Bearer(policies.BearerTokenCredentialPolicy):
    """The token over plain http too: the servers here are on loopback."""

    def on_request(self, request: Any) -> None:
        request.context.options["enforce_https"] = False
        super().on_request(request)


def client_of(url: str, transport: Sleepless) -> ARMPipelineClient:
    chain = [
        policies.RequestIdPolicy(),
        policies.HeadersPolicy(),
        policies.ContentDecodePolicy(),
        policies.RedirectPolicy(),
        policies.RetryPolicy(),
        Bearer(Credential(), "https://management.azure.com/.default"),
        policies.SensitiveHeaderCleanupPolicy(),
    ]
    return ARMPipelineClient(url, policies=chain, transport=transport)


def sent(client: ARMPipelineClient, method: str, url: str) -> Any:
    """As generated code sends a request and looks at its status."""
    body = {"json": {}} if method in ("PUT", "POST") else {}
    answer = client._pipeline.run(HttpRequest(method, url, **body), stream=False)
    if answer.http_response.status_code not in (200, 201, 202, 204):
        raise HttpResponseError(response=answer.http_response)
    return answer


def perform(client: ARMPipelineClient, verb: str, url: str) -> Any:
    def decoded(answer: Any) -> Any:
        return policies.ContentDecodePolicy.deserialize_from_http_generics(answer.http_response)

    if verb == "GET":
        return decoded(sent(client, "GET", url))
    if verb == "LIST":

        def extract(answer: Any) -> Any:
            page = decoded(answer)
            return page.get("nextLink") or None, iter(page["value"])

        return list(ItemPaged(lambda link: sent(client, "GET", link or url), extract))
    first = sent(client, verb, url)
    options = {"final-state-via": "location"} if verb == "POST" else None
    return LROPoller(client, first, decoded, ARMPolling(0.01, lro_options=options)).result()


def measure(name: str) -> str:
    scenario, transport = SCENARIOS[name], Sleepless()
    with playing(lambda call: told(200, SUCCEEDED)) as other, playing(scenario.rule, other.url) as server:
        outcome = ["still waiting"]

        def run() -> None:
            try:
                result = perform(client_of(server.url, transport), scenario.verb, f"{server.url}/x?api-version=1")
                outcome[0] = f"result {str(result)[:60]}"
            except SystemExit:
                outcome[0] = f"without end ({SLEEPS_AT_MOST} sleeps)"
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is what is measured
                outcome[0] = f"{type(error).__name__}: {' '.join(str(error).split())[:90]}"

        thread = threading.Thread(target=run, daemon=True)
        began = time.monotonic()
        thread.start()
        thread.join(LIMIT_S)
        elsewhere, here = (
            sum(TOKEN in str(one.headers.get("authorization")) for one in there.requests) for there in (other, server)
        )
        methods = " ".join(f"{method}x{server.asked(method)}" for method in ("GET", "PUT", "POST", "DELETE"))
        return (
            f"{name} | {outcome[0]} | {methods} ({here} with the token) | slept {transport.slept[:6]} | "
            f"other host: {len(other.requests)} requests, {elsewhere} with the token | {time.monotonic() - began:.1f} s"
        )


def main() -> None:
    if len(sys.argv) > 1:
        resource.setrlimit(resource.RLIMIT_AS, (LIMIT_B, LIMIT_B))
        print(measure(sys.argv[1]), flush=True)
        return
    for name in SCENARIOS:
        line = [sys.executable, "-m", "tests.hostile.azure_core", name]
        try:
            ran = subprocess.run(line, capture_output=True, text=True, timeout=LIMIT_S * 3)
            print(ran.stdout.strip() or f"{name} | ended {ran.returncode}: {ran.stderr.strip()[-200:]}", flush=True)
        except subprocess.TimeoutExpired:
            print(f"{name} | still running after {LIMIT_S * 3} s", flush=True)


if __name__ == "__main__":
    main()
