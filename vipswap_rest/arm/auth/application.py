"""What is proved to Entra ID: an application's secret, certificate or federated token, or a machine's own identity.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

from __future__ import annotations

import hashlib
import os
import re
import ssl
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote, quote_plus, urlsplit

import requests

from vipswap_rest.arm.auth.renewed import Renewed
from vipswap_rest.arm.clock import Clock
from vipswap_rest.arm.clouds import CLOUDS, Cloud, is_loopback
from vipswap_rest.arm.errors import CredentialError
from vipswap_rest.arm.http import BoundedSession, certificates

TOKEN_TIMEOUT_S = 30.0
# The authorities that the public cloud's list of them names; of any other it says nothing.
_LISTED = {cloud.authority for cloud in CLOUDS}
# What Entra ID says of an assertion that has ended, or has yet to begin, by its clock.
_NOT_IN_TIME = "AADSTS700024"
WAYS = (
    "Log in with az (`az login`), or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (or "
    "AZURE_CLIENT_CERTIFICATE_PATH, or AZURE_FEDERATED_TOKEN_FILE), or put a token into AZURE_ACCESS_TOKEN."
)


class _TokenSession(BoundedSession):
    """msal's HTTP client: as it comes it waits for ever, REQUESTS_CA_BUNDLE goes before its own `verify`, and it takes
    the secret wherever it is redirected to."""

    def __init__(self, authority: str, ca_file: str | None, timeout_s: float = TOKEN_TIMEOUT_S) -> None:
        self._timeout_s = min(timeout_s, TOKEN_TIMEOUT_S)
        super().__init__(self._timeout_s)
        self._certificates = certificates(ca_file)
        self.trust_env = not is_loopback(urlsplit(authority).hostname or "")

    def request(self, method: Any, url: Any, *args: Any, **options: Any) -> requests.Response:
        options = {"timeout": self._timeout_s, "verify": self._certificates} | options | {"allow_redirects": False}
        return super().request(method, url, *args, **options)


class Application(Renewed):
    """A service principal, through msal's confidential client; what it proves itself with is its subclass's."""

    description = "an application"

    def __init__(
        self,
        tenant: str,
        client_id: str,
        *,
        cloud: Cloud,
        authority: str | None = None,
        ca_file: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`authority` is a URL or a host's name, as AZURE_AUTHORITY_HOST has it; CredentialError if it is neither."""
        super().__init__(clock)
        self._tenant, self._client_id = tenant, client_id
        self._cloud, self._ca_file = cloud, ca_file
        self.authority = _authority(authority or cloud.authority)
        self._secret = ""

    @abstractmethod
    def _proof(self) -> Any:
        """msal's `client_credential`. Raises CredentialError."""

    def _fetch(self, timeout_s: float) -> tuple[str, float]:
        return self._clock.wait_for(lambda: self._ask(timeout_s))

    def _ask(self, timeout_s: float) -> tuple[str, float]:
        # msal takes a tenth of a second to import; a ready token needs none of it.
        import msal

        proof = self._proof()
        with _TokenSession(self.authority, self._ca_file, timeout_s) as session:
            try:
                application = msal.ConfidentialClientApplication(
                    self._client_id,
                    client_credential=proof,
                    authority=f"{self.authority}/{self._tenant}",
                    instance_discovery=None if self.authority in _LISTED else False,
                    http_client=session,
                )
                answer = application.acquire_token_for_client([f"{self._cloud.audience}/.default"])
            except (
                *(msal.exceptions.MsalError, requests.RequestException),
                *(ValueError, KeyError, TypeError, AttributeError, OSError),
            ) as error:
                # Its own text may hold the request. It is our caller's only if it asks for the cause.
                raise CredentialError(
                    f"The token service {self.authority} returned no token: {_why(error)}.",
                    hint="Check AZURE_TENANT_ID, AZURE_AUTHORITY_HOST, --ca-file and the network.",
                ) from error
        return _token_of(cast("dict[str, Any]", answer), f"application {self._client_id}", self._secret)


class ClientSecret(Application):
    """An application with a secret."""

    def __init__(self, tenant: str, client_id: str, secret: str, **options: Any) -> None:
        """`options` are Application's."""
        super().__init__(tenant, client_id, **options)
        self._secret = secret
        self.description = f"the client secret of application {client_id} (AZURE_CLIENT_SECRET)"

    def _proof(self) -> Any:
        return self._secret


