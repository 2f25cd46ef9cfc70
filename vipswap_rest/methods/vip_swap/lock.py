"""Taking, keeping and giving back the float that is a swap's lock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from vipswap_rest.arm import ArmClient, Started
from vipswap_rest.errors import ArmError, LockHeld, OperationError, PreconditionFailed, TransportError
from vipswap_rest.network import claim_public_ip, tag_public_ip, update_public_ip
from vipswap_rest.refusals import Kind, meaning
from vipswap_rest.methods.vip_swap import journal as journals
from vipswap_rest.methods.vip_swap.float_tags import with_float_tags
from vipswap_rest.methods.vip_swap.journal import Journal
from vipswap_rest.methods.vip_swap.model import PublicIp
from vipswap_rest.methods.vip_swap.observe import read_float

# How often it is tried to take a float over, and the pause between (seconds).
TRIES, BETWEEN_TRIES_S = 3, 0.5
# What may be otherwise the next time.
_PASSING = (Kind.BUSY, Kind.THROTTLED, Kind.CHANGED, Kind.UNKNOWN)


def claim(client: ArmClient, journal: Journal, stands_in_for: PublicIp, given: Mapping[str, str]) -> Started:
    """Begin to create the float with our journal in it, and the tags that the user gave, where there was none.

    Raises PreconditionFailed if there is one (perhaps ours, from a try whose answer was lost: read it), LockHeld if it
    was created over another run's: a provider may ignore If-None-Match, and then answers 200 instead of 201.
    """
    body = journals.float_body(stands_in_for, with_float_tags(journal.tags(), given))
    started = claim_public_ip(client, journal.pair.float, body)
    if started.response.status != 201:
        raise held(journal, "was just created by another run")
    return started


def take_over(client: ArmClient, public_ip: PublicIp, journal: Journal, given: Mapping[str, str]) -> None:
    """Write our journal over the one in a float that is done, or that we may finish; ours if it still was as read.

    It gets the tags that the user gave, and keeps those of others.

    What one lost answer, or another writer's tag, left undone is done again: its run id tells. Raises LockHeld if
    another run took it in between, Refused if its tags are damaged.
    """
    id, before = public_ip.id, journals.read(public_ip).run
    for left in reversed(range(TRIES)):
        body = journals.with_tags(public_ip, journal.tags())
        body["tags"] = with_float_tags(body["tags"], given)
        try:
            client.wait(update_public_ip(client, id, body, etag=public_ip.etag))
            return
        except (ArmError, OperationError, TransportError) as error:
            if isinstance(error, ArmError) and meaning(error) not in _PASSING:
                raise
            found = read_float(client, id)
            run = journals.read(found).run if found else None
            if found and run == journal.run:
                return
            if found is None or run != before or (not left and isinstance(error, PreconditionFailed)):
                raise held(journal, "was just taken by another run") from error
            if not left:
                raise
            public_ip = found
            client.clock.sleep(BETWEEN_TRIES_S)


def check_ours(public_ip: PublicIp, journal: Journal, before: Journal | None = None) -> None:
    """Raise LockHeld unless the float bears our run id: another run may have created it, or taken it over.

    `before` is the journal that we took it over from: a read that still shows that one is late.
    """
    found = journals.read(public_ip)
    if found.run != journal.run and found != before:
        raise held(journal, f"is in the hands of another run ({found.run})")


def mark_done(client: ArmClient, public_ip: PublicIp, journal: Journal) -> None:
    """Tag a float that cannot be deleted as done: it is no lock any more, and the next swap adopts it."""
    tags = journals.with_tags(public_ip, replace(journal, done=True).tags())["tags"]
    client.wait(tag_public_ip(client, public_ip.id, tags))


def held(journal: Journal, what: str) -> LockHeld:
    """The error of a run that finds the float in other hands."""
    return LockHeld(
        f"The float {journal.pair.float} {what}; this run changes nothing more.",
        hint="Let the other run end, then see what it left: vipswap status.",
    )
