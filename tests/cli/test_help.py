"""The help: options in groups, examples that are command lines, and the nearest word for a slip."""

from __future__ import annotations

import shlex

import pytest

from vipswap_rest.cli.main import _EXAMPLES, _VERBS, parser
from vipswap_rest.cli.parsing import GROUPS, Parser

VERBS = [name for name, *_ in _VERBS]
# Those whose options are so few that groups would hide them.
UNGROUPED = {"demo", "schema", "replay", "login-info"}


def verb(name: str) -> Parser:
    (action,) = [one for one in parser(name)._actions if hasattr(one, "choices") and one.choices]
    found: Parser = action.choices[name]  # type: ignore[index,call-overload]
    return found


@pytest.mark.parametrize("name", sorted(set(VERBS) - UNGROUPED))
def test_every_option_stands_in_a_group(name: str) -> None:
    for group in verb(name)._action_groups:
        loose = [option for action in group._group_actions for option in action.option_strings]
        if group.title not in GROUPS:
            assert set(loose) <= {"-h", "--help", "--resume", "--rollback"}, name


@pytest.mark.parametrize("name", VERBS)
def test_each_help_ends_with_examples_that_are_command_lines(name: str) -> None:
    shown = verb(name).format_help()

    lines = _EXAMPLES[name]
    assert 2 <= len(lines) <= 3
    for line in lines:
        assert shown.rstrip().endswith(lines[-1])
        words = shlex.split(line.partition(" > ")[0])
        assert words[:2] == ["vipswap", name]
        parser(name).parse_args(words[1:])


@pytest.mark.parametrize(
    ("line", "nearest"),
    [
        (["swp"], "swap"),
        (["experimnt"], "experiment"),
        (["swap", "--lb1", "a", "--lb2", "b", "--max-outtage", "3"], "--max-outage"),
        (["swap", "--lb1", "a", "--lb2", "b", "--no-probee"], "--no-probe"),
        (["swap", "--lb1", "a", "--lb2", "b", "--strategy", "nativ"], "native"),
        (["recover", "--rolback"], "--rollback"),
    ],
    ids=str,
)
def test_a_slip_gets_the_nearest_word(line: list[str], nearest: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser(line[0]).parse_args(line)

    assert ended.value.code == 2
    assert f"did you mean {nearest}?" in capsys.readouterr().err


def test_what_is_like_nothing_gets_no_word(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser("swap").parse_args(["zzzzzzzz"])

    assert "did you mean" not in capsys.readouterr().err
