"""What the table of scripts/conformance says of a suite, by what pytest left behind."""

from __future__ import annotations

import pytest

from tests.conformance.suites import SUITES, Outcome, judge, main, table

PASSED = '<testcase name="a"/>'
FAILED = '<testcase name="b"><failure message="no"/></testcase>'
BROKEN = '<testcase name="c"><error message="no"/></testcase>'
SKIPPED = '<testcase name="d"><skipped type="pytest.skip" message="it is not here"/></testcase>'


def report(*cases: str) -> str:
    return f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>"


@pytest.mark.parametrize(
    ("code", "text", "result", "detail"),
    [
        (0, report(PASSED, PASSED), "passed", "2 passed"),
        (0, report(PASSED, SKIPPED, SKIPPED), "passed", "1 passed, 2 skipped; it is not here"),
        (0, report(SKIPPED), "skipped", "1 skipped; it is not here"),
        (1, report(PASSED, FAILED, BROKEN), "failed", "1 passed, 2 failed"),
        (0, report(FAILED), "failed", "1 failed"),
        (2, report(PASSED), "failed", "1 passed"),
        (5, report(), "failed", "no test"),
        (0, report(), "failed", "no test"),
        (4, None, "failed", "pytest ended with 4 before it ran anything"),
    ],
)
def test_a_suite_is_judged_by_its_tests_and_pytests_exit_code(
    code: int, text: str | None, result: str, detail: str
) -> None:
    assert judge(code, text) == Outcome(result, detail)


def test_the_table_has_one_line_for_each_suite() -> None:
    outcomes = {"a": Outcome("passed", "3 passed", 1.4), "longer": Outcome("skipped", "1 skipped; why", 0.2)}

    assert table(outcomes).splitlines() == [
        "a       passed       1 s  3 passed",
        "longer  skipped      0 s  1 skipped; why",
    ]


def test_a_suite_that_there_is_not_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nonsense"]) == 2
    assert "nonsense" in capsys.readouterr().err


def test_a_suite_whose_tests_are_not_there_has_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(SUITES, "lost", ("tests/conformance/test_nothing_of_that_name.py",))

    assert main(["lost"]) == 1
    assert "test_nothing_of_that_name.py is not there" in capsys.readouterr().out
