"""`vipswap emulator`: an ARM on this machine's loopback address."""

from __future__ import annotations

import argparse
import json
from typing import Any

from vipswap_rest.arm.errors import UsageError
from vipswap_rest.cli.signals import SignalGuard
from vipswap_rest.extras import install_command


def add_options(parser: argparse.ArgumentParser) -> None:
    """The emulator's settings; each is something nobody outside Microsoft knows, or a matter of taste."""
    parser.add_argument("--port", type=int, default=0, metavar="N", help="the port; 0 (the default) takes a free one")
    parser.add_argument(
        "--tls",
        action="store_true",
        help="serve ARM and the token service over https; ca_file in the first line names what to trust",
    )
    parser.add_argument(
        "--latency", default="instant", metavar="PROFILE", help="instant (the default), blog, standard, or a JSON file"
    )
    parser.add_argument("--time-scale", type=float, default=1.0, metavar="X", help="0.1 is ten times faster")
    parser.add_argument("--env", choices=("blog", "roads", "none"), default="blog", help="what is there at the start")
    parser.add_argument(
        "--pairs",
        type=int,
        default=0,
        metavar="N",
        help="how many more pairs of load balancers there are: pair0001a, pair0001b, ...",
    )
    parser.add_argument(
        "--rtt", type=float, default=0.0, metavar="S", help="seconds that each of ARM's answers takes (0)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the latencies that are drawn")
    _add_arm_options(parser)
    _add_data_plane_options(parser)


def _add_arm_options(parser: argparse.ArgumentParser) -> None:
    """What of ARM is not known, and who may log in."""
    parser.add_argument(
        "--release",
        choices=("complete", "accept"),
        default="complete",
        help="when a released address can be taken: once its operation has completed, or was accepted",
    )
    parser.add_argument(
        "--release-refusal",
        choices=("in-use", "retryable"),
        default="in-use",
        help="how one that asks too early is refused: 400 PublicIPAddressInUse, or 429 RetryableError",
    )
    parser.add_argument(
        "--overlap-ends",
        choices=("both", "attach"),
        default="both",
        help="an operation that attaches an address which still is being released ends not before that, or by itself",
    )
    parser.add_argument("--native", choices=("accept", "reject"), default="accept", help="the native swap operation")
    parser.add_argument(
        "--if-none-match",
        choices=("honour", "ignore"),
        default="honour",
        help="whether a PUT with If-None-Match: * on something that exists is refused",
    )
    parser.add_argument(
        "--retry-after",
        choices=("grows", "constant"),
        default="grows",
        help="whether the Retry-After of an operation's polls grows from poll to poll, as recorded",
    )
    parser.add_argument(
        "--reference-provisioning",
        choices=("accept", "refuse"),
        help="whether a load balancer may take an address that is still being made (default: accept with --latency "
        "blog, else refuse)",
    )
    parser.add_argument(
        "--throttle", action="store_true", help="count calls and answer 429 when ARM's buckets are empty"
    )
    parser.add_argument(
        "--require-token", action="store_true", help="accept only unexpired tokens of the emulator's own token service"
    )
    parser.add_argument(
        "--token-lifetime", type=int, default=3599, metavar="S", help="whole seconds that its tokens live"
    )
    parser.add_argument(
        "--client-certificate",
        metavar="FILE",
        help="the application's registered certificate (PEM); without it any certificate's signature is taken",
    )


def _add_data_plane_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data-plane-down",
        choices=("accept", "complete"),
        default="accept",
        help="when an address stops answering: when the write that takes it away is accepted, or has completed",
    )
    parser.add_argument(
        "--data-plane-up",
        choices=("complete", "accept"),
        default="complete",
        help="when an address answers again: when the write that attaches it has completed, or is accepted",
    )
    parser.add_argument(
        "--unattached",
        choices=("refuse", "drop"),
        default="refuse",
        help="what an unattached address does: refuse connections, or accept them and stay silent",
    )
    parser.add_argument(
        "--established",
        choices=("reset", "silent"),
        default="reset",
        help="what becomes of open connections when their address goes down",
    )
    parser.add_argument(
        "--cold-pool",
        type=float,
        default=0.0,
        metavar="S",
        help="seconds that a backend pool no rule used does not answer after a rule has gone over to it (0)",
    )
    parser.add_argument(
        "--flip-established",
        choices=("keep", "reset", "silent"),
        default="keep",
        help="what becomes of connections open to a load balancer's pool when the rule goes over to another one",
    )
    parser.add_argument(
        "--gateway-established",
        choices=("keep", "reset"),
        default="keep",
        help="the same of an application gateway's: kept, their next request is answered by the new pool",
    )
    parser.add_argument(
        "--drain-s",
        type=float,
        default=0.0,
        metavar="S",
        help="seconds that connections to a pool its rule has left are left alone before that (0)",
    )
    parser.add_argument(
        "--vip-pool",
        default="127.64.0.0/16",
        metavar="NETWORK",
        help="where the public IPs' loopback addresses are taken from",
    )


def run(arguments: argparse.Namespace, guard: SignalGuard) -> int:
    """Serve until SIGTERM or SIGINT, which the server handles itself; the only line on stdout is the JSON object that
    says where."""
    # The emulator is an extra; no other verb but the demo needs it.
    try:
        from vipswap_rest.emulator.server import serve

        if arguments.tls:
            import vipswap_rest.emulator.identity.tls  # noqa: F401 - so that it is missed before anything listens
    except ImportError as error:
        raise UsageError(
            f"The emulator needs a package that is not here ({error.name}).",
            hint=f"Install it: {install_command('emulator')}",
        ) from error
    from vipswap_rest.emulator.settings import Settings

    try:
        settings = Settings(
            env=arguments.env,
            latency=arguments.latency,
            time_scale=arguments.time_scale,
            seed=arguments.seed,
            pairs=arguments.pairs,
            rtt=arguments.rtt,
            release=arguments.release,
            release_refusal=arguments.release_refusal,
            overlap_ends=arguments.overlap_ends,
            native=arguments.native,
            if_none_match=arguments.if_none_match,
            retry_after=arguments.retry_after,
            reference_provisioning=arguments.reference_provisioning,
            tls=arguments.tls,
            throttle=arguments.throttle,
            require_token=arguments.require_token,
            token_lifetime_s=arguments.token_lifetime,
            client_certificate=arguments.client_certificate,
            data_plane=True,
            data_plane_down=arguments.data_plane_down,
            data_plane_up=arguments.data_plane_up,
            unattached=arguments.unattached,
            established=arguments.established,
            cold_pool_s=arguments.cold_pool,
            flip_established=arguments.flip_established,
            gateway_established=arguments.gateway_established,
            drain_s=arguments.drain_s,
            vip_pool=arguments.vip_pool,
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    try:
        return serve(settings, arguments.port, _announce)
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"The emulator cannot listen on port {arguments.port}: {error}.",
            hint="Omit --port to use a free one.",
        ) from error


def _announce(description: dict[str, Any]) -> None:
    print(json.dumps(description), flush=True)
