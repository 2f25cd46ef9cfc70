"""The way to ARM: cloud, endpoint, credential and subscription, each as it is given or as the environment has it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from vipswap_rest.arm.auth import AzLogin, ask_for_cloud, find_credential
from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.clock import Clock, SystemClock
from vipswap_rest.arm.clouds import CLOUDS, PUBLIC, Cloud, check_endpoint, custom_cloud, known_cloud
from vipswap_rest.arm.errors import UsageError
from vipswap_rest.arm.http import READ_TIMEOUT_S, Credential, Transport
from vipswap_rest.arm.ids import InvalidResourceId, check_subscription
from vipswap_rest.arm.network import list_subscriptions


@dataclass(frozen=True, slots=True)
class Login:
    """A way to ARM: the cloud, the credential, the transport to the endpoint, and the subscription if one is named."""

    cloud: Cloud
    credential: Credential
    transport: Transport
    subscription: str | None

    def find_subscription(self) -> str:
        """The subscription that is named; else az's; else the only one that the login sees.

        Raises UsageError if it sees none or several, and what a request does.
        """
        if self.subscription:
            return self.subscription
        if isinstance(self.credential, AzLogin):
            self.credential.token()
            if self.credential.default_subscription:
                return self.credential.default_subscription
        visible = [str(item.get("subscriptionId")) for item in list_subscriptions(ArmClient(self.transport, ""))]
        if len(visible) != 1:
            raise UsageError(
                f"This login sees {len(visible) or 'no'} subscriptions; name the one to work in.",
                hint="Add --subscription ID or set AZURE_SUBSCRIPTION_ID.",
            )
        return visible[0]


def connect(
    subscription: str | None = None,
    *,
    credential: Credential | None = None,
    cloud: str | None = None,
    endpoint: str | None = None,
    api_version: str | None = None,
    ca_file: str | None = None,
    request_timeout: float = READ_TIMEOUT_S,
    environment: Mapping[str, str] = os.environ,
    clock: Clock | None = None,
) -> ArmClient:
    """A client of ARM; what is not given is found as the command finds it.

    subscription: a GUID; else AZURE_SUBSCRIPTION_ID, else az's, else the only one visible. credential: else
    AZURE_ACCESS_TOKEN and then azure-identity's order
    (https://learn.microsoft.com/python/api/azure-identity/azure.identity.defaultazurecredential). cloud: its name, as
    az has it (`AzureCloud`). endpoint: a URL, plain http on loopback only; else AZURE_RM_ENDPOINT, else the cloud's.
    api_version: Microsoft.Network's; else VIPSWAP_API_VERSION, else the pinned one. ca_file: certificates to trust;
    else REQUESTS_CA_BUNDLE. request_timeout: seconds from the beginning of a request to the last byte of its answer.

    Raises UsageError (a value that cannot be), CredentialError (no credentials), and what asking for the subscription
    does.
    """
    login = log_in(
        subscription or environment.get("AZURE_SUBSCRIPTION_ID"),
        credential=credential,
        cloud=cloud,
        endpoint=endpoint,
        ca_file=ca_file,
        request_timeout=request_timeout,
        environment=environment,
        clock=clock or SystemClock(),
    )
    api_version = api_version or environment.get("VIPSWAP_API_VERSION") or None
    return ArmClient(login.transport, login.find_subscription(), api_version=api_version)


def log_in(
    subscription: str | None,
    *,
    credential: Credential | None = None,
    cloud: str | None,
    endpoint: str | None,
    ca_file: str | None,
    request_timeout: float,
    environment: Mapping[str, str],
    clock: Clock,
) -> Login:
    """The login that `connect` makes its client of. Raises UsageError, CredentialError."""
    ca_file = ca_file or environment.get("REQUESTS_CA_BUNDLE") or None
    if ca_file and not os.path.exists(ca_file):
        raise UsageError(f"There is no CA file {ca_file}.")
    if subscription:
        _check(subscription)
    if not 1 <= request_timeout <= 600:
        raise UsageError("--request-timeout must be from 1 to 600 seconds.")
    # Credentials and ready tokens need no login, so nobody need be asked for one.
    ready = credential is not None or "AZURE_ACCESS_TOKEN" in environment
    endpoint, place = _place(cloud, endpoint or environment.get("AZURE_RM_ENDPOINT"), ca_file, clock, ready=ready)
    credential = credential or find_credential(
        environment, cloud=place, ca_file=ca_file, subscription=subscription or None, clock=clock
    )
    transport = Transport(endpoint, credential, clock=clock, ca_file=ca_file, read_timeout=request_timeout)
    return Login(place, credential, transport, subscription or None)


def _place(cloud: str | None, text: str | None, ca_file: str | None, clock: Clock, *, ready: bool) -> tuple[str, Cloud]:
    """The endpoint, and its cloud: the one that is named, that the endpoint is known to be of, or says it is of."""
    named = next((one for one in CLOUDS if one.name == cloud), None)
    if cloud and named is None:
        raise UsageError(f"{cloud!r} is not a known cloud: {', '.join(one.name for one in CLOUDS)}.")
    endpoint = check_endpoint(text or (named or PUBLIC).resource_manager)
    known = known_cloud(endpoint)
    if named and known and known is not named:
        raise UsageError(
            f"{endpoint} is the ARM of {known.name}, not of {named.name}: --cloud or the endpoint is wrong."
        )
    if known:
        return endpoint, known
    if named:
        return endpoint, custom_cloud(endpoint, named)
    asked = None if ready else clock.wait_for(lambda: ask_for_cloud(endpoint, ca_file))
    return endpoint, asked or custom_cloud(endpoint)


def _check(subscription: str) -> None:
    try:
        check_subscription(subscription)
    except InvalidResourceId as error:
        raise UsageError(str(error)) from error
