"""Where the public IPs' loopback addresses come from."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vipswap_rest.emulator import InvalidSettings, Settings
from vipswap_rest.emulator.data_plane.loopback import NoLoopback, reserve
from vipswap_rest.emulator.settings.pool import read_pool

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
ROOT = Path(__file__).resolve().parents[2]
# One address on the loopback interface, as on a system that has no others; then two more, added by hand.
NAMESPACE = ["unshare", "--map-root-user", "--net"]
BARE = "ip link set lo up; ip addr del 127.0.0.1/8 dev lo 2>/dev/null; ip addr add 127.0.0.1/32 dev lo 2>/dev/null; "
ADDED = "".join(f"ip addr add 127.64.0.{number}/32 dev lo; " for number in (1, 2))
LOOK = """
import json
from tests.emulator.stage import IP1, IP2
from tests.emulator.vips import address_of, ask
from tests.emulator.wire import process
with process() as emulator:
    ips = [address_of(emulator.endpoint, one) for one in (IP1, IP2)]
    who = [ask(ip).who for ip in ips] if ips[0].startswith("127") else []
    print(json.dumps([ips, who, emulator.end()[3]]))
"""


def test_two_at_once_get_different_blocks_and_one_given_back_is_free_again() -> None:
    with contextlib.ExitStack() as stack:
        blocks = [reserve("127.66.0.0/22") for _ in range(4)]
        for block in blocks:
            stack.callback(block.close)

        assert {block.network for block in blocks} == {f"127.66.{number}.0/24" for number in range(4)}
        with pytest.raises(NoLoopback, match=r"All loopback addresses in 127\.66\.0\.0/22 are taken .* --vip-pool"):
            reserve("127.66.0.0/22")
        blocks[2].close()
        again = reserve("127.66.0.0/22")
        stack.callback(again.close)
        assert again.network == blocks[2].network


def test_a_small_pool_is_a_block_by_itself() -> None:
    with contextlib.closing(reserve("127.67.0.16/28")) as block:
        assert block.network == "127.67.0.16/28"


def test_a_block_is_free_again_when_its_process_has_been_killed() -> None:
    line = "from vipswap_rest.emulator.data_plane.loopback import reserve; block = reserve('127.68.0.0/24'); "
    child = subprocess.Popen([sys.executable, "-c", line + "print(1, flush=True); input()"], stdout=-1, stdin=-1)
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        with pytest.raises(NoLoopback):
            reserve("127.68.0.0/24")
        child.kill()
        child.wait()
    reserve("127.68.0.0/24").close()


@pytest.mark.parametrize(
    "pool",
    [
        "",
        "x",
        "127.64.0.0",
        "127.64.0.1/16",
        "10.0.0.0/24",
        "127.0.0.0/8",
        "127.0.0.0/24",
        "126.0.0.0/7",
        "::1/128",
        "127.64.0.0/31",
        "127.64.0.0/32",
        "127.64.0.0/33",
        "0.0.0.0/0",
    ],
)
def test_a_pool_that_is_none_is_refused_with_one_sentence(pool: str) -> None:
    with pytest.raises(InvalidSettings, match=r"^vip_pool is .*; it must be a network within 127\.0\.0\.0/8 .*\.$"):
        Settings(vip_pool=pool)


@given(st.integers(0, 2**24 - 1), st.integers(9, 30))
@settings(derandomize=True, deadline=None)
def test_every_network_of_loopback_without_the_emulators_own_address_is_a_pool(number: int, length: int) -> None:
    network = ipaddress.ip_network(((127 << 24) + number, length), strict=False)
    if ipaddress.ip_address("127.0.0.1") not in network:
        assert read_pool(str(network)) == network


def in_namespace(script: str) -> subprocess.CompletedProcess[str]:
    """Run this script in a network of its own, or skip where that may not be had."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("unshare and ip are needed to take loopback addresses away")
    tried = subprocess.run([*NAMESPACE, "sh", "-c", BARE + "exit 0"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"no network namespace: {tried.stderr.strip()}")
    return subprocess.run(
        [*NAMESPACE, "sh", "-c", script + 'exec "$@"', "sh", sys.executable, "-c", LOOK],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=ROOT,
    )


def test_a_system_without_spare_addresses_still_has_arm_and_one_sentence_says_how_to_add_them() -> None:
    ran = in_namespace(BARE)

    assert ran.returncode == 0, ran.stderr
    ips, _, err = json.loads(ran.stdout)
    assert ips == ["203.0.113.1", "203.0.113.2"]
    (line,) = err.splitlines()
    assert "This system has no loopback addresses in 127.64.0.0/16" in line
    assert line.endswith("add 14 with: for n in $(seq 1 14); do sudo ifconfig lo0 alias 127.64.0.$n; done")


def test_addresses_that_were_added_by_hand_are_found() -> None:
    ran = in_namespace(BARE + ADDED)

    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == [["127.64.0.1", "127.64.0.2"], ["vipswap1lb", "vipswap2lb"], ""]


def test_a_reservation_takes_no_port_that_a_rule_could_want() -> None:
    with contextlib.closing(reserve("127.69.0.0/24")) as block, socket.socket() as listener:
        # The reservation is on a UDP port; rules' listeners are TCP.
        listener.bind((str(ipaddress.ip_network(block.network)[1]), 12764))
        listener.listen()