class ClientCertificate(Application):
    """An application with a certificate and its private key in one file: PEM, or PKCS #12 (.pfx, .p12)."""

    def __init__(self, tenant: str, client_id: str, path: str, password: str | None = None, **options: Any) -> None:
        """`options` are Application's. The file is read when a token is fetched."""
        super().__init__(tenant, client_id, **options)
        self._path, self._password = path, password or None
        self._secret = password or ""
        self.description = f"the certificate of application {client_id} (AZURE_CLIENT_CERTIFICATE_PATH)"

    def _proof(self) -> Any:
        data = _read(self._path, "AZURE_CLIENT_CERTIFICATE_PATH")
        found = re.search(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", data, re.DOTALL)
        key = re.search(rb"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?-----END \1PRIVATE KEY-----", data, re.DOTALL)
        if b"-----BEGIN" not in data:
            self._try_to_open(data, pem=False)
            proof: dict[str, Any] = {"private_key_pfx_path": self._path}
        elif found and key:
            self._try_to_open(key[0], pem=True)
            # Entra ID finds the certificate by the SHA-1 of it, which protects nothing here.
            der = ssl.PEM_cert_to_DER_cert(found[0].decode("ascii", "replace"))
            proof = {
                "private_key": key[0].decode("ascii", "replace"),
                "thumbprint": hashlib.sha1(der, usedforsecurity=False).hexdigest(),
            }
        else:
            raise CredentialError(
                f"{self._path} holds no certificate with its private key.",
                hint="AZURE_CLIENT_CERTIFICATE_PATH is a PEM file with both in it, or a PKCS #12 file.",
            )
        return proof | ({"passphrase": self._password} if self._password else {})

    def _try_to_open(self, data: bytes, *, pem: bool) -> None:
        """What msal would say of a wrong password says nothing of passwords."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

        password = self._password.encode() if self._password else None
        try:
            if pem:
                load_pem_private_key(data, password)
            else:
                pkcs12.load_key_and_certificates(data, password)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            way = "with AZURE_CLIENT_CERTIFICATE_PASSWORD" if password else "without a password"
            raise CredentialError(
                f"{self._path} holds no private key that opens {way}.",
                hint="AZURE_CLIENT_CERTIFICATE_PATH is a PEM file with a certificate and its key, or a PKCS #12 file; "
                "AZURE_CLIENT_CERTIFICATE_PASSWORD opens one that is locked.",
            ) from error


class FederatedToken(Application):
    """An application that another issuer vouches for: a cluster's workload identity, a pipeline's federation."""

    def __init__(self, tenant: str, client_id: str, path: str, **options: Any) -> None:
        """`options` are Application's. The file is read at every fetch: whoever keeps it replaces it."""
        super().__init__(tenant, client_id, **options)
        self._path = path
        self.description = f"the federated token of application {client_id} (AZURE_FEDERATED_TOKEN_FILE)"

    def _proof(self) -> Any:
        assertion = _read(self._path, "AZURE_FEDERATED_TOKEN_FILE").decode("ascii", "replace").strip()
        if not assertion:
            raise CredentialError(f"{self._path} holds no token.", hint="Check AZURE_FEDERATED_TOKEN_FILE.")
        self._secret = assertion
        # msal frowns on a plain text, which it could not replace when it expires; every fetch here has a new msal.
        return {"client_assertion": lambda: assertion}


class ManagedIdentity(Renewed):
    """The identity of the machine, container or service this runs in; with a client id, one of several."""

    description = "this machine's managed identity"

    def __init__(
        self,
        client_id: str | None = None,
        *,
        cloud: Cloud,
        ca_file: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(clock)
        self._client_id, self._cloud, self._ca_file = client_id or None, cloud, ca_file
        if client_id:
            self.description = f"the managed identity {client_id} (AZURE_CLIENT_ID)"

    def _fetch(self, timeout_s: float) -> tuple[str, float]:
        return self._clock.wait_for(lambda: self._ask(timeout_s))

    def _ask(self, timeout_s: float) -> tuple[str, float]:
        import msal

        identity = (
            msal.UserAssignedManagedIdentity(client_id=self._client_id)
            if self._client_id
            else msal.SystemAssignedManagedIdentity()
        )
        # The endpoint is on this machine or link-local: no proxy reaches it.
        with _TokenSession("https://127.0.0.1", self._ca_file, timeout_s) as session:
            try:
                client = msal.ManagedIdentityClient(identity, http_client=session)
                answer = client.acquire_token_for_client(resource=self._cloud.audience)
            except (
                *(msal.exceptions.MsalError, msal.ManagedIdentityError, requests.RequestException),
                *(ValueError, KeyError, TypeError, AttributeError, OSError),
            ) as error:
                raise CredentialError(
                    f"Managed identity returned no token: {_why(error)}.",
                    hint=f"Give this machine an identity (AZURE_CLIENT_ID names one of several). {WAYS}",
                ) from error
        return _token_of(
            cast("dict[str, Any]", answer), "this machine's identity", os.environ.get("IDENTITY_HEADER", ""), WAYS
        )


def _read(path: str, variable: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise CredentialError(f"{path} cannot be read: {error.strerror}.", hint=f"Check {variable}.") from error


def _authority(text: str) -> str:
    url = text.strip() if "://" in text else f"https://{text.strip()}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        usable = False
    if not usable:
        raise CredentialError(
            f"{text!r} is not a token service.",
            hint="AZURE_AUTHORITY_HOST, or what the endpoint says of its logins, is an https URL such as "
            "https://login.microsoftonline.com.",
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
    if "authority configuration" in str(error):
        return "it does not know this tenant, or it is not a token service"
    return "what was given or answered cannot be read"


def _token_of(
    answer: Mapping[str, Any],
    who: str,
    secret: str,
    hint: str = "Check AZURE_TENANT_ID, AZURE_CLIENT_ID, and the secret, certificate or federated token.",
) -> tuple[str, float]:
    if isinstance(answer.get("access_token"), str):
        lives = answer.get("expires_in")
        return answer["access_token"], 3600.0 if lives is None else float(lives)
    # "AADSTS7000215: Invalid client secret provided. ...": the first line says it.
    told = str(answer.get("error_description") or answer.get("error") or "no reason given").strip()
    reason = (told.splitlines() or ["no reason given"])[0]
    for shape in (secret, quote_plus(secret), quote(secret, safe="")) if secret else ():
        reason = reason.replace(shape, "[the secret]")
    if reason.startswith(f"{_NOT_IN_TIME}:"):
        hint = f"{hint} If they are right, check this machine's clock: an assertion is valid for minutes."
    raise CredentialError(
        f"The token service refused {who}: {reason}",
        hint=hint,
    )
