"""What the methods of one write share: a resource that is its own state, with references that one PUT changes. Pure.

The goal stands in the command line, If-Match is the lock, and the same line again finishes what a crash left; so there
is no journal. No address is taken off its frontend, so there is no outage that the control plane knows of.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import wraps
from typing import Any, ClassVar, ParamSpec, TypeVar

from vipswap_rest.arm.errors import ProtocolError, Refused, VipswapError
from vipswap_rest.arm.http import Response
from vipswap_rest.arm.ids import InvalidResourceId, ResourceId, same_id
from vipswap_rest.switchover.actions import Perform, Request
from vipswap_rest.switchover.outage import Ledger
from vipswap_rest.switchover.report import AddressReport, Side
from vipswap_rest.switchover.resource import BROKEN, SUCCEEDED, etag_of, in_motion, state_of
from vipswap_rest.switchover.state import Policy, RunState, begin
from vipswap_rest.switchover.steps import Direction, Done, Refuse, Step, Wait, Write
from vipswap_rest.switchover.trail import moment_of, policy_line, policy_of

_Given = ParamSpec("_Given")
_Found = TypeVar("_Found")


def readable(read: Callable[_Given, _Found]) -> Callable[_Given, _Found]:
    """What reads bodies of ARM's, so that one of another shape than ARM's raises ProtocolError."""

    @wraps(read)
    def reading(*args: _Given.args, **options: _Given.kwargs) -> _Found:
        try:
            return read(*args, **options)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise ProtocolError(f"ARM showed a resource that cannot be read: {error!r}.") from error

    return reading


@dataclass(frozen=True, slots=True)
class Shown:
    """A resource as ARM showed it; `body` is the whole of it, unknown fields included."""

    id: ResourceId
    etag: str
    state: str
    body: Mapping[str, Any] = field(repr=False)

    @classmethod
    def read(cls, body: Any) -> Shown:
        """Read a resource's body. Raises ProtocolError if it is none."""
        return readable(cls._read)(body)

    @classmethod
    def _read(cls, body: Any) -> Shown:
        return cls(ResourceId.parse(body["id"]), etag_of(body), state_of(body["properties"]), body)


@dataclass(frozen=True, slots=True)
class Move:
    """A reference that is changed: where it stands in the resource, and the ids that it has before and after."""

    place: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Reached:
    """What callers reach through the first of the moved references of an address: the address's id, itself and its
    TCP port (None: it is not known, or has none), and the place of the reference."""

    id: ResourceId
    address: str | None
    port: int | None
    place: str


@dataclass(frozen=True, slots=True)
class Put(Write):
    """PUT the resource with its references as a direction wants them."""

    direction: Direction


