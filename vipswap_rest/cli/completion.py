"""Completion in a shell, by argcomplete: verbs, options and their words, and with a login the names of load balancers.

https://kislyuk.github.io/argcomplete/
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
from collections.abc import Iterator

from vipswap_rest.arm.clock import SystemClock
from vipswap_rest.arm.errors import VipswapError
from vipswap_rest.arm.http import READ_TIMEOUT_S
from vipswap_rest.arm.ids import group_scope, subscription_scope
from vipswap_rest.arm.network import list_load_balancers
from vipswap_rest.cli.connection import connect
from vipswap_rest.methods.vip_swap.preflight import finding

# Nobody waits longer for a completion.
_PATIENCE_S = 5.0


def complete(parser: argparse.ArgumentParser) -> None:
    """Print the completions that the shell asks for, and end the process. Does nothing without argcomplete."""
    if importlib.util.find_spec("argcomplete") is None:
        return
    for action in _actions(parser):
        if {"--lb1", "--lb2"} & set(action.option_strings):
            action.completer = _load_balancers  # type: ignore[attr-defined]
        elif "--ignore" in action.option_strings:
            action.completer = lambda **_: list(finding.ERRORS)  # type: ignore[attr-defined]
    importlib.import_module("argcomplete").autocomplete(parser)


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                yield from _actions(verb)


def _load_balancers(prefix: str, parsed_args: argparse.Namespace, **_: object) -> list[str]:
    """The load balancers of the group, else of the subscription; none where they cannot be read in time."""
    names = ("subscription", "cloud", "endpoint", "api_version", "ca_file", "resource_group")
    given = argparse.Namespace(**{name: getattr(parsed_args, name, None) for name in names})
    given.request_timeout = min(_PATIENCE_S, getattr(parsed_args, "request_timeout", READ_TIMEOUT_S))
    try:
        client = connect(given, [], os.environ, SystemClock())
        scope = subscription_scope(client.subscription)
        if given.resource_group:
            scope = group_scope(client.subscription, given.resource_group)
        return [str(body.get("name")) for body in list_load_balancers(client, scope)]
    except VipswapError:
        # Nothing can be told in the middle of a command line; the command itself tells it.
        return []
