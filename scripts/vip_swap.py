#!/usr/bin/env python3
"""The article's Python timing example, on vipswap_rest: swap two load balancers' VIPs and say how long it took.

    vip_swap.py -g GROUP -1 PRODUCTION_LB -2 STAGING_LB [-v] [-y]

Reads azurermconfig.json in the current folder (tenantId, appId, appSecret, subscriptionId), as the article's script
did; a token in AZURE_ACCESS_TOKEN goes before its secret. On the operations of the article's run (`vipswap emulator
--latency blog`: 22.5, 28.5 and 22.5 s) the article's script prints a downtime of 61 s, and this one some 51.5 s: it
looks more often. AZURE_RM_ENDPOINT points it at another ARM, such as
`vipswap emulator`.
"""

import argparse
import json
import logging
import os
import sys
import time

from vipswap_rest.arm.auth import find_credential
from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.clouds import PUBLIC, check_endpoint, cloud_of
from vipswap_rest.arm.errors import UsageError, VipswapError
from vipswap_rest.arm.http import Transport
from vipswap_rest.cli.signals import SignalGuard, confirmed
from vipswap_rest.methods.vip_swap.resolve import Target
from vipswap_rest.methods.vip_swap.run import Options, plan, swap
from vipswap_rest.switchover.report import Noted, StepAccepted, StepBegan, StepEnded

BEGUN = {
    "create_float": "Creating float public IP: {name}",
    "staging_to_float": "Updating staging load balancer {name} to the float public IP",
    "production_to_staging_address": "Downtime begins: updating production load balancer {name} to staging's public IP",
    "staging_to_production_address": "Updating staging load balancer {name} to production's public IP",
    "delete_float": "Deleting float public IP: {name}",
}
ACCEPTED = {
    "staging_to_float": "Waiting for staging's old public IP to be unassigned",
    "production_to_staging_address": "Waiting for production's old public IP to be unassigned",
    "staging_to_production_address": "Waiting for staging load balancer to be updated",
}


class Milestones:
    """Prints the article's milestones, in its order, from the events of a swap."""

    def __init__(self):
        self.began = self.downtime_began = time.monotonic()

    def __call__(self, event):
        elapsed = time.monotonic() - self.began
        if isinstance(event, StepBegan):
            if event.opens_outage:
                self.downtime_began = time.monotonic()
            print(BEGUN.get(event.name, "Step: " + event.name).format(name=event.resource.name), flush=True)
        elif isinstance(event, StepAccepted) and event.name in ACCEPTED:
            print(ACCEPTED[event.name], flush=True)
        elif isinstance(event, StepEnded) and event.record.succeeded:
            if event.record.name == "production_to_staging_address":
                print("Staging's public IP now points to the old production", flush=True)
            if event.record.name in ("staging_to_float", "production_to_staging_address"):
                print(f"Elapsed time: {elapsed:.1f} s", flush=True)
            if event.record.name == "staging_to_production_address":
                downtime = time.monotonic() - self.downtime_began
                print(f"VIP swap complete\nDowntime: {downtime:.1f} s. Total elapsed time: {elapsed:.1f} s", flush=True)
        elif isinstance(event, Noted):
            print(event.message, flush=True)


def read_config(path="azurermconfig.json"):
    try:
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
        return config["subscriptionId"], {
            "AZURE_TENANT_ID": config["tenantId"],
            "AZURE_CLIENT_ID": config["appId"],
            "AZURE_CLIENT_SECRET": config["appSecret"],
        }
    except OSError as error:
        raise UsageError(
            f"Cannot read {path} in this folder: it holds tenantId, appId, appSecret, subscriptionId."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is not JSON with tenantId, appId, appSecret and subscriptionId.") from error


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

    subscription, config = read_config()
    endpoint = check_endpoint(os.environ.get("AZURE_RM_ENDPOINT", PUBLIC.resource_manager))
    if not args.yes and not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask on; add -y.")
    # It is the clock too: a signal ends whatever is waited for by it.
    with SignalGuard(last=True) as guard:
        credential = find_credential({**os.environ, **config}, cloud=cloud_of(endpoint), clock=guard)
        client = ArmClient(Transport(endpoint, credential, clock=guard), subscription)
        planned = plan(client, Target(args.lb1, args.lb2, args.resourcegroup), Options())
        if not args.yes and not confirmed(guard, f"Swap the VIPs of {args.lb1} and {args.lb2}?"):
            return 1
        report = swap(client, planned, Options(), emit=Milestones(), guard=guard)
    if report.error:
        raise report.error
    return report.exit_code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except VipswapError as error:
        print(f"{error}\n{error.hint}".strip(), file=sys.stderr)
        sys.exit(error.exit_code)
