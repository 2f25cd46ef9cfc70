"""From the common options and the environment to an ARM client."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from vipswap_rest.arm import login
from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.clock import Clock
from vipswap_rest.arm.clouds import CLOUDS
from vipswap_rest.arm.errors import UsageError
from vipswap_rest.arm.http import READ_TIMEOUT_S
from vipswap_rest.arm.ids import InvalidResourceId, ResourceId
from vipswap_rest.arm.login import Login


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


def log_in(arguments: argparse.Namespace, resources: list[str], environment: Mapping[str, str], clock: Clock) -> Login:
    """The login for these arguments; `resources` are the names or ids given.

    The subscription is --subscription; where every resource is given by id, the first one's; the environment's.

    Raises UsageError (an endpoint in clear text, an invalid name), CredentialError.
    """
    return login.log_in(
        arguments.subscription or _subscription_of(resources) or environment.get("AZURE_SUBSCRIPTION_ID"),
        cloud=arguments.cloud,
        endpoint=arguments.endpoint,
        ca_file=arguments.ca_file,
        request_timeout=arguments.request_timeout,
        environment=environment,
        clock=clock,
    )


def connect(
    arguments: argparse.Namespace, resources: list[str], environment: Mapping[str, str], clock: Clock
) -> ArmClient:
    """The client for these arguments; `resources` are the names or ids given.

    Raises UsageError (an endpoint in clear text, no subscription), CredentialError.
    """
    return login.connect(
        arguments.subscription or _subscription_of(resources),
        cloud=arguments.cloud,
        endpoint=arguments.endpoint,
        api_version=arguments.api_version,
        ca_file=arguments.ca_file,
        request_timeout=arguments.request_timeout,
        environment=environment,
        clock=clock,
    )


def _subscription_of(resources: list[str]) -> str | None:
    if not resources or not all(text.startswith("/") for text in resources):
        return None
    try:
        return ResourceId.parse(resources[0]).subscription
    except InvalidResourceId as error:
        raise UsageError(str(error)) from error
