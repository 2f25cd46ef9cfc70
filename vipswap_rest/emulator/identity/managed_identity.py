"""The tokens of a managed identity, as a machine and as an App Service get them: two endpoints, two protocols.

A machine asks its metadata service and shows `Metadata: true`, which no forged link can make a browser send
(https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token). An App Service asks
the URL in IDENTITY_ENDPOINT and shows the secret in IDENTITY_HEADER
(https://learn.microsoft.com/azure/app-service/overview-managed-identity, REST endpoint reference). Both say numbers as
strings, and the end of the token's life in POSIX seconds. Real ones give the same token again while it lasts; here each
call gets a new one.
"""

from __future__ import annotations

import secrets
import uuid

from ..clock import Clock
from ..messages import Answer, Json, Request, json_answer
from ..settings import CLIENT_ID, CLIENT_SECRET, OBJECT_ID, TENANT
from .token_service import TokenService

# What IDENTITY_HEADER must say: the client secret again, so that the emulator's line need not name one more.
IDENTITY_HEADER = CLIENT_SECRET
_MACHINE = ("metadata", "identity", "oauth2", "token")
_APP_SERVICE = ("msi", "token")
_APP_SERVICE_VERSION = "2019-08-01"
# The machine's own identity and the one that can be named are the same: the token service's application.
_NAMES = {
    "client_id": CLIENT_ID,
    "object_id": OBJECT_ID,
    "principal_id": OBJECT_ID,
    "msi_res_id": None,
    "mi_res_id": None,
}


class ManagedIdentity:
    """Issues tokens of the token service to every process of this machine."""

    def __init__(self, tokens: TokenService, clock: Clock) -> None:
        self._tokens, self._clock = tokens, clock

    def serves(self, request: Request) -> bool:
        """Whether a request is to one of the two endpoints."""
        return request.words in (_MACHINE, _APP_SERVICE)

    def handle(self, request: Request) -> Answer:
        """Answer a call to either of them."""
        return self._for_machine(request) if request.words == _MACHINE else self._for_app_service(request)

    def _for_machine(self, request: Request) -> Answer:
        if request.headers.get("metadata", "").lower() != "true":
            return _refusal("bad_request_102", "Required metadata header not specified")
        if not request.query.get("api-version"):
            return json_answer(400, {"error": "Bad request. api-version was not specified in the request"})
        if request.method != "GET":
            return json_answer(405, {"error": "invalid_request", "error_description": "Method not allowed"})
        resource = request.query.get("resource", "")
        if not resource:
            # The emulator's wording.
            return _refusal("invalid_request", "Required resource parameter not specified")
        if not _known(request):
            # As in azure-sdk-for-net's issue 37278.
            return _refusal("invalid_request", "Identity not found")
        given = self._token(request, resource)
        lives = str(self._tokens.lifetime_s)
        return json_answer(200, {**given, "expires_in": lives, "ext_expires_in": lives})

    def _for_app_service(self, request: Request) -> Answer:
        shown = request.headers.get("x-identity-header", "").encode()
        if not secrets.compare_digest(shown, IDENTITY_HEADER.encode()):
            # The real answer is not documented.
            return _failure(401, "The X-IDENTITY-HEADER is missing or wrong.")
        if request.query.get("api-version") != _APP_SERVICE_VERSION or request.method != "GET":
            return _failure(400, f"GET with the api-version {_APP_SERVICE_VERSION} is all that is served here.")
        resource = request.query.get("resource", "")
        if not resource or not _known(request):
            # As in azure-sdk-for-net's issue 43691; the text for a missing resource is not documented.
            return _failure(400, "Unable to load the proper Managed Identity.")
        return json_answer(200, self._token(request, resource))

    def _token(self, request: Request, resource: str) -> Json:
        now = int(self._clock.now().timestamp())
        return {
            "access_token": self._tokens.issue(f"{request.origin}/{TENANT}/", resource),
            "client_id": CLIENT_ID,
            "expires_on": str(now + self._tokens.lifetime_s),
            "not_before": str(now),
            "resource": resource,
            "token_type": "Bearer",
        }


def _known(request: Request) -> bool:
    """Whether the identity that is asked for is there; without a name it is the machine's own."""
    named = {name: text for name, text in request.query.items() if name in _NAMES and text}
    return all(text.lower() == _NAMES[name] for name, text in named.items())


def _refusal(error: str, text: str) -> Answer:
    return json_answer(400, {"error": error, "error_description": text})


def _failure(status: int, text: str) -> Answer:
    return json_answer(status, {"statusCode": status, "message": text, "correlationId": str(uuid.uuid4())})
