"""The float as the engine's journal and lock: what is sent to create, read, take over, mark and delete it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from vipswap_rest.arm.errors import LockHeld, Refused, VipswapError
from vipswap_rest.arm.http import Response
from vipswap_rest.arm.ids import ResourceId, subscription_scope
from vipswap_rest.arm.network import PUBLIC_IP, list_path
from vipswap_rest.methods.vip_swap import conflicts
from vipswap_rest.methods.vip_swap import journal as journals
from vipswap_rest.methods.vip_swap.float_tags import float_tag_hint, with_float_tags
from vipswap_rest.methods.vip_swap.journal import Journal
from vipswap_rest.methods.vip_swap.model import Observed, PublicIp
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.switchover.actions import Request


@dataclass(frozen=True, slots=True)
class FloatStore:
    """The journal of one run (`ours`), the earlier one that it takes over (`found`), if there is one, and the tags that
    the user puts on the float beside it (`given`)."""

    ours: Journal
    found: Journal | None = None
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> ResourceId:
        """The float."""
        return self.ours.pair.float

    @property
    def noun(self) -> str:
        """What it is called."""
        return "float"

    @property
    def taken_over(self) -> bool:
        """Whether an earlier run's journal lies in it."""
        return self.found is not None

    @property
    def dead_for_s(self) -> float:
        """What a dead client sent is under way no longer than it would have waited for the answer; seconds."""
        return float(self.found.request_timeout_s) if self.found is not None and not self.found.done else 0.0

    def exists(self, observed: Observed) -> bool:
        """Whether it was seen."""
        return observed.float is not None

    def holder(self, observed: Observed) -> str | None:
        """The ipConfiguration that holds it."""
        return observed.float.holder if observed.float else None

    def placed(self, observed: Observed, answer: Response | None) -> Observed:
        """The observation with the float as it was just read."""
        return replace(observed, float=PublicIp.read(answer.body) if answer else None)

    def read(self) -> Request:
        """GET it. A resource group that is not there holds no float either."""
        return Request.get(self.id, may_be_missing=True)

    def claim(self, observed: Observed, way: Opening) -> Request:
        """PUT it where it must not exist yet: a provider that honours the header answers 412 where it does."""
        body = journals.float_body(observed.addresses[way.first], with_float_tags(self.ours.tags(), self.given))
        return Request("PUT", str(self.id), body, {"If-None-Match": "*"})

    def check_claimed(self, answer: Response) -> None:
        """A provider may ignore If-None-Match, and then answers 200 instead of 201."""
        if answer.status != 201:
            raise self.lost("was just created by another run")

    def refusal_hint(self, error: VipswapError) -> str:
        """What to add to the hint of a refusal of the float: the tags that a policy asks for."""
        return float_tag_hint(error.codes, str(error))

    def release(self) -> Request:
        """DELETE it."""
        return Request("DELETE", str(self.id))

    def keep(self, observed: Observed) -> Request:
        """PATCH its tags: it is no lock any more, and the next swap adopts it."""
        tags = replace(self.ours, done=True).tags()
        kept = journals.with_tags(observed.float, tags)["tags"] if observed.float else tags
        return Request("PATCH", str(self.id), {"tags": kept})

    def take_over(self, observed: Observed) -> Request:
        """PUT our journal over the earlier one, if it still is as it was read."""
        public_ip = observed.float
        if public_ip is None:
            raise self.lost("is gone: another run finished in our place")
        if self.found is not None and self.found.done and public_ip.holder is not None:
            raise VipswapError(
                f"The float {public_ip.id}, left by an earlier swap, is held by {public_ip.holder} now.",
                hint="Take that address off there, or give it another one, and delete the float.",
            )
        body = journals.with_tags(public_ip, self.ours.tags())
        body["tags"] = with_float_tags(body["tags"], self.given)
        return Request.put(self.id, body, etag=public_ip.etag)

    def check_ours(self, observed: Observed) -> None:
        """Raise LockHeld unless it has our run id, or (a late read) the id of the run that we took it over from."""
        if observed.float is not None:
            found = journals.read(observed.float)
            if found.run != self.ours.run and found != self.found:
                raise self.lost(f"was taken over by another run ({found.run})")

    def is_ours(self, observed: Observed) -> bool:
        """Whether it has our run id."""
        return self._run(observed) == self.ours.run

    def is_earlier(self, observed: Observed) -> bool:
        """Whether it still has the earlier run's id."""
        return self.found is not None and self._run(observed) == self.found.run

    def is_done(self, observed: Observed) -> bool:
        """Whether its tags, which may be damaged, say that the swap is over."""
        return observed.float is not None and journals.says_done(observed.float)

    def lost(self, what: str) -> LockHeld:
        """The error of a run that finds the float in other hands."""
        return LockHeld(
            f"The float {self.id} {what}; this run changes nothing more.",
            hint="Let the other run end, then run vipswap status.",
        )

    def overlap_lists(self, *, narrow: bool) -> tuple[Request, ...]:
        """All public IP addresses of the subscription, or of the pair's resource groups."""
        scopes = conflicts.groups_of(self.ours.pair) if narrow else [subscription_scope(self.id.subscription)]
        return tuple(Request("GET", list_path(scope, PUBLIC_IP), listing=True) for scope in scopes)

    def overlap_reads(self, lists: tuple[Response | None, ...]) -> tuple[Request, ...]:
        """The floats of other pairs in the lists, each by its name."""
        listed = [body for answer in lists if answer for body in answer.body["value"]]
        return tuple(Request.get(id, may_be_missing=True) for id in conflicts.other_floats(listed, self.id))

    def must_yield(self, journals: tuple[Response | None, ...], *, late: bool) -> LockHeld | None:
        """Whether this run gives way to one of those floats' runs."""
        return conflicts.must_yield(self._overlapping(journals), self.ours.pair, late=late)

    def overlapping(self, journals: tuple[Response | None, ...]) -> bool:
        """Whether any of those floats is of an open swap with a load balancer of this pair."""
        return bool(self._overlapping(journals))

    def _overlapping(self, answers: tuple[Response | None, ...]) -> list[tuple[Journal, PublicIp]]:
        floats = [PublicIp.read(answer.body) for answer in answers if answer]
        return conflicts.overlapping(floats, self.ours.pair)

    def _run(self, observed: Observed) -> str | None:
        try:
            return journals.read(observed.float).run if observed.float else None
        except Refused:
            return None
