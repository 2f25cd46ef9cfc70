"""The emulator's own Entra ID: an application's secret, or its assertion, for a token that lives for a while.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl

from . import errors
from .assertions import KIND, AssertionRefused, check_assertion
from .clock import Clock
from .messages import Answer, Json, Request, encode
from .settings import CLIENT_ID, CLIENT_SECRET, OBJECT_ID, TENANT, Settings

_CONFIGURATION = ("v2.0", ".well-known", "openid-configuration")
_TOKEN = ("oauth2", "v2.0", "token")
_JSON = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}


class TokenService:
    """Gives out tokens and knows its own; they outlive a reset of the emulator, as logins do."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._lifetime_s, self._required = settings.token_lifetime_s, settings.require_token
        self._certificate = settings.certificate
        self._clock = clock
        # The monotonic second at which each token expires.
        self._expiries: dict[str, float] = {}

    def serves(self, request: Request) -> bool:
        """Whether a request is to the token service rather than to ARM."""
        return _place(request) in (_CONFIGURATION, _TOKEN)

    def handle(self, request: Request) -> Answer:
        """Answer a call to the token service."""
        if request.segments[0].lower() != TENANT:
            return _refusal(400, "invalid_request", 90002, f"Tenant '{request.segments[0]}' not found.")
        if _place(request) == _CONFIGURATION:
            return _answer(200, self._configuration(f"{request.origin}/{TENANT}"))
        if request.method != "POST":
            return _refusal(405, "invalid_request", 900561, "The endpoint only accepts POST requests.")
        return self._grant(request, dict(parse_qsl(request.body.decode(errors="replace"))))

    def check(self, token: str) -> None:
        """Where tokens are required, refuse one that is not its own, or has expired. Raises ArmError 401."""
        if not self._required:
            return
        expires = self._expiries.get(token)
        if expires is None:
            raise errors.token_invalid()
        if self._clock.monotonic() >= expires:
            raise errors.token_expired()

    def _configuration(self, authority: str) -> Json:
        return {
            "issuer": f"{authority}/v2.0",
            "token_endpoint": f"{authority}/oauth2/v2.0/token",
            "authorization_endpoint": f"{authority}/oauth2/v2.0/authorize",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        }

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
        if not form.get("scope", "").endswith("/.default"):
            return _refusal(400, "invalid_scope", 1002012, "The provided value for scope is not valid.")
        lives = self._lifetime_s
        token = self._issue(f"{request.origin}/{TENANT}/v2.0", form["scope"].removesuffix("/.default"))
        answer = {"token_type": "Bearer", "expires_in": lives, "ext_expires_in": lives, "access_token": token}
        return _answer(200, answer)

    def _check(self, assertion: str, authority: str) -> None:
        audiences = (f"{authority}/oauth2/v2.0/token", f"{authority}/v2.0")
        check_assertion(assertion, CLIENT_ID, audiences, self._clock.now().timestamp(), self._certificate)

    def _issue(self, issuer: str, audience: str) -> str:
        """A new token: a JWT to look at, whose signature is only a secret that nobody else has."""
        now = int(self._clock.now().timestamp())
        claims = {
            **{"aud": audience, "iss": issuer, "iat": now, "nbf": now, "exp": now + self._lifetime_s},
            **{"appid": CLIENT_ID, "oid": OBJECT_ID, "tid": TENANT, "ver": "1.0"},
        }
        parts = (encode(part) for part in ({"typ": "JWT", "alg": "none"}, claims))
        text = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
        token = f"{text}.{secrets.token_urlsafe(32)}"
        self._expiries[token] = self._clock.monotonic() + self._lifetime_s
        return token


def _place(request: Request) -> tuple[str, ...]:
    return tuple(segment.lower() for segment in request.segments[1:])


def _answer(status: int, body: Json) -> Answer:
    return Answer(status, _JSON, encode(body))


def _refusal(status: int, error: str, number: int, text: str) -> Answer:
    return _answer(status, {"error": error, "error_description": f"AADSTS{number}: {text}", "error_codes": [number]})
