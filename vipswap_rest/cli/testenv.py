"""`vipswap testenv`: the article's test environment, made, shown and deleted."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.errors import UsageError, VipswapError
from vipswap_rest.arm.ids import InvalidResourceId, group_scope
from vipswap_rest.cli.connection import add_connection_options, connect
from vipswap_rest.cli.output import delivered, print_json, tell
from vipswap_rest.cli.signals import SignalGuard, confirmed
from vipswap_rest.measure.files import write_whole
from vipswap_rest.testenv import cost, lifecycle
from vipswap_rest.testenv.lifecycle import Console, Group
from vipswap_rest.testenv.template import EXTRAS, ROLL_SET, SIZE, Json, Wanted, models, parameters, targets, template

_NOBODYS = "00000000-0000-0000-0000-000000000000"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of testenv."""
    parser.add_argument("action", choices=("create", "show", "delete"), help="what to do with the environment")
    parser.add_argument("-g", "--resource-group", metavar="GROUP", required=True, help="a resource group of its own")
    parser.add_argument("--location", metavar="REGION", help="where to make the group (where it does not exist yet)")
    parser.add_argument(
        "--with",
        dest="extras",
        default="",
        metavar="LIST",
        help=f"what to make beside the article's pair: any of {','.join(EXTRAS)}",
    )
    parser.add_argument("--size", default=SIZE, metavar="SKU", help=f"the machines' size (default {SIZE})")
    parser.add_argument("--ssh-key", metavar="FILE", help="a public key (else one is made that nobody has)")
    parser.add_argument("--print", action="store_true", help="print the template, and do nothing")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    parser.add_argument("-o", "--output", choices=("json", "table"), default="json", help="the form of the result")
    add_connection_options(parser)


def run(arguments: argparse.Namespace, guard: SignalGuard) -> int:
    """Create, show or delete the environment, or print its template."""
    extras = _extras(arguments.extras)
    try:
        if arguments.print:
            subscription = arguments.subscription or os.environ.get("AZURE_SUBSCRIPTION_ID") or _NOBODYS
            wanted = Wanted(group_scope(subscription, arguments.resource_group), extras)
            return delivered(0, lambda: print_json(template(wanted)))
        if arguments.action != "show" and not arguments.yes and not sys.stdin.isatty():
            raise UsageError("There is no terminal to ask on.", hint="Add --yes to go on without being asked.")
        client = connect(arguments, [], os.environ, guard)
        scope = group_scope(client.subscription, arguments.resource_group)
    except InvalidResourceId as error:
        raise UsageError(str(error)) from error
    group = lifecycle.look(client, scope)
    if arguments.action == "delete":
        return _delete(arguments, client, group, guard)
    if arguments.action == "create":
        _create(arguments, client, group, Wanted(scope, extras), guard)
        group = lifecycle.look(client, scope)
    return _show(arguments, client, group)


def _extras(text: str) -> tuple[str, ...]:
    given = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in given if word not in EXTRAS]
    if unknown:
        raise UsageError(f"--with does not know {unknown[0]!r}; it knows {', '.join(EXTRAS)}.")
    return tuple(one for one in EXTRAS if one in given)


def _create(arguments: argparse.Namespace, client: ArmClient, group: Group, wanted: Wanted, guard: SignalGuard) -> None:
    location = lifecycle.check_creatable(group, arguments.location)
    key = _key(arguments.ssh_key)
    beside = f" with {', '.join(wanted.extras)}" if wanted.extras else ""
    tell(f"The article's test environment{beside}, in the resource group {group.name} ({location}).")
    tell(cost.daily(wanted.extras))
    if not arguments.yes and not confirmed(guard, "Make it?"):
        raise VipswapError("Not confirmed; nothing was changed.")
    console = Console(tell, guard.acknowledge)
    lifecycle.create(client, group, wanted, parameters(location, arguments.size, key), console)


def _key(file: str | None) -> str:
    """The public key of the file; or of a pair whose private half is thrown away: no rule lets anybody log in."""
    if file is None:
        made = rsa.generate_private_key(public_exponent=65537, key_size=3072).public_key()
        return made.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    try:
        text = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The key {file} cannot be read: {error}.") from error
    if not text.startswith(("ssh-rsa ", "ssh-ed25519 ")) or "\n" in text:
        raise UsageError(f"The file {file} holds no public SSH key.", hint="It is one line that begins with ssh-rsa.")
    return text


def _show(arguments: argparse.Namespace, client: ArmClient, group: Group) -> int:
    names = lifecycle.names(client, group)
    found = targets(names, _model_files() if ROLL_SET in names else [])
    return delivered(0, lambda: print_json(found) if arguments.output == "json" else _print(group, found))


def _model_files() -> list[str]:
    """The two models of the rolling scale set, in files of the working directory."""
    made = []
    for name, model in models().items():
        write_whole(Path(f"{name}.json"), json.dumps(model, indent=2).encode())
        made.append(f"{name}.json")
    tell(f"The two models of {ROLL_SET} are in {' and '.join(made)}.")
    return made


def _print(group: Group, found: Json) -> None:
    print(f"{'resource group':<15}{group.name} ({(group.body or {}).get('location')})")
    for name, told in found.items():
        words = (f"{key} {', '.join(value) if isinstance(value, list) else value}" for key, value in told.items())
        print(f"{name:<15}{'; '.join(words)}")


def _delete(arguments: argparse.Namespace, client: ArmClient, group: Group, guard: SignalGuard) -> int:
    count = lifecycle.check_deletable(client, group)
    tell(f"The resource group {group.name} and the {count} resources in it are deleted.")
    if not arguments.yes and not confirmed(guard, "Delete them?"):
        raise VipswapError("Not confirmed; nothing was changed.")
    lifecycle.delete(client, group)
    told: dict[str, Any] = {"deleted": group.name, "resources": count}
    if arguments.output == "json":
        return delivered(0, lambda: print_json(told))
    return delivered(0, lambda: print(f"Deleted {group.name}."))
