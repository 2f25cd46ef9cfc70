"""From the common options and the environment to an ARM client."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping

from vipswap_rest.arm import ArmClient
from vipswap_rest.auth import AzLogin, find_credential
from vipswap_rest.clock import Clock
from vipswap_rest.clouds import PUBLIC, check_endpoint, cloud_of
from vipswap_rest.errors import UsageError
from vipswap_rest.ids import InvalidResourceId, ResourceId, check_subscription
from vipswap_rest.network import list_subscriptions
from vipswap_rest.transport import READ_TIMEOUT_S, Credential, Transport


def add_connection_options(parser: argparse.ArgumentParser) -> None:
    """The options of every verb that talks to ARM, named as az names them."""
    parser.add_argument("--subscription", metavar="ID", help="the subscription (else AZURE_SUBSCRIPTION_ID, else az's)")
    parser.add_argument("--endpoint", metavar="URL", help="the ARM to talk to (else AZURE_RM_ENDPOINT)")
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


def connect(
    arguments: argparse.Namespace, resources: list[str], environment: Mapping[str, str], clock: Clock
) -> ArmClient:
    """The client for these arguments; `resources` are the names or ids given.

    The subscription is --subscription; where every resource is given by id, the first one's; the environment's; az's.

    Raises UsageError (an endpoint in clear text, no subscription), CredentialError.
    """
    endpoint = check_endpoint(arguments.endpoint or environment.get("AZURE_RM_ENDPOINT") or PUBLIC.resource_manager)
    ca_file = arguments.ca_file or environment.get("REQUESTS_CA_BUNDLE") or None
    if ca_file and not os.path.exists(ca_file):
        raise UsageError(f"There is no CA file {ca_file}.")
    given = arguments.subscription or _subscription_of(resources) or environment.get("AZURE_SUBSCRIPTION_ID")
    if given:
        _check(given)
    credential = find_credential(
        environment, cloud=cloud_of(endpoint), ca_file=ca_file, subscription=given or None, clock=clock
    )
    if not 1 <= arguments.request_timeout <= 600:
        raise UsageError("--request-timeout is from 1 to 600 seconds.")
    transport = Transport(endpoint, credential, clock=clock, ca_file=ca_file, read_timeout=arguments.request_timeout)
    api_version = arguments.api_version or environment.get("VIPSWAP_API_VERSION") or None
    return ArmClient(transport, given or _find_subscription(transport, credential), api_version=api_version)


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


def _find_subscription(transport: Transport, credential: Credential) -> str:
    if isinstance(credential, AzLogin):
        credential.token()
        if credential.default_subscription:
            return credential.default_subscription
    visible = [str(item.get("subscriptionId")) for item in list_subscriptions(ArmClient(transport, ""))]
    if len(visible) != 1:
        raise UsageError(
            f"This login sees {len(visible) or 'no'} subscriptions; name the one to work in.",
            hint="Add --subscription ID or set AZURE_SUBSCRIPTION_ID.",
        )
    return visible[0]
