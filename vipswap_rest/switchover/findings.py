"""What a preflight finds, whatever is switched: a finding, its severity, and how an error among them refuses. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from vipswap_rest.arm.errors import Refused, UsageError
from vipswap_rest.arm.words import word_key


class Severity(str, Enum):
    """An error refuses the switch; a warning is shown; information is for those who ask (`plan`)."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing preflight found: a stable code, a sentence, and what to do about it."""

    code: str
    severity: Severity
    message: str
    remedy: str

    def as_json(self) -> dict[str, Any]:
        """One item of the output's `findings`."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "message": self.message,
            "remedy": self.remedy,
        }

    @classmethod
    def of(cls, error: Refused) -> Finding:
        """A refusal as the finding it is."""
        return cls(error.code, Severity.ERROR, error.message, error.hint)


def refuse(findings: list[Finding]) -> None:
    """Raise Refused with the first error among the findings, if there is one; a plan shows them all."""
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        first, others = errors[0], [finding.code for finding in errors[1:]]
        also = f" (There is more: {', '.join(others)}; the plan shows it.)" if others else ""
        raise Refused(first.code, first.message + also, hint=first.remedy)


def forbids(findings: Iterable[Finding]) -> bool:
    """Whether there is an error among the findings."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, errors first."""
    order = list(Severity)
    return sorted(findings, key=lambda finding: order.index(finding.severity))


def checked_codes(given: Iterable[str], known: Collection[str], offered: Iterable[str]) -> frozenset[str]:
    """The codes of `--ignore` as `known` spells them; any case will do. Raises UsageError for an unknown one, and
    names those that are `offered`."""
    spelled = {word_key(code): code for code in known}
    codes = list(given)
    unknown = [code for code in codes if word_key(code) not in spelled]
    if unknown:
        raise UsageError(
            f"There is no finding {unknown[0]!r} to ignore.",
            hint=f"The errors that can be ignored are: {', '.join(offered)}.",
        )
    return frozenset(spelled[word_key(code)] for code in codes)


def overridden(finding: Finding, ignored: Collection[str], structural: Collection[str]) -> Finding:
    """The finding, and if it is an error that is to be ignored, and can be, as a warning."""
    if finding.severity is Severity.ERROR and finding.code in ignored and finding.code not in structural:
        return replace(finding, severity=Severity.WARNING, message=f"{finding.message} (ignored, as asked)")
    return finding


def error(code: str, message: str, remedy: str) -> Finding:
    """A finding that refuses."""
    return Finding(code, Severity.ERROR, message, remedy)


def warning(code: str, message: str, remedy: str) -> Finding:
    """A finding that is shown."""
    return Finding(code, Severity.WARNING, message, remedy)


def information(code: str, message: str, remedy: str) -> Finding:
    """A finding for those who ask."""
    return Finding(code, Severity.INFORMATION, message, remedy)
