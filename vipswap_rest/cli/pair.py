"""The options by which several verbs say which pair is swapped, how, and what is asked meanwhile."""

from __future__ import annotations

import argparse


def add_pair_options(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """The two load balancers and their frontends."""
    parser.add_argument(
        "-g", "--resource-group", metavar="GROUP", help="the resource group of the load balancers given by name"
    )
    parser.add_argument("--lb1", required=required, metavar="LB", help="production's load balancer, by name or ARM id")
    parser.add_argument("--lb2", required=required, metavar="LB", help="staging's load balancer, by name or ARM id")
    parser.add_argument("--frontend1", metavar="NAME", help="production's frontend, where it has several public ones")
    parser.add_argument("--frontend2", metavar="NAME", help="staging's frontend, where it has several public ones")


def add_manner_options(parser: argparse.ArgumentParser) -> None:
    """The order of the float's writes, and the findings that must not refuse the swap."""
    parser.add_argument(
        "--float-on",
        choices=("staging", "production"),
        default="staging",
        help="which side goes to the float first (default: staging)",
    )
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="CODE",
        help="swap although preflight finds this error (by its code; may be given several times)",
    )


def add_float_tag_option(parser: argparse.ArgumentParser) -> None:
    """What the float is tagged with."""
    parser.add_argument(
        "--float-tag",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a tag for the float, where a policy asks for one (may be given several times)",
    )


def add_probe_options(parser: argparse.ArgumentParser) -> None:
    """What is asked whether it answers, and how often."""
    parser.add_argument(
        "--probe-url",
        metavar="URL",
        help="what to probe instead of the first TCP rule's port: http://HOST[:PORT][/PATH] or tcp://HOST:PORT of "
        "production; staging's address is probed likewise",
    )
    parser.add_argument(
        "--interval", default="100ms", metavar="TIME", help="between two samples: 100ms (the default), 0.1s; from 10ms"
    )
