"""What the exit codes of the command mean, and what to do after each: the table of the runbook."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExitCode:
    """One exit code: what it means, and the next thing to do."""

    code: int
    meaning: str
    then: str


EXIT_CODES = (
    ExitCode(0, "swapped, or nothing to do", "nothing"),
    ExitCode(
        1,
        "failed, and nothing was changed; missing or refused credentials too",
        "read the message; `vipswap login-info` shows the login; run the same line again",
    ),
    ExitCode(
        2,
        "usage: no verb, an unknown option, an invalid name, several public frontends and none chosen, no terminal to "
        "ask on and no `--yes`, plain http to a host that is not loopback",
        "correct the line as the message says; `vipswap VERB --help`",
    ),
    ExitCode(3, "not found", "check `-g`, the names and `--subscription`"),
    ExitCode(
        4,
        "refused before anything was changed: a finding of preflight, or staging did not answer `--health`",
        "`vipswap plan` shows all findings, each with its remedy",
    ),
    ExitCode(
        5,
        "a load balancer was written, the swap failed, and everything is as it was before",
        "read the message, remove the cause, run the same line again",
    ),
    ExitCode(
        6,
        "**stopped half-way**: state was changed, and somebody has to finish or undo it",
        "run the `vipswap recover` line that was printed, or `vipswap recover -g GROUP`",
    ),
    ExitCode(
        7,
        "another run holds one of these load balancers, or left it half-way",
        "`vipswap status -g GROUP`; wait for the other run, or recover what it left",
    ),
    ExitCode(
        8,
        "swapped, but production does not answer from its new side, and `--no-rollback` kept it there",
        "repair the new side, or run the swap again, which swaps back",
    ),
    ExitCode(
        9,
        "of a fleet some pairs swapped, others did not or were not begun; none is stranded",
        "run the same line again: it does what is left",
    ),
    ExitCode(
        130,
        "interrupted by a signal",
        "the message tells whether something was changed; then run the `recover` line it prints",
    ),
)
