"""The emulator's own Entra ID: an application's secret, or its assertion, for a token that lives for a while.

Both of its endpoints: today's, which is asked for a scope
(https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow), and the first one, which is
asked for a resource and says numbers as strings, as adal and with it azurerm know it
(https://learn.microsoft.com/previous-versions/azure/active-directory/azuread-dev/v1-oauth2-client-creds-grant-flow).
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl

from ..arm import errors
from ..clock import Clock
from ..messages import Answer, Json, Request, encode, json_answer
from ..settings import CLIENT_ID, CLIENT_SECRET, OBJECT_ID, TENANT, Settings
from .assertions import KIND, AssertionRefused, check_assertion
from .metadata import AUDIENCES

_CONFIGURATION = ("v2.0", ".well-known", "openid-configuration")
_TOKEN = ("oauth2", "v2.0", "token")
_KEYS = ("discovery", "v2.0", "keys")
_FIRST_CONFIGURATION = (".well-known", "openid-configuration")
_FIRST_TOKEN = ("oauth2", "token")
_INSTANCE = ("discovery", "instance")
_PLACES = {_CONFIGURATION, _TOKEN, _KEYS, _FIRST_CONFIGURATION, _FIRST_TOKEN, _INSTANCE}
_UNCACHED = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}


class TokenService:
    """Gives out tokens and knows its own; they outlive a reset of the emulator, as logins do."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        # Seconds that a token lives.
        self.lifetime_s, self._required = settings.token_lifetime_s, settings.require_token
        self._certificate = settings.certificate
        self._clock = clock
        # The monotonic second at which each token expires, and what it is for.
        self._given: dict[str, tuple[float, str]] = {}

    @property
    def issued(self) -> int:
        """How many tokens were given out."""
        return len(self._given)

    def serves(self, request: Request) -> bool:
        """Whether a request is to the token service rather than to ARM."""
        return request.words[1:] in _PLACES

    def handle(self, request: Request) -> Answer:
        """Answer a call to the token service."""
        place, authority = request.words[1:], f"{request.origin}/{TENANT}"
        if place == _INSTANCE:
            return _answer(200, _instance(request.origin))
        if request.segments[0].lower() != TENANT:
            return _refusal(400, "invalid_request", 90002, f"Tenant '{request.segments[0]}' not found.")
        if place in (_CONFIGURATION, _FIRST_CONFIGURATION):
            return _answer(200, _configuration(authority, "oauth2/v2.0" if place == _CONFIGURATION else "oauth2"))
        if place == _KEYS:
            # Only the service itself can check the signature of its tokens.
            return _answer(200, {"keys": []})
        if request.method != "POST":
            return _refusal(405, "invalid_request", 900561, "The endpoint only accepts POST requests.")
        return self._grant(request, dict(parse_qsl(request.body.decode(errors="replace"))))

    def check(self, token: str, origin: str) -> None:
        """Where tokens are required, refuse one that is not its own, has expired, or is not for the ARM at `origin`.

        Raises ArmError 401.
        """
        if not self._required:
            return
        if token not in self._given:
            raise errors.token_invalid()
        expires, audience = self._given[token]
        if self._clock.monotonic() >= expires:
            raise errors.token_expired()
        allowed = [text for one in (*AUDIENCES, origin) for text in (f"{one.rstrip('/')}/", one.rstrip("/"))]
        if audience not in allowed:
            raise errors.token_audience(audience, allowed)

    def _grant(self, request: Request, form: Mapping[str, str]) -> Answer:
        """Grant what is asked for, or refuse it with Entra's codes and the beginnings of its texts."""
        if form.get("grant_type") != "client_credentials":
            return _refusal(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
        if form.get("client_id") != CLIENT_ID:
            text = f"Application with identifier '{form.get('client_id', '')}' was not found in the directory."
            return _refusal(400, "unauthorized_client", 700016, text)
        if "client_assertion" in form:
            if form.get("client_assertion_type") != KIND:
                text = "The request body must contain the following parameter: 'client_assertion_type'."
                return _refusal(400, "invalid_request", 900144, text)
            try:
                self._check(form["client_assertion"], f"{request.origin}/{TENANT}")
            except AssertionRefused as error:
                malformed = error.number == 50027
                status, kind = (400, "invalid_request") if malformed else (401, "invalid_client")
                return _refusal(status, kind, error.number, str(error))
        elif not secrets.compare_digest(form.get("client_secret", "").encode(), CLIENT_SECRET.encode()):
            return _refusal(401, "invalid_client", 7000215, "Invalid client secret provided.")
        if request.words[1:] == _FIRST_TOKEN:
            return self._for_resource(request, form.get("resource", ""))
        return self._for_scope(request, form.get("scope", ""))

    def _for_scope(self, request: Request, scope: str) -> Answer:
        if not scope.endswith("/.default"):
            return _refusal(400, "invalid_scope", 1002012, "The provided value for scope is not valid.")
        lives = self.lifetime_s
        token = self.issue(f"{request.origin}/{TENANT}/v2.0", scope.removesuffix("/.default"))
        answer = {"token_type": "Bearer", "expires_in": lives, "ext_expires_in": lives, "access_token": token}
        return _answer(200, answer)

    def _for_resource(self, request: Request, resource: str) -> Answer:
        if not resource:
            text = "The request body must contain the following parameter: 'resource'."
            return _refusal(400, "invalid_request", 900144, text)
        now, lives = int(self._clock.now().timestamp()), self.lifetime_s
        answer = {
            "token_type": "Bearer",
            "expires_in": str(lives),
            "ext_expires_in": str(lives),
            "expires_on": str(now + lives),
            "not_before": str(now),
            "resource": resource,
            "access_token": self.issue(f"{request.origin}/{TENANT}/", resource),
        }
        return _answer(200, answer)

    def _check(self, assertion: str, authority: str) -> None:
        audiences = (f"{authority}/oauth2/v2.0/token", f"{authority}/v2.0", f"{authority}/oauth2/token")
        check_assertion(assertion, CLIENT_ID, audiences, self._clock.now().timestamp(), self._certificate)

    def issue(self, issuer: str, audience: str) -> str:
        """A new token: a JWT to look at, whose signature is a secret of the service."""
        now = int(self._clock.now().timestamp())
        claims = {
            **{"aud": audience, "iss": issuer, "iat": now, "nbf": now, "exp": now + self.lifetime_s},
            **{"appid": CLIENT_ID, "oid": OBJECT_ID, "tid": TENANT, "ver": "1.0"},
        }
        parts = (encode(part) for part in ({"typ": "JWT", "alg": "none"}, claims))
        text = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
        token = f"{text}.{secrets.token_urlsafe(32)}"
        self._given[token] = (self._clock.monotonic() + self.lifetime_s, audience)
        return token


def _configuration(authority: str, endpoint: str) -> Json:
    return {
        "issuer": f"{authority}/v2.0" if endpoint == "oauth2/v2.0" else f"{authority}/",
        "token_endpoint": f"{authority}/{endpoint}/token",
        "authorization_endpoint": f"{authority}/{endpoint}/authorize",
        # msal for JavaScript takes no configuration without it.
        "jwks_uri": f"{authority}/discovery/v2.0/keys",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
    }


def _instance(origin: str) -> Json:
    """The answer to a client that asks whether to trust a login host: this is the only one of its cloud."""
    host = origin.partition("://")[2]
    return {
        "tenant_discovery_endpoint": f"{origin}/{TENANT}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    }


def _answer(status: int, body: Json) -> Answer:
    return json_answer(status, body, _UNCACHED)


def _refusal(status: int, error: str, number: int, text: str) -> Answer:
    return _answer(status, {"error": error, "error_description": f"AADSTS{number}: {text}", "error_codes": [number]})
