"""What a swap is about: two frontends, two addresses, a float; and what ARM shows of them at one moment."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from vipswap_rest.arm.errors import ProtocolError
from vipswap_rest.arm.ids import InvalidResourceId, ResourceId, same_id
from vipswap_rest.arm.network import FRONTEND, NAMESPACE, PUBLIC_IP, with_public_ip
from vipswap_rest.methods.vip_swap.rules import has_outbound_rule, rules_of
from vipswap_rest.methods.vip_swap.shape import check_shape
from vipswap_rest.switchover.report import Side
from vipswap_rest.switchover.resource import SUCCEEDED, etag_of, state_of
from vipswap_rest.switchover.steps import Direction


@dataclass(frozen=True, slots=True)
class Pair:
    """One swap's plan: the two frontends, the address each held at first, and the float.

    `frontends` and `originals` are ids by side; an address is named for the side that held it at first, so
    `originals[PRODUCTION]` is production's address wherever it is now.
    """

    frontends: Mapping[Side, ResourceId]
    originals: Mapping[Side, ResourceId]
    float: ResourceId

    def load_balancer(self, side: Side) -> ResourceId:
        """The load balancer of a side."""
        parent = self.frontends[side].parent
        if parent is None:
            raise InvalidResourceId(f"{self.frontends[side]} is not a frontend IP configuration.")
        return parent

    def goal(self, direction: Direction) -> dict[Side, ResourceId]:
        """The address that each side's frontend should hold."""
        if direction is Direction.ORIGINAL:
            return dict(self.originals)
        return {side: self.originals[side.other] for side in Side}


@dataclass(frozen=True, slots=True)
class Frontend:
    """A frontend IP configuration of a load balancer: its id, and the public IP it refers to (None: internal).

    `has_prefix`: it has a whole public IP prefix. `gateway`: the id of the gateway load balancer's frontend that it is
    chained to.
    """

    id: ResourceId
    public_ip: ResourceId | None
    has_prefix: bool = False
    gateway: str | None = None


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """A load balancer as ARM showed it; `body` is the whole of it, unknown fields included."""

    id: ResourceId
    etag: str
    state: str
    frontends: tuple[Frontend, ...]
    body: Mapping[str, Any] = field(repr=False)

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> LoadBalancer:
        """Read a load balancer's body. Raises ProtocolError if it is none."""
        try:
            check_shape(body)
            id, properties = ResourceId.parse(body["id"]), body["properties"]
            frontends = tuple(_frontend(item, id) for item in properties.get("frontendIPConfigurations") or [])
            if len({frontend.id for frontend in frontends}) < len(frontends):
                raise InvalidResourceId("two of its frontends have one id")
            for frontend in frontends:
                # Read them once: whoever does so later takes it that they can be read.
                deque(rules_of(body, str(frontend.id)), 0)
                has_outbound_rule(body, str(frontend.id))
            return cls(id, etag_of(body), state_of(properties), frontends, body)
        except (KeyError, TypeError, ValueError, AttributeError, InvalidResourceId) as error:
            raise ProtocolError(f"ARM showed a load balancer that cannot be read: {error}.") from error

    @classmethod
    def gone(cls, id: ResourceId) -> LoadBalancer:
        """What stands for a load balancer that is not there any more: it has no frontend."""
        return cls(id, "", SUCCEEDED, (), {})

    @property
    def exists(self) -> bool:
        """Whether ARM showed it."""
        return bool(self.body)

    def frontend(self, frontend: ResourceId) -> Frontend | None:
        """The frontend of that id, or None."""
        return next((item for item in self.frontends if item.id == frontend), None)

    def with_address(self, frontend: ResourceId, address: ResourceId) -> LoadBalancer:
        """This load balancer with one field changed: the public IP that `frontend` refers to."""
        body = with_public_ip(self.body, frontend, address)
        changed = tuple(replace(item, public_ip=address) if item.id == frontend else item for item in self.frontends)
        return replace(self, frontends=changed, body=body)


