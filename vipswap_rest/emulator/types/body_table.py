"""What ARM adds to, keeps of and leaves out of the bodies of load balancers and public IPs: one row a property.

Recorded: counted over some two thousand public recordings of ARM's traffic, `n of n` being how often the rule was seen
and how often it could have been. Whatever no row speaks of is shown as it was sent. bodies.py reads the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from ..arm.addresses import PUBLIC_IPS
from ..messages import Json
from .load_balancers import parts as lb
from .scale_sets import model as scale_sets

# Parts of a body that are no child resources, and the members of a pool.
SKU = "sku"
TUNNELS = "tunnelInterfaces"
MEMBERS = "loadBalancerBackendAddresses"

# From this api-version (included) to that one (excluded); "" leaves an end open.
Span = tuple[str, str]
ALWAYS: tuple[Span, ...] = (("", ""),)


def since(version: str) -> tuple[Span, ...]:
    """From that api-version on."""
    return ((version, ""),)


@dataclass(frozen=True, slots=True)
class Row:
    """One property of one kind of body: a resource's type, a collection of its children, or a part of it.

    `adds`: what it is where a PUT does not say it; None: nothing is added. `basic`: whether Basic SKUs have it.
    `where`: the bodies, by their properties, that the row is about. `shown`: the api-versions that show it.
    `words`: how ARM spells its values. `server`: only the server says it, what is sent is forgotten; it is `kept` from
    before, or `derived` from the rest.
    """

    kind: str
    key: str
    source: str
    adds: Any = None
    basic: bool = True
    where: Callable[[Json], bool] = field(default=lambda found: True)
    shown: tuple[Span, ...] = ALWAYS
    words: tuple[str, ...] = ()
    server: Literal["kept", "derived"] | None = None

    @property
    def current(self) -> bool:
        """Whether the newest api-version shows it: then it is in the bodies that the emulator keeps."""
        return self.shown[-1][1] == ""

    def shown_by(self, version: str) -> bool:
        """Whether that api-version shows it."""
        return any(first <= version and (not last or version < last) for first, last in self.shown)


def is_public(frontend: Json) -> bool:
    """Whether a frontend with these properties refers to a public IP; one with a prefix is shown as an internal one."""
    return "publicIPAddress" in frontend


def is_private(frontend: Json) -> bool:
    """The opposite."""
    return not is_public(frontend)


def has_range(rule: Json) -> bool:
    """Whether an inbound NAT rule is of the second kind: a range of ports for a whole pool."""
    return "frontendPortRangeStart" in rule or "frontendPortRangeEnd" in rule


# In no specification, although recorded: shown up to 2025-03-01, the newest version that was recorded with them.
_FLAGS = ("enableDestinationServiceEndpoint", "allowBackendPortConflict")
_POLICY = "allocationPolicy"
UNDOCUMENTED = (*_FLAGS, _POLICY)
_UNDOCUMENTED_END = "2025-05-01"
_SKUS = ("Basic", "Standard", "StandardV2", "Gateway")
_TIERS = ("Regional", "Global")
_TRANSPORTS = ("Tcp", "Udp", "All")
_WORD = "inferred from loadDistribution (recorded: `default` was sent, `Default` came back)"


def _ports(kind: str, *extra: Row) -> Iterable[Row]:
    """What every kind of rule that forwards ports has."""
    sent = "recorded 13 of 13 that were sent without, of all three kinds of rule"
    for key, value in (("enableFloatingIP", False), ("idleTimeoutInMinutes", 4), ("enableTcpReset", False)):
        yield Row(kind, key, sent, adds=value)
    source = "recorded always from 2018-01-01 to 2025-03-01, never before 2017-10-01; taken back when sent"
    for key in _FLAGS:
        yield Row(kind, key, source, adds=False, shown=(("2018-01-01", _UNDOCUMENTED_END),))
    yield from extra


_USERS = "recorded where anything refers to the child (116 times), and nowhere else"


def _derived(kind: str, *keys: str, source: str = _USERS) -> Iterable[Row]:
    """Back references."""
    return (Row(kind, key, source, server="derived") for key in keys)


TABLE: tuple[Row, ...] = (
    # The load balancer itself.
    Row(SKU, "name", "recorded 7 of 7 that were sent without", adds="Basic", words=_SKUS),
    Row(
        SKU,
        "tier",
        "recorded from 2020-07-01 on (290 of 290), 0 of 25 up to 2019-09-01",
        adds="Regional",
        shown=since("2020-07-01"),
        words=_TIERS,
    ),
    Row(lb.NAME, "resourceGuid", "recorded: the same through every update", server="kept"),
    *(
        Row(lb.NAME, kind, "recorded 247 of 247, a collection that nothing is in too", adds=[])
        for kind in lb.COLLECTIONS
        if kind != lb.OUTBOUND
    ),
    Row(lb.NAME, lb.OUTBOUND, "recorded 194 of 194 on other SKUs, 0 of 53 on Basic", adds=[], basic=False),
    # Frontends.
    Row(
        lb.FRONTENDS,
        "privateIPAllocationMethod",
        "recorded 312 of 312",
        adds="Dynamic",
        words=("Dynamic", "Static"),
    ),
    Row(
        lb.FRONTENDS,
        "privateIPAddressVersion",
        "recorded 63 of 63 internal ones, and those with a prefix",
        adds="IPv4",
        where=is_private,
        shown=since("2019-04-01"),
        words=("IPv4", "IPv6"),
    ),
    Row(
        lb.FRONTENDS,
        "privateIPAddressVersion",
        "recorded at 2019-09-01 and 2021-02-01 (34 of 34), 0 of 450 at 2018-11, 2020-11, 2022-01 and later",
        adds="IPv4",
        where=is_public,
        shown=(("2019-04-01", "2020-11-01"), ("2021-02-01", "2022-01-01")),
    ),
    *_derived(lb.FRONTENDS, lb.RULES, lb.NAT_RULES, lb.NAT_POOLS, lb.OUTBOUND),
    # Pools and what is in them.
    Row(
        lb.POOLS,
        MEMBERS,
        "recorded on other SKUs 273 of 273, on Basic 0 of 75",
        adds=[],
        basic=False,
        shown=since("2020-05-01"),
    ),
    Row(lb.POOLS, "backendIPConfigurations", "recorded: a PUT never changes them", server="kept"),
    *_derived(lb.POOLS, lb.RULES, lb.NAT_RULES, lb.OUTBOUND),
    Row(lb.POOLS, "outboundRule", "recorded 0 of 65: only the list outboundRules", server="derived"),
    Row(TUNNELS, "port", "recorded 0 until the operation is done (4 of 4)", adds=0),
    # Rules.
    *_ports(
        lb.RULES,
        Row(lb.RULES, "protocol", _WORD, words=_TRANSPORTS),
        Row(
            lb.RULES,
            "loadDistribution",
            "recorded 54 of 54",
            adds="Default",
            words=("Default", "SourceIP", "SourceIPProtocol"),
        ),
        Row(
            lb.RULES,
            "disableOutboundSnat",
            "recorded on Standard before 2020-11-01 too (103 of 103), on Gateway 8 of 8, on Basic 0 of 6",
            adds=False,
            basic=False,
        ),
        Row(lb.RULES, "backendAddressPools", "recorded at 2023-04-01, not at 2018-11-01", shown=since("2020-11-01")),
    ),
    # Probes.
    Row(lb.PROBES, "protocol", _WORD, words=("Http", "Https", "Tcp")),
    Row(lb.PROBES, "intervalInSeconds", "recorded 10 of 10", adds=15),
    Row(lb.PROBES, "numberOfProbes", "recorded 10 of 10", adds=2),
    Row(
        lb.PROBES,
        "probeThreshold",
        "recorded 71 of 71 at 2023-04-01, 0 of 60 at 2022-01-01; in the specification since 2022-05-01",
        adds=1,
        shown=since("2022-05-01"),
    ),
    *_derived(lb.PROBES, lb.RULES, source="documented"),
    # Inbound NAT.
    *_ports(
        lb.NAT_RULES,
        Row(lb.NAT_RULES, "protocol", "recorded 11 of 11", adds="Tcp", words=_TRANSPORTS),
        Row(lb.NAT_RULES, "frontendPort", "recorded 6 of 6 with a range of ports", adds=0, where=has_range),
        Row(lb.NAT_RULES, "backendIPConfiguration", "recorded: a PUT never changes it", server="kept"),
    ),
    *_ports(lb.NAT_POOLS, Row(lb.NAT_POOLS, "protocol", _WORD, words=_TRANSPORTS)),
    # Outbound rules.
    Row(lb.OUTBOUND, "protocol", _WORD, words=_TRANSPORTS),
    Row(lb.OUTBOUND, "allocatedOutboundPorts", "recorded: sent without, they read back 1024", adds=1024),
    Row(lb.OUTBOUND, "enableTcpReset", "recorded: sent without, it reads back false", adds=False),
    Row(lb.OUTBOUND, "idleTimeoutInMinutes", "documented", adds=4),
    Row(
        lb.OUTBOUND,
        _POLICY,
        "recorded from 2022 on (66 of 66); in no specification",
        adds={"onDemandAllocation": False, "portReuse": "FirstAvailable"},
        shown=(("2022-01-01", _UNDOCUMENTED_END),),
    ),
    # Scale sets.
    Row(scale_sets.NAME, "etag", "recorded at 2025-04-01, never up to 2024-07-01", shown=since("2024-11-01")),
    # Public IPs.
    Row(PUBLIC_IPS, "publicIPAddressVersion", "recorded 68 of 68", adds="IPv4", words=("IPv4", "IPv6")),
    Row(
        PUBLIC_IPS,
        "publicIPAllocationMethod",
        "recorded 2 of 2 that were sent without",
        adds="Dynamic",
        words=("Dynamic", "Static"),
    ),
    Row(PUBLIC_IPS, "idleTimeoutInMinutes", "recorded 65 of 65", adds=4),
    Row(PUBLIC_IPS, "ipTags", "recorded 68 of 68", adds=[]),
    Row(
        PUBLIC_IPS,
        "ddosSettings",
        "recorded on Standard from 2022-05-01 on, 0 of 2,300 on Basic",
        adds={"protectionMode": "VirtualNetworkInherited"},
        basic=False,
        shown=since("2022-05-01"),
    ),
    Row(PUBLIC_IPS, "resourceGuid", "recorded: the same through every update", server="kept"),
    Row(PUBLIC_IPS, "ipAddress", "recorded: a PUT never changes it", server="kept"),
    Row(PUBLIC_IPS, "ipConfiguration", "recorded: its holder's side of the matter", server="kept"),
    Row(PUBLIC_IPS, "natGateway", "inferred, as ipConfiguration: its holder's side of the matter", server="kept"),
)
