"""Where the bearer token comes from, and which of the ways is taken."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

import requests

from vipswap_rest.auth.application import WAYS, ClientCertificate, ClientSecret, FederatedToken, ManagedIdentity
from vipswap_rest.auth.az import AzLogin
from vipswap_rest.auth.ready import ReadyToken, expiry_of
from vipswap_rest.clock import Clock
from vipswap_rest.clouds import Cloud
from vipswap_rest.errors import CredentialError
from vipswap_rest.transport import BoundedSession, Credential

__all__ = [
    "AzLogin",
    "ClientCertificate",
    "ClientSecret",
    "FederatedToken",
    "ManagedIdentity",
    "ReadyToken",
    "expiry_of",
    "find_credential",
    "is_azure_machine",
]

# Where one of these is set, something near gives out the tokens of a managed identity (App Service, Arc, Service
# Fabric, Cloud Shell, a pod).
IDENTITY_VARIABLES = ("IDENTITY_ENDPOINT", "MSI_ENDPOINT", "AZURE_POD_IDENTITY_AUTHORITY_HOST")
# https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service
METADATA_URL = "http://169.254.169.254/metadata/instance?api-version=2021-02-01"
METADATA_TIMEOUT_S = 0.5


def find_credential(
    environment: Mapping[str, str],
    *,
    cloud: Cloud,
    ca_file: str | None = None,
    subscription: str | None = None,
    clock: Clock | None = None,
) -> Credential:
    """The first credential there is: AZURE_ACCESS_TOKEN; an application's secret, certificate or federated token;
    a managed identity that the environment names; az's login; the identity of an Azure machine.

    Raises CredentialError if there is none, with what could be set.
    """
    if "AZURE_ACCESS_TOKEN" in environment:
        return ReadyToken(environment["AZURE_ACCESS_TOKEN"], clock=clock)
    tenant, client_id = (environment.get(name, "").strip() for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID"))
    if tenant and client_id:
        options: dict[str, Any] = {
            "cloud": cloud,
            "authority": environment.get("AZURE_AUTHORITY_HOST") or None,
            "ca_file": ca_file,
            "clock": clock,
        }
        if secret := environment.get("AZURE_CLIENT_SECRET", "").strip():
            return ClientSecret(tenant, client_id, secret, **options)
        if path := environment.get("AZURE_CLIENT_CERTIFICATE_PATH"):
            password = environment.get("AZURE_CLIENT_CERTIFICATE_PASSWORD")
            return ClientCertificate(tenant, client_id, path, password, **options)
        if path := environment.get("AZURE_FEDERATED_TOKEN_FILE"):
            return FederatedToken(tenant, client_id, path, **options)
    if any(environment.get(name) for name in IDENTITY_VARIABLES):
        return ManagedIdentity(client_id, cloud=cloud, clock=clock)
    az = shutil.which("az", path=environment.get("PATH"))
    if az:
        return AzLogin(az, cloud=cloud, subscription=subscription, clock=clock)
    if is_azure_machine():
        return ManagedIdentity(client_id, cloud=cloud, clock=clock)
    raise CredentialError(
        "There are no credentials.",
        hint=WAYS,
    )


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