@dataclass(frozen=True, slots=True)
class PublicIp:
    """A public IP address as ARM showed it. `holder` is the ipConfiguration (or NAT gateway) that holds it."""

    id: ResourceId
    etag: str
    state: str
    holder: str | None
    body: Mapping[str, Any] = field(repr=False)

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> PublicIp:
        """Read a public IP address's body. Raises ProtocolError if it is none."""
        try:
            check_shape(body)
            properties = body["properties"]
            holder = _id_text(properties, "natGateway") or _id_text(properties, "ipConfiguration")
            return cls(ResourceId.parse(body["id"]), etag_of(body), state_of(properties), holder, body)
        except (KeyError, TypeError, ValueError, AttributeError, InvalidResourceId) as error:
            raise ProtocolError(f"ARM showed a public IP address that cannot be read: {error}.") from error

    @property
    def address(self) -> str | None:
        """The IP address itself; a Dynamic one has none while nothing holds it."""
        address = self.body["properties"].get("ipAddress")
        return str(address) if address else None

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags, none missing."""
        return {key: str(value) for key, value in (self.body.get("tags") or {}).items()}

    def held_by(self, frontend: ResourceId) -> bool:
        """Whether the address says that this frontend holds it."""
        return same_id(self.holder, str(frontend))


_Resource = TypeVar("_Resource", LoadBalancer, PublicIp)


def asked_for(id: ResourceId, found: _Resource) -> _Resource:
    """What was read, if it is what was asked for. Raises ProtocolError."""
    if found.id != id:
        raise ProtocolError(f"GET {id}: ARM answered with another resource, {found.id}.")
    return found


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything next_step looks at: both load balancers, both addresses, and the float if it exists."""

    load_balancers: Mapping[Side, LoadBalancer]
    addresses: Mapping[Side, PublicIp]
    float: PublicIp | None

    @property
    def public_ips(self) -> tuple[PublicIp, ...]:
        """The two addresses, and the float if there is one."""
        return (*self.addresses.values(), *((self.float,) if self.float else ()))

    def held(self, pair: Pair, side: Side) -> ResourceId | None:
        """The address that a side's frontend refers to."""
        frontend = self.load_balancers[side].frontend(pair.frontends[side])
        return frontend.public_ip if frontend else None

    def public_ip(self, address: ResourceId) -> PublicIp | None:
        """One of the two addresses or the float, by its id."""
        return next((item for item in self.public_ips if item.id == address), None)

    def with_load_balancer(self, side: Side, load_balancer: LoadBalancer) -> Observed:
        """The same with one side's load balancer replaced."""
        return replace(self, load_balancers={**self.load_balancers, side: load_balancer})

    def with_public_ip(self, public_ip: PublicIp) -> Observed:
        """The same with one of the two addresses, or the float, replaced."""
        for side, known in self.addresses.items():
            if known.id == public_ip.id:
                return replace(self, addresses={**self.addresses, side: public_ip})
        return replace(self, float=public_ip)

    def moved(self, pair: Pair, side: Side, address: ResourceId) -> Observed:
        """The same after a side's frontend has taken `address`, and let go of the one it held."""
        frontend, before = pair.frontends[side], self.held(pair, side)
        result = self.with_load_balancer(side, self.load_balancers[side].with_address(frontend, address))
        for public_ip, holder in ((before, None), (address, str(frontend))):
            known = self.public_ip(public_ip) if public_ip else None
            if known and (holder or known.held_by(frontend)):
                result = result.with_public_ip(replace(known, holder=holder))
        return result


def _frontend(item: Mapping[str, Any], load_balancer: ResourceId) -> Frontend:
    """Read one. Raises KeyError, InvalidResourceId: an id of another resource would be written in its place."""
    id, properties = ResourceId.parse(item["id"]), item.get("properties") or {}
    if id.parent != load_balancer or not id.is_a(f"{NAMESPACE}/{FRONTEND}"):
        raise InvalidResourceId(f"{id} is not a frontend of {load_balancer}")
    address = _id_text(properties, "publicIPAddress")
    public_ip = ResourceId.parse(address) if address else None
    if public_ip is not None and not public_ip.is_a(f"{NAMESPACE}/{PUBLIC_IP}"):
        raise InvalidResourceId(f"{public_ip} is not a public IP address")
    return Frontend(id, public_ip, bool(properties.get("publicIPPrefix")), _id_text(properties, "gatewayLoadBalancer"))


def _id_text(properties: Mapping[str, Any], key: str) -> str | None:
    reference = properties.get(key)
    return str(reference["id"]) if isinstance(reference, Mapping) and reference.get("id") else None
