"""The instances of scale sets as machines: which model each has, when it is down, and when its load balancer knows.

An instance that is upgraded is down from the beginning of its upgrade to the end. It stays in its pools until the probe
has failed as often as it must, and comes back with the first success after its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..data_plane.desired import Member
from ..messages import Json


@dataclass(frozen=True)
class Model:
    """What of a scale set's model an instance can have: two texts that are equal if the models are.

    An upgrade brings all of it but the custom data, which an instance reads when it is made, or imaged anew.
    """

    profile: str
    custom_data: str = ""


@dataclass
class Instance:
    """One machine. id: as ARM has it; pools: the ids of its backend pools, in lower case; body: what ARM shows of it.

    answers: whether it answers with its own name and model.
    """

    id: str
    scale_set: str
    name: str
    number: str
    model: Model
    pools: frozenset[str]
    body: Json
    answers: bool = False


@dataclass(frozen=True)
class Upgrade:
    """One instance's: times in seconds of the clock, the model that it has afterwards, and the operation's id."""

    instance: str
    start: float
    end: float
    model: Model
    operation: str


@dataclass
class Instances:
    """All instances by id in lower case, and their upgrades, done and to come.

    notice_s: how long the probe takes to see that one is down, and a single probe, by the pool's id in lower case.
    """

    notice_s: dict[str, tuple[float, float]] = field(default_factory=dict)
    _all: dict[str, Instance] = field(default_factory=dict)
    _upgrades: list[Upgrade] = field(default_factory=list)
    _models: dict[str, list[Model]] = field(default_factory=dict)

    def put(self, instance: Instance) -> None:
        """Add or replace an instance."""
        self._all[instance.id.lower()] = instance
        self.number(instance.scale_set, instance.model)

    def get(self, instance: str) -> Instance | None:
        """The instance with this id, or None."""
        return self._all.get(instance.lower())

    def remove(self, instance: str) -> None:
        """Take an instance away, and what was to come of it."""
        self._all.pop(instance.lower(), None)
        self._upgrades = [one for one in self._upgrades if one.instance != instance.lower()]

    def of(self, scale_set: str) -> list[Instance]:
        """The instances of a scale set (its id), in the order in which they were made."""
        return [one for one in self._all.values() if one.scale_set.lower() == scale_set.lower()]

    def number(self, scale_set: str, model: Model) -> int:
        """The number of a model among those that the scale set's instances have had, from 1 on."""
        known = self._models.setdefault(scale_set.lower(), [])
        if model not in known:
            known.append(model)
        return known.index(model) + 1

    def begin(self, upgrades: list[Upgrade]) -> None:
        """Let these upgrades happen."""
        self._upgrades += upgrades

    def cancel(self, operation: str, now: float) -> None:
        """Begin no further upgrade of that operation; what has begun goes on."""
        self._upgrades = [one for one in self._upgrades if one.operation != operation or one.start <= now]

    def fail(self, operation: str) -> None:
        """The operation has failed: no instance has its new model, each is up again."""
        self._upgrades = [one for one in self._upgrades if one.operation != operation]

    def settle(self, now: float) -> None:
        """Give the new model to every instance whose upgrade has ended."""
        for one in sorted((one for one in self._upgrades if one.end <= now), key=lambda one: one.end):
            instance = self._all.get(one.instance)
            if instance is not None:
                instance.model = one.model
                self.number(instance.scale_set, one.model)

    def progress(self, operation: str, now: float) -> tuple[int, int, int]:
        """How many instances of an operation are done, under way, and yet to come."""
        mine = [one for one in self._upgrades if one.operation == operation]
        done = sum(one.end <= now for one in mine)
        coming = sum(one.start > now for one in mine)
        return done, len(mine) - done - coming, coming

    def is_down(self, instance: str, now: float) -> bool:
        """Whether an instance (its id, or one below it) is being upgraded."""
        key = f"{instance.lower()}/"
        return any(key.startswith(f"{one.instance}/") and one.start <= now < one.end for one in self._upgrades)

    def members(self, pool: str, text: str, now: float) -> tuple[Member, ...] | None:
        """Who is in a pool (its id) and believed to be up; None where it has no instances of their own.

        text: what those answer that do not answer with their own name and model.
        """
        mine = [one for one in self._all.values() if pool.lower() in one.pools]
        if not mine:
            return None
        return tuple(self._member(one, text, now) for one in mine if not self._is_out(one, pool, now))

    def _member(self, instance: Instance, text: str, now: float) -> Member:
        number = self.number(instance.scale_set, instance.model)
        told = f"{instance.name} model{number}" if instance.answers else text
        last = self._last(instance, now)
        down = last is not None and last.end > now
        return Member(instance.id, told, down, last.operation if last is not None else None)

    def _last(self, instance: Instance, now: float) -> Upgrade | None:
        """The last upgrade of an instance that has begun."""
        mine = [one for one in self._upgrades if one.instance == instance.id.lower() and one.start <= now]
        return max(mine, key=lambda one: one.start, default=None)

    def _is_out(self, instance: Instance, pool: str, now: float) -> bool:
        """Whether the probe knows that an instance is down, or does not yet know that it is up again."""
        mine = (one for one in self._upgrades if one.instance == instance.id.lower())
        return any(noticed <= now < back for noticed, back in self._absences(pool, mine))

    def _absences(self, pool: str, upgrades: Iterable[Upgrade]) -> Iterator[tuple[float, float]]:
        """From when until when each upgrade keeps its instance out of a pool."""
        notice, probe = self.notice_s.get(pool.lower(), (0.0, 0.0))
        for one in upgrades:
            if one.start + notice < one.end:
                yield one.start + notice, one.end + probe

    def next_change(self, now: float) -> float | None:
        """When the next instance goes down, comes up, or is known to have, in seconds of the clock; None: never."""
        times = [t for one in self._upgrades for t in (one.start, one.end)]
        times += [t for pool in self.notice_s for span in self._absences(pool, self._upgrades) for t in span]
        return min((t for t in times if t > now), default=None)