@dataclass(frozen=True, slots=True)
class OneWrite(ABC):
    """A switch of one resource's references; a method says where they stand (`refers`) and how they are sent
    (`referring`). `reached`: what callers reach, production's first. `line` is the command line that states the goal,
    `back` those that state what was before.
    """

    resource: ResourceId
    moves: tuple[Move, ...]
    reached: tuple[Reached, ...]
    line: str
    back: tuple[str, ...]

    NAME: ClassVar[str]
    STRATEGY: ClassVar[str]

    @abstractmethod
    def refers(self, body: Mapping[str, Any]) -> Mapping[str, str]:
        """The id that each reference of a body has, by its place."""

    @abstractmethod
    def referring(self, body: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
        """The body to PUT, with these references changed, by their places, and nothing else."""

    @property
    def store(self) -> None:
        """There is no journal."""
        return None

    @property
    def endpoints(self) -> tuple[ResourceId, ...]:
        """The addresses."""
        return tuple(one.id for one in self.reached)

    @property
    def resources(self) -> tuple[ResourceId, ...]:
        """The one resource."""
        return (self.resource,)

    @property
    def recover_command(self) -> str:
        """The same line again."""
        return self.line

    def strategy(self, way: None) -> str:
        """The contract's word for it."""
        return self.STRATEGY

    def reads(self, gone: frozenset[ResourceId]) -> tuple[Request, ...]:
        """One."""
        return (Request.get(self.resource),)

    def observe(self, answers: tuple[Response | None, ...]) -> Shown:
        """The resource."""
        answer = answers[0] if answers else None
        if answer is None:
            raise ProtocolError("ARM did not show what was asked for.")
        shown = Shown.read(answer.body)
        if shown.id != self.resource:
            raise ProtocolError(f"GET {self.resource}: ARM answered with another resource, {shown.id}.")
        readable(self.refers)(shown.body)
        return shown

    def refreshed(self, observed: Shown, answer: Response) -> Shown:
        """The resource."""
        return self.observe((answer,))

    def at(self, observed: Shown, direction: Direction) -> bool:
        """Whether every moved reference is as a direction wants it."""
        found = self.refers(observed.body)
        return all(same_id(found.get(place), id) for place, id in self._wanted(direction).items())

    def next_step(self, observed: Shown, direction: Direction, way: None) -> Step:
        """Wait for an operation that runs; write, where anything is not as it should be, or the resource is broken."""
        if in_motion(observed.state):
            return Wait(self.resource, f"it is {observed.state}")
        found = self.refers(observed.body)
        for move in self.moves:
            held = found.get(move.place)
            if not same_id(held, move.before) and not same_id(held, move.after):
                leads = f"leads to {held or 'none'}, which is neither the old one nor the new one"
                return Refuse(self.resource, f"{move.place} {leads}.")
        if observed.state in BROKEN or not self.at(observed, direction):
            return Put(direction)
        return Done()

    def subject(self, step: Step) -> ResourceId:
        """The one resource."""
        return self.resource

    def perform(self, step: Step, observed: Shown) -> Perform:
        """The PUT of the whole resource, if it still is as it was read."""
        if not isinstance(step, Put):
            raise ProtocolError(f"There is no write for {step}.")
        again = self.at(observed, step.direction)
        name = "repair" if again else ("flip" if step.direction is Direction.EXCHANGED else "flip_back")
        why = f"{self.resource.name} is {observed.state}" if again else self.told(step.direction)
        body = self.referring(observed.body, self._wanted(step.direction))
        request = Request.put(self.resource, body, etag=observed.etag)
        attaches = () if again else self.endpoints
        return Perform(why, step, name, self.resource, request, attaches=attaches, writes=frozenset(self.resources))

    def trial(self, step: Step, observed: Shown, written: frozenset[ResourceId]) -> None:
        """Nothing is taken off, so nothing is tried before."""
        return

    def predict(self, step: Step, observed: Shown) -> Shown:
        """The observation after a step that succeeded."""
        if not isinstance(step, Put):
            return observed
        body = self.referring(observed.body, self._wanted(step.direction))
        return Shown(observed.id, observed.etag, SUCCEEDED, body)

    def works(self, observed: Shown, endpoint: ResourceId) -> bool:
        """No address is ever taken off."""
        return True

    def detached(self, observed: Shown, endpoint: ResourceId) -> bool:
        """No address is ever taken off."""
        return False

    def sends_early(self, way: Any) -> bool:
        """There is one write."""
        return False

    def shows_within_s(self, step: Step) -> float:
        """An etag guards the write."""
        return 0.0

    def touched(self, first: Shown, observed: Shown) -> frozenset[ResourceId]:
        """The resource, where a moved reference is not as it was."""
        return frozenset() if self.unmoved(first, observed) else frozenset(self.resources)

    def unmoved(self, first: Shown, observed: Shown) -> bool:
        """Whether every moved reference is as it was."""
        before, after = self.refers(first.body), self.refers(observed.body)
        return all(same_id(before.get(move.place), after.get(move.place)) for move in self.moves)

    def fall_back(self, step: Step, observed: Shown, way: None) -> None:
        """There is no other way."""
        return

    def arrived(self, observed: Shown, direction: Direction) -> bool:
        """Whether a direction's references are held: a model that is not Succeeded says nothing of the traffic."""
        return observed.state == SUCCEEDED and self.at(observed, direction)

    def unopened(self, observed: Shown) -> bool:
        """Whether production is as it was at first."""
        return self.at(observed, Direction.ORIGINAL)

    def missing(self, error: VipswapError) -> frozenset[ResourceId]:
        """Nothing can be done without the resource."""
        return frozenset()

    def health(self, observed: Shown) -> tuple[str, int]:
        """Production's address and port."""
        for first in self.reached[:1]:
            if first.address is not None and first.port is not None:
                return first.address, first.port
        raise Refused("NothingToAsk", f"No TCP port of {self.resource} is known.", hint="Omit --health.")

    def where(self, observed: Shown) -> str:
        """One sentence on what leads where."""
        found = self.refers(observed.body)
        leads = "; ".join(f"{move.place} leads to {_name(found.get(move.place))}" for move in self.moves)
        return f"{leads}; {self.resource.name} is {observed.state.capitalize()}."

    def told(self, direction: Direction) -> str:
        """What a direction makes of the references, in words."""
        return ", ".join(f"{place} leads to {_name(id)}" for place, id in self._wanted(direction).items())

    def repair_hint(self, error: VipswapError) -> None:
        """The same line again helps."""
        return

    def further(self, first: Shown, last: Shown) -> Mapping[str, Any]:
        """Each rule's old and new reference; and each address, where there are several."""
        before, after = self.refers(first.body), self.refers(last.body)
        rules = [
            {"rule": move.place, "from": before.get(move.place), "to": after.get(move.place)} for move in self.moves
        ]
        several = [self._report(one, first, last).as_json() for one in self.reached]
        return {"rules": rules, **({"addresses": several} if len(several) > 1 else {})}

    def addresses(self, first: Shown, last: Shown, ledger: Ledger) -> Mapping[Side, AddressReport]:
        """Where production's address led at first, and where it leads at last."""
        if not self.reached:
            return {}
        one = self.reached[0]
        return {Side.PRODUCTION: replace(self._report(one, first, last), sent=ledger.moved_at.get(one.id))}

    def setup(self, observed: Shown, policy: Policy) -> dict[str, Any]:
        """All that a run begins with, as JSON."""
        reached = [{**asdict(one), "id": str(one.id)} for one in self.reached]
        moves = [asdict(one) for one in self.moves]
        lines = {"line": self.line, "back": list(self.back)}
        told = {"moves": moves, "reached": reached, **lines, "body": dict(observed.body)}
        return {"resource": str(self.resource), **told, "policy": policy_line(policy)}

    @classmethod
    def state_of(cls, line: Mapping[str, Any]) -> RunState:
        """The state that a run of that line began in. Raises ValueError if the line is none of this method."""
        try:
            reached = tuple(Reached(**{**one, "id": ResourceId.parse(one["id"])}) for one in line["reached"])
            moves = tuple(Move(**one) for one in line["moves"])
            method = cls(ResourceId.parse(line["resource"]), moves, reached, line["line"], tuple(line["back"]))
            policy, now = policy_of(line["policy"]), moment_of(line)
            return begin(method, Shown.read(line["body"]), policy, Direction.EXCHANGED, None, now)
        except (KeyError, TypeError, AttributeError, InvalidResourceId, ProtocolError) as error:
            raise ValueError(f"it does not begin a switch: {error!r}") from error

    def _wanted(self, direction: Direction) -> dict[str, str]:
        exchanged = direction is Direction.EXCHANGED
        return {move.place: move.after if exchanged else move.before for move in self.moves}

    def _report(self, one: Reached, first: Shown, last: Shown) -> AddressReport:
        before, after = (self.refers(shown.body).get(one.place) for shown in (first, last))
        ids = [ResourceId.parse(id) if id else None for id in (before, after)]
        return AddressReport(one.id, one.address, ids[0], ids[1], None)


def _name(id: str | None) -> str:
    return id.rpartition("/")[2] if id else "nothing"
