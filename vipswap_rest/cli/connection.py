"""From the common options and the environment to an ARM client."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass

from vipswap_rest.arm.auth import AzLogin, ask_for_cloud, find_credential
from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.clock import Clock
from vipswap_rest.arm.clouds import CLOUDS, PUBLIC, Cloud, check_endpoint, custom_cloud, known_cloud
from vipswap_rest.arm.errors import UsageError
from vipswap_rest.arm.http import READ_TIMEOUT_S, Credential, Transport
from vipswap_rest.arm.ids import InvalidResourceId, ResourceId, check_subscription
from vipswap_rest.arm.network import list_subscriptions


def add_connection_options(parser: argparse.ArgumentParser) -> None:
    """The options of every verb that talks to ARM, named as az names them."""
    parser.add_argument("--subscription", metavar="ID", help="the subscription (else AZURE_SUBSCRIPTION_ID, else az's)")
    parser.add_argument("--endpoint", metavar="URL", help="the ARM to talk to (else AZURE_RM_ENDPOINT, else --cloud's)")
    parser.add_argument(
        "--cloud",
        choices=[cloud.name for cloud in CLOUDS],
        help="the cloud to log in to, and whose ARM to talk to (default: the endpoint's, else AzureCloud)",
    )
    parser.add_argument("--api-version", metavar="DATE", help="for Microsoft.Network (else VIPSWAP_API_VERSION)")
    parser.add_argument("--ca-file", metavar="FILE", help="certificates to trust (else REQUESTS_CA_BUNDLE)")
    parser.add_argument(
        "--request-timeout",
        type=float,
        default=READ_TIMEOUT_S,
        metavar="S",
        help=f"seconds to wait for the answer to one request (default {READ_TIMEOUT_S:g})",
    )
    parser.add_argument("--debug", action="store_true", help="log every request to stderr, without secrets")


def add_polite_option(parser: argparse.ArgumentParser) -> None:
    """The option of the verbs that may have an outage to poll through."""
    parser.add_argument(
        "--polite",
        action="store_true",
        help="wait as long as ARM's Retry-After asks for between polls, even while an address is on no load balancer",
    )


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


def log_in(arguments: argparse.Namespace, resources: list[str], environment: Mapping[str, str], clock: Clock) -> Login:
    """The login for these arguments; `resources` are the names or ids given.

    Raises UsageError (an endpoint in clear text, a name that is none), CredentialError.
    """
    ca_file = arguments.ca_file or environment.get("REQUESTS_CA_BUNDLE") or None
    if ca_file and not os.path.exists(ca_file):
        raise UsageError(f"There is no CA file {ca_file}.")
    given = arguments.subscription or _subscription_of(resources) or environment.get("AZURE_SUBSCRIPTION_ID")
    if given:
        _check(given)
    if not 1 <= arguments.request_timeout <= 600:
        raise UsageError("--request-timeout is from 1 to 600 seconds.")
    endpoint, cloud = _place(arguments, environment, ca_file, clock)
    credential = find_credential(environment, cloud=cloud, ca_file=ca_file, subscription=given or None, clock=clock)
    transport = Transport(endpoint, credential, clock=clock, ca_file=ca_file, read_timeout=arguments.request_timeout)
    return Login(cloud, credential, transport, given or None)


def connect(
    arguments: argparse.Namespace, resources: list[str], environment: Mapping[str, str], clock: Clock
) -> ArmClient:
    """The client for these arguments; `resources` are the names or ids given.

    The subscription is --subscription; where every resource is given by id, the first one's; the environment's; az's.

    Raises UsageError (an endpoint in clear text, no subscription), CredentialError.
    """
    login = log_in(arguments, resources, environment, clock)
    api_version = arguments.api_version or environment.get("VIPSWAP_API_VERSION") or None
    return ArmClient(login.transport, login.find_subscription(), api_version=api_version)


def _place(
    arguments: argparse.Namespace, environment: Mapping[str, str], ca_file: str | None, clock: Clock
) -> tuple[str, Cloud]:
    """The endpoint, and its cloud: the one that is named, that the endpoint is known to be of, or says it is of."""
    named = next((cloud for cloud in CLOUDS if cloud.name == arguments.cloud), None)
    text = arguments.endpoint or environment.get("AZURE_RM_ENDPOINT")
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
    # A ready token needs no login, so nobody need be asked for one.
    ready = "AZURE_ACCESS_TOKEN" in environment
    asked = None if ready else clock.wait_for(lambda: ask_for_cloud(endpoint, ca_file))
    return endpoint, asked or custom_cloud(endpoint)


def _check(subscription: str) -> None:
    try:
        check_subscription(subscription)
    except InvalidResourceId as error:
        raise UsageError(str(error)) from error


def _subscription_of(resources: list[str]) -> str | None:
    if not resources or not all(text.startswith("/") for text in resources):
        return None
    try:
        return ResourceId.parse(resources[0]).subscription
    except InvalidResourceId as error:
        raise UsageError(str(error)) from error
