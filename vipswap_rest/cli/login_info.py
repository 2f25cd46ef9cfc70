"""`vipswap login-info`: which credential is used, for which subscription of which cloud, and until when."""

from __future__ import annotations

import argparse
import os
from typing import Any

from vipswap_rest.arm.auth import Application, identity_of, tenant_of
from vipswap_rest.arm.clock import rfc3339
from vipswap_rest.arm.errors import UsageError
from vipswap_rest.arm.login import Login
from vipswap_rest.cli.connection import add_connection_options, log_in
from vipswap_rest.cli.output import delivered, print_json, tell
from vipswap_rest.cli.signals import SignalGuard

_LABELS = {
    "credential": "credential",
    "identity": "identity",
    "tenant": "tenant",
    "expires_at": "expires",
    "subscription": "subscription",
    "cloud": "cloud",
    "endpoint": "endpoint",
    "authority": "authority",
    "audience": "audience",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Where to log in, and the form of the answer."""
    parser.add_argument("-o", "--output", choices=("json", "table"), default="table", help="the form of the result")
    add_connection_options(parser)


def run(arguments: argparse.Namespace, guard: SignalGuard) -> int:
    """Fetch a token and print what is known of it, but never the token itself.

    ARM is asked only where no subscription is named. Raises CredentialError: no credentials, or refused ones.
    """
    login = log_in(arguments, [], os.environ, guard)
    told = _told(login)
    return delivered(0, lambda: _print(arguments, told))


def _print(arguments: argparse.Namespace, told: dict[str, Any]) -> None:
    if arguments.output == "json":
        print_json(told)
        return
    for name, label in _LABELS.items():
        print(f"{label + ':':<14}{told[name] or '-'}")


def _told(login: Login) -> dict[str, Any]:
    token = login.credential.token()
    subscription = None
    try:
        subscription = login.find_subscription()
    except UsageError as error:
        # There is a login all the same.
        tell(f"{error} {error.hint}")
    expires = login.credential.expires
    return {
        "credential": login.credential.description,
        "identity": identity_of(token),
        "tenant": tenant_of(token),
        "expires_at": rfc3339(expires) if expires else None,
        "subscription": subscription,
        "cloud": login.cloud.name,
        "endpoint": login.transport.endpoint,
        "authority": login.credential.authority if isinstance(login.credential, Application) else None,
        "audience": login.cloud.audience,
    }
