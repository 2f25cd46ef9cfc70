"""Where the bearer token comes from: a ready one, a client secret through msal, or az's login."""

from __future__ import annotations

import base64
import binascii
import json
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, cast

from vipswap_rest.clock import Clock, SystemClock
from vipswap_rest.clouds import Cloud
from vipswap_rest.errors import CredentialError
from vipswap_rest.transport import Credential

# A token is renewed when less than this is left of it, so that none expires in the middle of a swap; of one that
# lives shorter than that, when half of its life is over.
RENEW_BEFORE_S = 300.0
AZ_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token and the monotonic second at which it should be replaced."""

    text: str
    renew_at: float

    def __repr__(self) -> str:
        return "Token(...)"


class ReadyToken:
    """A token somebody else got (AZURE_ACCESS_TOKEN). It cannot be renewed."""

    description = "a ready token (AZURE_ACCESS_TOKEN)"

    def __init__(self, text: str, *, clock: Clock | None = None) -> None:
        """Raises CredentialError if the token is empty, could not stand in a header, or says it has expired."""
        self._text = text.strip()
        if not self._text or not self._text.isprintable() or not self._text.isascii() or " " in self._text:
            raise CredentialError("AZURE_ACCESS_TOKEN holds no bearer token.")
        expires = expiry_of(self._text)
        if expires and expires <= (clock or SystemClock()).now():
            raise CredentialError(
                f"The token in AZURE_ACCESS_TOKEN expired at {expires:%Y-%m-%d %H:%M:%S} UTC, by this machine's clock.",
                hint="Get a fresh one: az account get-access-token --query accessToken -o tsv",
            )

    def token(self) -> str:
        """The token as it was given."""
        return self._text

    def renew(self) -> bool:
        """A ready token is all there is."""
        return False


class _Renewed(ABC):
    """A credential that fetches tokens and keeps one until shortly before it expires."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._token: Token | None = None

    def token(self) -> str:
        """A token that is good for minutes yet. Raises CredentialError."""
        if self._token is None or self._clock.monotonic() >= self._token.renew_at:
            text, seconds = self._fetch()
            self._token = Token(text, self._clock.monotonic() + max(seconds - RENEW_BEFORE_S, seconds / 2))
        return self._token.text

    def renew(self) -> bool:
        """Forget the token; the next one is fetched."""
        self._token = None
        return True

    @abstractmethod
    def _fetch(self) -> tuple[str, float]:
        """A new token and the seconds it lives."""


class ClientSecret(_Renewed):
    """A service principal's secret, through msal's confidential client."""

    def __init__(
        self,
        tenant: str,
        client_id: str,
        secret: str,
        *,
        cloud: Cloud,
        authority: str | None = None,
        ca_file: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(clock)
        self._tenant, self._client_id, self._secret = tenant, client_id, secret
        self._cloud, self._ca_file = cloud, ca_file
        self._authority = (authority or cloud.authority).rstrip("/")
        self.description = f"the client secret of application {client_id} (AZURE_CLIENT_SECRET)"

    def _fetch(self) -> tuple[str, float]:
        # msal takes a tenth of a second to import; a ready token needs none of it.
        import msal
        import requests

        try:
            application = msal.ConfidentialClientApplication(
                self._client_id,
                client_credential=self._secret,
                authority=f"{self._authority}/{self._tenant}",
                # The public cloud's list of authorities says nothing of a private one.
                instance_discovery=None if self._authority == self._cloud.authority else False,
                verify=self._ca_file or True,
            )
            answer = application.acquire_token_for_client([f"{self._cloud.audience.rstrip('/')}/.default"])
        except (ValueError, requests.RequestException) as error:
            raise CredentialError(
                f"The token service {self._authority} gave no token: {type(error).__name__}.",
                hint="Check AZURE_TENANT_ID, AZURE_AUTHORITY_HOST and the network.",
            ) from error
        return _token_of(cast("dict[str, Any]", answer), self._client_id)


def _token_of(answer: Mapping[str, Any], client_id: str) -> tuple[str, float]:
    if "access_token" in answer:
        return str(answer["access_token"]), float(answer.get("expires_in", 3600))
    # "AADSTS7000215: Invalid client secret provided. ...": the first line names no secret.
    reason = str(answer.get("error_description") or answer.get("error") or "no reason given").splitlines()[0]
    raise CredentialError(
        f"The token service refused application {client_id}: {reason}",
        hint="Check AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.",
    )


class AzLogin(_Renewed):
    """The login of the az command: `az account get-access-token`."""

    description = "az's login (az account get-access-token)"

    def __init__(self, az: str, *, cloud: Cloud, subscription: str | None = None, clock: Clock | None = None) -> None:
        super().__init__(clock)
        self._az, self._cloud, self._subscription = az, cloud, subscription
        self.default_subscription: str | None = None

    def _fetch(self) -> tuple[str, float]:
        line = [self._az, "account", "get-access-token", "--resource", self._cloud.audience, "--output", "json"]
        if self._subscription:
            line += ["--subscription", self._subscription]
        try:
            done = subprocess.run(line, capture_output=True, text=True, timeout=AZ_TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CredentialError("az gave no token: it did not run or did not end.") from error
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise CredentialError(f"az gave no token: {last}", hint="Run `az login` and try again.")
        try:
            answer = json.loads(done.stdout)
            text, expires = str(answer["accessToken"]), _expiry_in(answer)
        except (ValueError, KeyError, TypeError) as error:
            raise CredentialError("az gave no token that could be read.", hint="Update az and try again.") from error
        self.default_subscription = answer.get("subscription")
        return text, max(0.0, (expires - self._clock.now()).total_seconds())


def _expiry_in(answer: Mapping[str, Any]) -> datetime:
    """The end of az's token: `expires_on` in POSIX seconds, or in older versions `expiresOn` in local time."""
    if "expires_on" in answer:
        return datetime.fromtimestamp(int(answer["expires_on"]), timezone.utc)
    return datetime.fromisoformat(str(answer["expiresOn"])).astimezone(timezone.utc)


def expiry_of(token: str) -> datetime | None:
    """The end of a JWT's life by its own `exp` (RFC 7519 section 4.1.4); None if it is no JWT or has none."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(float(claims["exp"]), timezone.utc)
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError):
        return None


def find_credential(
    environment: Mapping[str, str],
    *,
    cloud: Cloud,
    ca_file: str | None = None,
    subscription: str | None = None,
    clock: Clock | None = None,
) -> Credential:
    """The first credential there is: AZURE_ACCESS_TOKEN, the client secret's three variables, az's login.

    Raises CredentialError if there is none, with what could be set.
    """
    if "AZURE_ACCESS_TOKEN" in environment:
        return ReadyToken(environment["AZURE_ACCESS_TOKEN"], clock=clock)
    names = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
    tenant, client_id, secret = (environment.get(name, "").strip() for name in names)
    if tenant and client_id and secret:
        return ClientSecret(
            tenant,
            client_id,
            secret,
            cloud=cloud,
            authority=environment.get("AZURE_AUTHORITY_HOST"),
            ca_file=ca_file,
            clock=clock,
        )
    az = shutil.which("az", path=environment.get("PATH"))
    if az:
        return AzLogin(az, cloud=cloud, subscription=subscription, clock=clock)
    raise CredentialError(
        "There are no credentials.",
        hint=(
            "Log in with az (`az login`), or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, "
            "or put a token into AZURE_ACCESS_TOKEN."
        ),
    )
