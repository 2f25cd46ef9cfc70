"""Where the bearer token comes from: a ready one, a client secret through msal, or az's login."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import logging
import os
import re
import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, cast
from urllib.parse import urlsplit

import requests

from vipswap_rest.clock import Clock, SystemClock
from vipswap_rest.clouds import Cloud, is_loopback
from vipswap_rest.errors import CredentialError
from vipswap_rest.transport import Credential, certificates

log = logging.getLogger(__name__)

# A token is renewed when less than this is left of it, so that none expires in the middle of a swap; of one that
# lives shorter than that, when half of its life is over.
RENEW_BEFORE_S = 300.0
# While a token that is still good cannot be replaced, this long passes between the tries.
RENEW_AGAIN_S = 30.0
AZ_TIMEOUT_S = 60.0
TOKEN_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token, the monotonic second at which it should be replaced, and the one at which it expires."""

    text: str
    renew_at: float
    expires_at: float

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
        """A token that is good for minutes yet, or the last one while it lasts. Raises CredentialError."""
        kept, now = self._token, self._clock.monotonic()
        if kept and now < kept.renew_at:
            return kept.text
        try:
            text, seconds = self._fetch()
        except CredentialError as error:
            if kept is None or now >= kept.expires_at:
                raise
            # A swap in its outage must not stop for a token service that does.
            log.warning("The token could not be renewed, so the last one is used on: %s", error)
            self._token = Token(kept.text, min(now + RENEW_AGAIN_S, kept.expires_at), kept.expires_at)
            return kept.text
        now = self._clock.monotonic()
        self._token = Token(text, now + max(seconds - RENEW_BEFORE_S, seconds / 2), now + seconds)
        return text

    def renew(self) -> bool:
        """Forget the token; the next one is fetched."""
        self._token = None
        return True

    @abstractmethod
    def _fetch(self) -> tuple[str, float]:
        """A new token and the seconds it lives."""


class _TokenSession(requests.Session):
    """msal's HTTP client: as it comes it waits for ever, and REQUESTS_CA_BUNDLE goes before its own `verify`."""

    def __init__(self, authority: str, ca_file: str | None) -> None:
        super().__init__()
        self._certificates = certificates(ca_file)
        self.trust_env = not is_loopback(urlsplit(authority).hostname or "")

    def request(self, method: Any, url: Any, *args: Any, **options: Any) -> requests.Response:
        options = {"timeout": TOKEN_TIMEOUT_S, "verify": self._certificates} | options
        return super().request(method, url, *args, **options)


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
        """`authority` is a URL or a host's name, as AZURE_AUTHORITY_HOST has it; CredentialError if it is neither."""
        super().__init__(clock)
        self._tenant, self._client_id, self._secret = tenant, client_id, secret
        self._cloud, self._ca_file = cloud, ca_file
        self._authority = _authority(authority or cloud.authority)
        self.description = f"the client secret of application {client_id} (AZURE_CLIENT_SECRET)"

    def _fetch(self) -> tuple[str, float]:
        # msal takes a tenth of a second to import; a ready token needs none of it.
        import msal

        with _TokenSession(self._authority, self._ca_file) as session:
            try:
                application = msal.ConfidentialClientApplication(
                    self._client_id,
                    client_credential=self._secret,
                    authority=f"{self._authority}/{self._tenant}",
                    # The public cloud's list of authorities says nothing of a private one.
                    instance_discovery=None if self._authority == self._cloud.authority else False,
                    http_client=session,
                )
                answer = application.acquire_token_for_client([f"{self._cloud.audience.rstrip('/')}/.default"])
            except (
                *(msal.exceptions.MsalError, requests.RequestException),
                *(ValueError, KeyError, TypeError, AttributeError),
            ) as error:
                # Its own text may hold the request. It is our caller's only if it asks for the cause.
                raise CredentialError(
                    f"The token service {self._authority} gave no token: {_why(error)}.",
                    hint="Check AZURE_TENANT_ID, AZURE_AUTHORITY_HOST, --ca-file and the network.",
                ) from error
        return _token_of(cast("dict[str, Any]", answer), self._client_id, self._secret)


def _authority(text: str) -> str:
    url = text.strip() if "://" in text else f"https://{text.strip()}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        usable = False
    if not usable:
        raise CredentialError(
            f"{text!r} is no token service.",
            hint="AZURE_AUTHORITY_HOST is an https URL such as https://login.microsoftonline.com.",
        )
    return url.rstrip("/")


def _why(error: Exception) -> str:
    # msal wraps an answer of 5xx into an error of its own: "HTTP Error: 503".
    if found := re.search(r"HTTP Error: (\d{3})", str(error)):
        return f"it answered {found[1]}"
    if isinstance(error, requests.Timeout):
        return "it took too long to answer"
    if isinstance(error, requests.exceptions.SSLError):
        return "its TLS certificate is not trusted, or TLS failed"
    if isinstance(error, requests.ConnectionError):
        return "it cannot be reached"
    return "there is no such tenant, or what it answers cannot be read"


def _token_of(answer: Mapping[str, Any], client_id: str, secret: str) -> tuple[str, float]:
    if isinstance(answer.get("access_token"), str):
        return answer["access_token"], max(0.0, float(answer.get("expires_in") or 3600))
    # "AADSTS7000215: Invalid client secret provided. ...": the first line says it.
    told = str(answer.get("error_description") or answer.get("error") or "no reason given").strip()
    reason = (told.splitlines() or ["no reason given"])[0].replace(secret, "[the secret]")
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
            code, out, err = _run(line)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CredentialError(
                "az gave no token: it did not run or did not end.", hint="Run `az login` and try again."
            ) from error
        if code != 0:
            raise CredentialError(f"az gave no token: {_complaint(err)}", hint="Run `az login` and try again.")
        try:
            answer = json.loads(out)
            text, expires = answer["accessToken"], _expiry_in(answer)
            if not isinstance(text, str) or not text:
                raise TypeError("no token")
        except (ValueError, KeyError, TypeError, OverflowError, OSError) as error:
            raise CredentialError("az gave no token that could be read.", hint="Update az and try again.") from error
        subscription = answer.get("subscription")
        self.default_subscription = subscription if isinstance(subscription, str) else None
        return text, max(0.0, (expires - self._clock.now()).total_seconds())


def _run(line: list[str]) -> tuple[int, str, str]:
    """Run az, which is a script round a Python: what hangs is all of the group, and all of it must end."""
    with subprocess.Popen(
        line,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=AZ_TIMEOUT_S)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
        return process.returncode, out, err


def _complaint(err: str) -> str:
    """The line of az's stderr that says what is wrong: its first ERROR, else its last."""
    lines = [line.strip() for line in err.splitlines() if line.strip()]
    first = next((line.partition(":")[2].strip() for line in lines if line.startswith("ERROR:")), "")
    return first or (lines[-1] if lines else "no reason given")


def _expiry_in(answer: Mapping[str, Any]) -> datetime:
    """The end of az's token: `expires_on` in POSIX seconds, or in older versions `expiresOn` in local time."""
    if answer.get("expires_on") is not None:
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
