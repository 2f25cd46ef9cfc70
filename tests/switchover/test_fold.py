"""The fold under any events whatever: it raises nothing, always has an answer, and comes to an end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.methods.vip_swap.lab import Lab
from vipswap_rest.arm.errors import (
    AnswerLost,
    CredentialError,
    ForeignUrl,
    OperationFailed,
    ProtocolError,
    VipswapError,
    arm_error_class,
)
from vipswap_rest.arm.http import Response
from vipswap_rest.emulator import Settings
from vipswap_rest.methods.vip_swap import begun
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.run import Options
from vipswap_rest.switchover.actions import Finish, Perform, Poll, Read, Sleep, Stop
from vipswap_rest.switchover.after import after
from vipswap_rest.switchover.decide import decide
from vipswap_rest.switchover.events import Answered, Event, Failed, Heard, Moment, Polled, Sent, Signalled, Woke
from vipswap_rest.switchover.outcome import report
from vipswap_rest.switchover.state import RunState
from vipswap_rest.switchover.trail import event_line, event_of

# More actions than any run of patience_s takes: its shortest pause is a tenth of a second, with a few reads between.
ENDLESS = 30_000


@cache
def recorded(opening: Opening) -> tuple[RunState, tuple[Event, ...]]:
    """The state in which a swap begins, and the events of the whole of it."""
    lab = Lab(Settings(latency="blog", time_scale=0.05))
    lab.swap(options=Options(opening=opening))
    return begun.state_of(event_line(lab.recorded[0])), tuple(lab.recorded[1:])


def errors() -> st.SearchStrategy[VipswapError]:
    """An error of every kind that a request may end in."""
    statuses = st.sampled_from([400, 401, 403, 404, 409, 412, 429, 500, 503])
    codes = st.sampled_from(["RetryableError", "PublicIPAddressInUse", "AnotherOperationInProgress", "", "Unknown"])
    refused = st.builds(
        lambda status, code: arm_error_class(status)(code, "No.", status=status, method="PUT", resource="/x"),
        statuses,
        codes,
    )
    others = st.sampled_from(
        [AnswerLost("lost"), CredentialError("no token"), ForeignUrl("elsewhere"), ProtocolError("odd")]
    )
    failed = st.builds(
        lambda code: OperationFailed("It failed.", code=code, resource="/x", operation_url="http://127.0.0.1/o"), codes
    )
    return refused | others | failed


def any_event(pool: tuple[Event, ...], when: Moment) -> st.SearchStrategy[Event]:
    """An event, whether it fits what was sent or not."""
    answers = st.sampled_from([one for one in pool if isinstance(one, (Answered, Polled))])
    odd = Answered(when, (Response(200, {}, [], when.at, when.at), None, Response(200, {}, {}, when.at, when.at)))
    return st.one_of(
        answers.map(lambda event: replace(event, when=when)),
        st.just(odd),
        errors().map(lambda error: Failed(when, error)),
        st.just(Woke(when)),
        st.sampled_from([Heard(when, None), Heard(when, "silent"), Signalled(when, "SIGINT")]),
    )


def later(when: Moment, seconds: float) -> Moment:
    return Moment(when.at + seconds, when.on + timedelta(seconds=seconds))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.sampled_from(Opening))
def test_whatever_happens_there_is_a_next_action_and_a_report(data: st.DataObject, opening: Opening) -> None:
    state, pool = recorded(opening)
    now = state.when
    for _ in range(data.draw(st.integers(1, 60))):
        now = later(now, data.draw(st.sampled_from([0.0, 0.01, 0.5, 5.0, 40.0])))
        action = decide(state, now)
        state = after(state, Sent(now, action))
        told = report(state)
        assert told.exit_code in (0, 1, 4, 5, 6, 7, 8, 130)
        assert told.as_json()["outcome"] == told.outcome.value
        if isinstance(action, Finish):
            break
        now = later(now, data.draw(st.sampled_from([0.0, 0.02, 1.0])))
        state = after(state, data.draw(any_event(pool, now)))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.sampled_from(Opening))
def test_a_run_whose_every_request_fails_comes_to_its_end(data: st.DataObject, opening: Opening) -> None:
    """Before anything is written, and from any place in the middle: within its patience."""
    state, events = recorded(opening)
    for event in events[: data.draw(st.integers(0, len(events) - 1))]:
        state = after(state, event)
    error, now = data.draw(errors()), state.when
    for _ in range(ENDLESS):
        action = decide(state, now)
        state = after(state, Sent(now, action))
        if isinstance(action, Finish):
            break
        if isinstance(action, Sleep):
            now = later(now, max(0.0, action.until - now.at))
            state = after(state, Woke(now))
        elif isinstance(action, (Read, Perform, Poll)):
            now = later(now, 0.01)
            state = after(state, Failed(now, error))
        elif not isinstance(action, Stop):
            now = later(now, 0.01)

    assert state.finished
    # 0 where nothing was left to be asked for.
    assert report(state).exit_code in (0, 1, 5, 6, 7, 8)


@settings(max_examples=30, deadline=None)
@given(st.data(), st.sampled_from(Opening))
def test_a_line_of_an_event_is_read_back_to_the_same_state(data: st.DataObject, opening: Opening) -> None:
    state, events = recorded(opening)
    known = state
    for event in events[: data.draw(st.integers(1, len(events)))]:
        action = event.action if isinstance(event, Sent) else None
        known = after(known, event)
        state = after(state, event_of(event_line(event), action))
        assert event_line(Sent(state.when, decide(state, state.when))) == event_line(
            Sent(known.when, decide(known, known.when))
        )
