"""The plan of an experiment: balanced, shuffled by a seed, and what comes next whatever has happened."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vipswap_rest.arm.errors import UsageError
from vipswap_rest.measure.experiment.design import VIP, Attempt, Cell, Design, Way, design_of, family_of

DESIGNS = st.builds(
    Design,
    st.sampled_from([("float",), ("native",), ("float", "native"), ("native", "float")]),
    st.integers(1, 30).map(lambda half: 2 * half),
    st.integers(0, 2**40),
)
# What Python's generator has given since 3.2; another order would not match the experiments that lie on disks.
ORDER_OF_SEED_1 = [
    ("native", "there"),
    ("native", "back"),
    ("float", "there"),
    ("float", "back"),
    ("float", "there"),
    ("native", "back"),
    ("native", "there"),
    ("float", "back"),
]


@given(DESIGNS)
@settings(derandomize=True, deadline=None)
def test_each_block_has_each_strategy_once_there_and_once_back(design: Design) -> None:
    blocks = range(1, design.trials // 2 + 1)
    wanted = {Cell(block, strategy, way) for block in blocks for strategy in design.strategies for way in Way}

    assert Counter(design.cells()) == Counter(wanted)


@given(DESIGNS)
@settings(derandomize=True, deadline=None)
def test_there_and_back_take_turns_and_blocks_follow_one_another(design: Design) -> None:
    cells = design.cells()

    assert [cell.way for cell in cells] == [Way.THERE, Way.BACK] * (len(cells) // 2)
    assert [cell.block for cell in cells] == sorted(cell.block for cell in cells)


KNOWN = ("float", "native")


def test_the_same_seed_gives_the_same_order_and_another_one_another() -> None:
    first, again, other = (Design(("float", "native"), 20, seed).cells() for seed in (7, 7, 8))

    assert first == again
    assert first != other


def test_the_order_is_that_of_the_manifests_seed_in_every_version_of_python() -> None:
    cells = Design(("float", "native"), 4, 1).cells()

    assert [(cell.strategy, cell.way.value) for cell in cells] == ORDER_OF_SEED_1


def test_over_many_blocks_each_strategy_comes_first_about_as_often() -> None:
    cells = Design(("float", "native"), 1000, 3).cells()
    for way in Way:
        first = {cell.block: cell.strategy for cell in reversed(cells) if cell.way is way}

        assert 200 < Counter(first.values())["native"] < 300


@given(DESIGNS, st.lists(st.booleans(), max_size=200))
@settings(derandomize=True, deadline=None)
def test_whatever_was_invalid_is_repeated_after_all_else_until_each_cell_is_valid(
    design: Design, luck: list[bool]
) -> None:
    attempts: list[Attempt] = []
    position, coins = Way.THERE, iter(luck)
    while (cell := design.upcoming(attempts, {VIP: position})) is not None:
        attempts.append(Attempt(cell, next(coins, True)))
        position = cell.way.other

    plan = design.cells()
    assert tuple(attempt.cell for attempt in attempts[: len(plan)]) == plan
    assert Counter(attempt.cell for attempt in attempts if attempt.valid) == Counter(plan)


def test_among_what_is_repeated_that_comes_first_which_needs_no_swap_in_between() -> None:
    design = Design(("float",), 2, 0)
    there, back = design.cells()
    attempts = [Attempt(there, False), Attempt(back, False)]

    assert design.upcoming(attempts, {VIP: Way.BACK}) == back
    assert design.upcoming(attempts, {VIP: Way.THERE}) == there
    assert design.upcoming([*attempts, Attempt(back, True)], {VIP: Way.BACK}) == there


@pytest.mark.parametrize("trials", [2, 8])
def test_too_few_trials_are_refused_and_done_if_insisted_on(trials: int) -> None:
    with pytest.raises(UsageError, match="at least 10") as refused:
        design_of("float,native", trials, 1, known=KNOWN)

    assert "--allow-few" in refused.value.hint
    assert design_of("float,native", trials, 1, allow_few=True, known=KNOWN).trials == trials


@pytest.mark.parametrize("trials", [-2, 0, 11, 1002])
def test_a_number_that_does_not_halve_or_is_out_of_range_is_refused(trials: int) -> None:
    with pytest.raises(UsageError, match="even number"):
        design_of("float,native", trials, 1, allow_few=True, known=KNOWN)


@pytest.mark.parametrize(
    ("strategies", "said"),
    [("", "'' is not a strategy"), ("float,", "not a strategy"), ("fleet", "'fleet'"), ("float,float", "twice")],
)
def test_strategies_that_are_none_are_refused(strategies: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        design_of(strategies, 20, 1, known=KNOWN)


def test_one_strategy_alone_and_spaces_are_fine() -> None:
    assert design_of("float", 10, 1, known=KNOWN).strategies == ("float",)
    assert design_of("native, float", 10, 1, known=KNOWN).strategies == ("native", "float")


def test_a_seed_is_no_negative_number() -> None:
    with pytest.raises(UsageError, match="--seed"):
        design_of("float", 10, -1, known=KNOWN)


def test_each_family_takes_its_own_turns_and_lies_at_home_between_them() -> None:
    design = Design(("float", "pool", "native", "gateway"), 6, 11)

    assert design.families == (VIP, "pool", "gateway")
    away: set[str] = set()
    for cell in design.cells():
        family = family_of(cell.strategy)
        assert (family in away) is (cell.way is Way.BACK)
        assert away <= {family}
        away ^= {family}
    for name in design.strategies:
        assert sum(cell.strategy == name for cell in design.cells()) == 6


def test_one_family_is_ordered_as_it_was_before_there_were_others() -> None:
    cells = Design(("float", "native"), 10, 7).cells()

    assert [(cell.strategy, cell.way.value) for cell in cells][:4] == [
        ("float", "there"),
        ("native", "back"),
        ("native", "there"),
        ("float", "back"),
    ]
