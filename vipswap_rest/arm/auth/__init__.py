"""Where the bearer token comes from, and which of the ways is taken."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from typing import Any

import requests

from vipswap_rest.arm.auth.application import (
    WAYS,
    Application,
    ClientCertificate,
    ClientSecret,
    FederatedToken,
    ManagedIdentity,
)
from vipswap_rest.arm.auth.az import AzLogin
from vipswap_rest.arm.auth.claims import expiry_of, identity_of, tenant_of
from vipswap_rest.arm.auth.metadata import ask_for_cloud
from vipswap_rest.arm.auth.ready import ReadyToken
from vipswap_rest.arm.clock import Clock
from vipswap_rest.arm.clouds import Cloud
from vipswap_rest.arm.errors import CredentialError
from vipswap_rest.arm.http import BoundedSession, Credential

__all__ = [
    "Application",
    "AzLogin",
    "ClientCertificate",
    "ClientSecret",
    "FederatedToken",
    "ManagedIdentity",
    "ReadyToken",
    "ask_for_cloud",
    "expiry_of",
    "find_credential",
    "identity_of",
    "is_azure_machine",
    "tenant_of",
]

log = logging.getLogger(__name__)

# Where one of these is set, something near gives out the tokens of a managed identity (App Service, Arc, Service
# Fabric, Cloud Shell, a pod).
IDENTITY_VARIABLES = ("IDENTITY_ENDPOINT", "MSI_ENDPOINT", "AZURE_POD_IDENTITY_AUTHORITY_HOST")
# https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service
METADATA_URL = "http://169.254.169.254/metadata/instance?api-version=2021-02-01"
METADATA_TIMEOUT_S = 0.5
# What AZURE_TOKEN_CREDENTIALS leaves of the ways, as azure-identity has it.
_ENVIRONMENT, _WORKLOAD, _IDENTITY, _AZ = (
    *("environmentcredential", "workloadidentitycredential", "managedidentitycredential", "azureclicredential"),
)
_CHOICES = {"prod": {_ENVIRONMENT, _WORKLOAD, _IDENTITY}, "dev": {_AZ}} | {
    name: {name} for name in (_ENVIRONMENT, _WORKLOAD, _IDENTITY, _AZ)
}


def find_credential(
    environment: Mapping[str, str],
    *,
    cloud: Cloud,
    ca_file: str | None = None,
    subscription: str | None = None,
    clock: Clock | None = None,
) -> Credential:
    """The first credential there is: AZURE_ACCESS_TOKEN, and then in the order of azure-identity's
    DefaultAzureCredential an application's secret or certificate, its federated token, a managed identity, az's login.

    https://learn.microsoft.com/python/api/azure-identity/azure.identity.defaultazurecredential

    A managed identity that no variable names is used where the machine is one of Azure's that has one.
    Raises CredentialError if there is none, with what could be set.
    """
    if "AZURE_ACCESS_TOKEN" in environment:
        return ReadyToken(environment["AZURE_ACCESS_TOKEN"], clock=clock)
    ways = _ways(environment)
    application = _application(environment, ways, cloud=cloud, ca_file=ca_file, clock=clock)
    if application is not None:
        return application
    az = shutil.which("az", path=environment.get("PATH")) if _AZ in ways else None
    if _IDENTITY in ways:
        client_id = environment.get("AZURE_CLIENT_ID", "").strip()
        identity = ManagedIdentity(client_id, cloud=cloud, ca_file=ca_file, clock=clock)
        if any(environment.get(name) for name in IDENTITY_VARIABLES):
            return identity
        if is_azure_machine() and (az is None or _gives(identity)):
            return identity
    if az is not None:
        return AzLogin(az, cloud=cloud, subscription=subscription, clock=clock)
    raise CredentialError("There are no credentials.", hint=WAYS)


def _ways(environment: Mapping[str, str]) -> set[str]:
    chosen = environment.get("AZURE_TOKEN_CREDENTIALS", "").strip().lower()
    if not chosen:
        return set().union(*_CHOICES.values())
    if chosen not in _CHOICES:
        raise CredentialError(
            f"AZURE_TOKEN_CREDENTIALS is {chosen!r}, which is not a known credential.",
            hint=f"It is one of {', '.join(_CHOICES)}.",
        )
    return _CHOICES[chosen]


def _application(environment: Mapping[str, str], ways: set[str], **options: Any) -> Credential | None:
    tenant, client_id = (environment.get(name, "").strip() for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID"))
    if not (tenant and client_id):
        return None
    options["authority"] = environment.get("AZURE_AUTHORITY_HOST") or None
    if _ENVIRONMENT in ways:
        if secret := environment.get("AZURE_CLIENT_SECRET", "").strip():
            return ClientSecret(tenant, client_id, secret, **options)
        if path := environment.get("AZURE_CLIENT_CERTIFICATE_PATH"):
            password = environment.get("AZURE_CLIENT_CERTIFICATE_PASSWORD")
            return ClientCertificate(tenant, client_id, path, password, **options)
    path = environment.get("AZURE_FEDERATED_TOKEN_FILE") if _WORKLOAD in ways else None
    return FederatedToken(tenant, client_id, path, **options) if path else None


def _gives(identity: ManagedIdentity) -> bool:
    """Whether a machine of Azure's has an identity: most have none, and their users log in with az."""
    try:
        identity.token()
    except CredentialError as error:
        log.info("%s So az is asked.", error)
        return False
    return True


def is_azure_machine() -> bool:
    """Whether Azure's metadata service answers; other clouds have one at the same address that says something else."""
    with BoundedSession(METADATA_TIMEOUT_S) as session:
        # The address is link-local: no proxy reaches it.
        session.trust_env = False
        try:
            answer = session.get(
                METADATA_URL, headers={"Metadata": "true"}, timeout=METADATA_TIMEOUT_S, allow_redirects=False
            )
            return answer.status_code == 200 and "compute" in answer.json()
        except (requests.RequestException, ValueError, TypeError):
            return False
