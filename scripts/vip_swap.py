#!/usr/bin/env python3
"""The article's Python timing example, on vipswap_rest: swap two load balancers' VIPs and say how long it took.

    vip_swap.py -g GROUP -1 PRODUCTION_LB -2 STAGING_LB [-v] [-y]

Reads azurermconfig.json in the current folder (tenantId, appId, appSecret, subscriptionId), as the article's script
did; a token in AZURE_ACCESS_TOKEN goes before its secret. AZURE_RM_ENDPOINT points it at another ARM, such as
`vipswap emulator`.

Every write of the swap stands in `swap` below, in its order; `give` and `wait` have the reads between. It stops where
one fails, as the article's does; but its float carries the journal, so that the line it prints then finishes or undoes
the swap. `vipswap swap` needs no such line: it looks again, tries again, and turns back by itself.
"""

import argparse
import json
import logging
import os
import select
import signal
import sys
import time

from vipswap_rest import Target, VipswapError, connect, network, plan


def swap(client, planned):
    """The article's five steps. Each prints its milestone, and the seconds since the start where the article does."""
    frontend1, frontend2 = planned.frontends
    vip1, vip2 = planned.addresses
    lb1, lb2 = frontend1.parent, frontend2.parent
    start = time.monotonic()

    say(f"Creating float public IP: {planned.float.name}")
    if planned.float_etag is None:
        started = network.claim_public_ip(client, planned.float, planned.float_body)
        if started.response.status != 201:
            # A provider may ignore If-None-Match: then another run's float was there.
            raise SystemExit("Another run has just begun to swap these load balancers; this one stops.")
    else:
        started = network.update_public_ip(client, planned.float, planned.float_body, etag=planned.float_etag)
    wait(client, started)

    say(f"Updating staging load balancer {lb2.name} to the float public IP")
    started = give(client, lb2, frontend2, planned.float)
    say("Waiting for staging's old public IP to be unassigned")
    wait(client, started)
    say(f"Elapsed time: {time.monotonic() - start:.1f} s")

    say(f"Downtime begins: updating production load balancer {lb1.name} to staging's public IP")
    downtime = time.monotonic()
    started = give(client, lb1, frontend1, vip2)
    say("Waiting for production's old public IP to be unassigned")
    wait(client, started)
    say("Staging's public IP now points to the old production")
    say(f"Elapsed time: {time.monotonic() - start:.1f} s")

    say(f"Updating staging load balancer {lb2.name} to production's public IP")
    started = give(client, lb2, frontend2, vip1)
    say("Waiting for staging load balancer to be updated")
    wait(client, started)
    end = time.monotonic()
    say(f"VIP swap complete\nDowntime: {end - downtime:.1f} s. Total elapsed time: {end - start:.1f} s")

    say(f"Deleting float public IP: {planned.float.name}")
    wait(client, network.delete_public_ip(client, planned.float))


def give(client, load_balancer, frontend, address):
    """GET a load balancer and PUT it back with another public IP on one frontend, if nobody wrote it in between."""
    body = network.get_load_balancer(client, load_balancer)
    changed = network.with_public_ip(body, frontend, address)
    return network.update_load_balancer(client, load_balancer, changed, etag=body["etag"])


def wait(client, started):
    """Poll Azure-AsyncOperation until it says Succeeded: every tenth of a second at first, as downtime is counted."""
    client.wait(started, pace=lambda waited, retry_after: min(1.0, max(0.1, 0.02 * waited)))


def say(line):
    print(line, flush=True)


def confirmed(question):
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    # A read that blocks would not see a signal that came just before it.
    while not select.select([sys.stdin], [], [], 0.2)[0]:
        pass
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def interrupt(number, frame):
    """SIGTERM ends it as Ctrl-C does."""
    raise KeyboardInterrupt(f"Interrupted by {signal.Signals(number).name}.")


def on_signals(handler):
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def read_config(path="azurermconfig.json"):
    """The subscription, and the login as azure-identity's variables."""
    try:
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
        return config["subscriptionId"], {
            "AZURE_TENANT_ID": config["tenantId"],
            "AZURE_CLIENT_ID": config["appId"],
            "AZURE_CLIENT_SECRET": config["appSecret"],
        }
    except OSError:
        sys.exit(usage(f"Cannot read {path} in this folder: it holds tenantId, appId, appSecret, subscriptionId."))
    except (ValueError, KeyError, TypeError):
        sys.exit(usage(f"{path} is not JSON with tenantId, appId, appSecret and subscriptionId."))


def usage(message):
    print(message, file=sys.stderr)
    return 2


def main():
    parser = argparse.ArgumentParser(description="Swap the VIPs of two Azure load balancers.")
    parser.add_argument("-g", "--resourcegroup", required=True, help="resource group of both load balancers")
    parser.add_argument("-1", "--lb1", required=True, help="load balancer 1: production")
    parser.add_argument("-2", "--lb2", required=True, help="load balancer 2: staging")
    parser.add_argument("-v", "--verbose", action="store_true", help="show every request")
    parser.add_argument("-y", dest="yes", action="store_true", help="do not ask before swapping")
    args = parser.parse_args()
    if args.verbose:
        logging.basicConfig(level=logging.INFO, format="%(message)s")
        logging.getLogger("vipswap_rest").setLevel(logging.DEBUG)

    subscription, login = read_config()
    if not args.yes and not sys.stdin.isatty():
        return usage("There is no terminal to ask on; add -y.")
    client = connect(subscription, environment={**os.environ, **login})
    planned = plan(client, Target(args.lb1, args.lb2, args.resourcegroup))
    planned.check()
    if not args.yes and not confirmed(f"Swap the VIPs of {args.lb1} and {args.lb2}?"):
        print("Not confirmed; nothing was changed.", file=sys.stderr)
        return 1
    try:
        swap(client, planned)
    except (VipswapError, KeyboardInterrupt):
        on_signals(signal.SIG_IGN)
        print(f"What it began, if it did, is finished or undone by: {planned.recover_command}", file=sys.stderr)
        raise
    return 0


if __name__ == "__main__":
    on_signals(interrupt)
    try:
        sys.exit(main())
    except VipswapError as error:
        print(f"{error}\n{error.hint}".strip(), file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt as signalled:
        # How it ends is settled now.
        on_signals(signal.SIG_IGN)
        print(signalled, file=sys.stderr)
        sys.exit(130)
