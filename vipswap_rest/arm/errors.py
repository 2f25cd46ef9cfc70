"""Everything that can go wrong, with the exit code it leads to.

VipswapError                      1
  UsageError                      2   the command line, a name, an endpoint
  CredentialError                 1   no credentials, or refused ones
  TransportError                  1   no answer: the connection failed
    UntrustedServer                   TLS failed: not sent
    AnswerLost                        sent, but the answer never came: it may have been done
  ProtocolError                   1   an answer that is not ARM's
    Redirected                        not done
    ForeignUrl                        nothing was sent there
  ArmError                        1   ARM said no; by status:
    BadRequest           400
    Unauthorized         401
    Forbidden            403
    NotFound             404      3
    Conflict             409
    PreconditionFailed   412
    Throttled            429
    ServerFault          5xx
  OperationError                  1   a long-running operation ended badly; carries it
    OperationFailed
    OperationCanceled                 superseded by another writer, as a rule
    OperationTimedOut                 still running at our deadline
    OperationUnreadable               how it goes could not be read
  Refused                         4   preflight says no; nothing was written
  LockHeld                        7   another run holds this pair, or left it behind
  RunFailed                 1, 5, 6   the swap stopped; says what state things are in
  Interrupted                   130   a signal
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from vipswap_rest.arm.hints import hint_for
from vipswap_rest.arm.presentable import presentable
from vipswap_rest.arm.refusals import Kind, kind_of

# What an id is made of; nothing else is shown as one.
REQUEST_ID = re.compile(r"[\w.:,{}-]{1,200}")


@dataclass(frozen=True, slots=True)
class RequestIds:
    """What to quote to Microsoft's support of a request: ARM's id for it, ours for it, and the one of the whole run.

    https://learn.microsoft.com/azure/azure-resource-manager/management/resource-manager-request-limits has the headers:
    x-ms-request-id, x-ms-client-request-id, x-ms-correlation-request-id.
    """

    request: str | None = None
    client_request: str | None = None
    correlation: str | None = None

    def __str__(self) -> str:
        named = {
            "request id": self.request,
            "client request id": self.client_request,
            "correlation id": self.correlation,
        }
        told = [f"{name} {text}" for name, text in named.items() if text and REQUEST_ID.fullmatch(text)]
        return f"[{', '.join(told)}]" if told else ""


_SHOWN_IDS = re.compile(r" ?(\[(?:client |correlation )?(?:request )?id [^\]]*\])")


def without_ids(told: str) -> tuple[str, tuple[str, ...]]:
    """An error's words without the ids of requests in them, and these ids, each once, in their order."""
    return _SHOWN_IDS.sub("", told), tuple(dict.fromkeys(_SHOWN_IDS.findall(told)))


class VipswapError(Exception):
    """The root: a sentence for the user, what to do next (`hint`), the exit code, and the ids of the request that it is
    about, if it is about one.

    `operation_url` is that of the operation that was being waited for, if there was one. It is signed: never print it.
    """

    exit_code = 1
    operation_url: str | None = None
    ids = RequestIds()
    # Of the answer that it is about, if there was one: its HTTP status, and the seconds that its Retry-After asks for.
    status: int | None = None
    retry_after: float | None = None

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = presentable(message)
        super().__init__(self.message)
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.ids}".rstrip()

    def advised(self, more: str) -> VipswapError:
        """The same error with more in its hint; this one stays as it is."""
        error = type(self).__new__(type(self))
        Exception.__init__(error, *self.args)
        error.__dict__.update(self.__dict__, hint=self.hint + more)
        return error

    @property
    def codes(self) -> frozenset[str]:
        """What `refusals.meaning` looks up: ARM's codes where it gave some, else the name of the error's class."""
        return frozenset({type(self).__name__})

    def as_json(self) -> dict[str, Any]:
        """The `error` object of the JSON output: code, message, status, request_id, hint."""
        return {
            "code": type(self).__name__,
            "message": VipswapError.__str__(self),
            "status": None,
            "request_id": None,
            "hint": self.hint or None,
        }


class UsageError(VipswapError):
    """The command line asks for something that cannot be: exit 2."""

    exit_code = 2


class CredentialError(VipswapError):
    """There are no credentials, or the token service refused them."""


class TransportError(VipswapError):
    """No answer came. The request certainly was not done, unless it is an AnswerLost."""


class UntrustedServer(TransportError):
    """The server's TLS certificate is not trusted, or there is no TLS to be had of it. The request was not sent."""


class AnswerLost(TransportError):
    """The request was sent and its answer never came whole: it may have been done, so look before sending again."""


class ProtocolError(VipswapError):
    """An answer that ARM would not give: no JSON, a redirect, an operation on another host."""


class Redirected(ProtocolError):
    """A redirect, which is not followed. The request was not done."""


class ForeignUrl(ProtocolError):
    """ARM named a URL on another host, and nothing was sent there: somebody may be rewriting its answers."""


@dataclass(frozen=True, slots=True)
class Detail:
    """One error within an ARM error, or one entry of its additional information."""

    code: str
    message: str

    def __str__(self) -> str:
        return f"({': '.join(presentable(text) for text in (self.code, self.message) if text)})"


def _hint(status: int | None, code: str, message: str, details: Sequence[Detail]) -> str:
    codes = (*(detail.code for detail in details), code)
    return hint_for(status, *codes, text=" ".join([message, *(detail.message for detail in details)]))


class ArmError(VipswapError):
    """ARM refused a request: its code, message and details, the HTTP status, and the ids to quote to support."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int,
        method: str = "",
        resource: str = "",
        details: Sequence[Detail] = (),
        request_id: str | None = None,
        client_request_id: str | None = None,
        correlation_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint=_hint(status, code, message, details))
        self.code = presentable(code)
        self.status = status
        self.method = method
        self.resource = resource
        self.details = tuple(details)
        self.request_id = request_id
        self.correlation_id = correlation_id
        self.ids = RequestIds(request_id, client_request_id, correlation_id)
        self.retry_after = retry_after

    @property
    def codes(self) -> frozenset[str]:
        """The error's code and those of its details: Network puts the telling one into the details."""
        return frozenset({self.code, *(detail.code for detail in self.details)})

    def __str__(self) -> str:
        parts = [f"{self.method} {self.resource}: {self.status} {self.code}: {self.message}".strip()]
        parts += map(str, self.details)
        parts.append(str(self.ids))
        return " ".join(parts).rstrip()

    def as_json(self) -> dict[str, Any]:
        """The `error` object of the JSON output."""
        return {
            "code": self.code,
            "message": str(self),
            "status": self.status,
            "request_id": self.request_id,
            "hint": self.hint or None,
        }


class BadRequest(ArmError):
    """400: the request is refused as it stands, synchronously, and nothing changed."""


class Unauthorized(ArmError):
    """401: the token is missing, expired, or of another tenant."""


class Forbidden(ArmError):
    """403: the identity lacks a permission."""


class NotFound(ArmError):
    """404: the resource, its group or the subscription is not there (or not visible)."""

    exit_code = 3


class Conflict(ArmError):
    """409: a lock, or another operation in progress."""


class PreconditionFailed(ArmError):
    """412: the resource changed since it was read."""


class Throttled(ArmError):
    """429: too many requests, or a dependency is busy."""


class ServerFault(ArmError):
    """5xx: ARM or the provider failed; the change may or may not have been made."""


_BY_STATUS: dict[int, type[ArmError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: PreconditionFailed,
    429: Throttled,
}


def arm_error_class(status: int, codes: Collection[str] = ()) -> type[ArmError]:
    """The class of ARM error that an HTTP status stands for, with the error's codes."""
    if status >= 500:
        return ServerFault
    if status == 404 and kind_of(status, codes) is not Kind.MISSING:
        # The api-version is unknown, which says nothing of whether the resource is there.
        return ArmError
    return _BY_STATUS.get(status, ArmError)


class OperationError(VipswapError):
    """A long-running operation did not succeed, or we do not know.

    `status` is that of the answer that could not be read, if there was one.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        resource: str,
        operation_url: str,
        request_id: str | None = None,
        client_request_id: str | None = None,
        correlation_id: str | None = None,
        details: Sequence[Detail] = (),
        hint: str = "",
        status: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint or _hint(status, code, message, details))
        self.code = presentable(code)
        self.status = status
        self.resource = resource
        self.operation_url = operation_url
        self.request_id = request_id
        self.ids = RequestIds(request_id, client_request_id, correlation_id)
        self.details = tuple(details)

    @property
    def codes(self) -> frozenset[str]:
        """The operation's code, those of its details, and how it ended."""
        return frozenset({self.code, *(detail.code for detail in self.details), type(self).__name__})

    def __str__(self) -> str:
        parts = [f"{self.resource}: {self.code}: {self.message}"]
        parts += map(str, self.details)
        if str(self.ids) not in self.message:
            parts.append(str(self.ids))
        return " ".join(parts)

    def as_json(self) -> dict[str, Any]:
        """The `error` object of the JSON output."""
        told = {"code": self.code, "message": str(self), "status": self.status, "request_id": self.request_id}
        return super().as_json() | told


class OperationFailed(OperationError):
    """The operation, or the resource it was about, ended Failed."""


class OperationCanceled(OperationError):
    """The operation ended Canceled: as a rule another write superseded it."""


class OperationTimedOut(OperationError):
    """The operation was still running at our deadline; it may yet end either way."""


class OperationUnreadable(OperationError):
    """The state of the operation could not be read; it may yet end, or have ended, either way: look at the resource."""


class Refused(VipswapError):
    """Preflight refuses the swap and nothing was written: exit 4. `code` is the finding's."""

    exit_code = 4

    def __init__(self, code: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def as_json(self) -> dict[str, Any]:
        """The `error` object of the JSON output."""
        return super().as_json() | {"code": self.code}


class LockHeld(VipswapError):
    """Another run holds this pair of load balancers, or left it behind: exit 7."""

    exit_code = 7


class RunFailed(VipswapError):
    """A swap that had begun has stopped. `exit_code` is 1, 5 or 6 by what it left behind; `cause` says why."""

    def __init__(self, message: str, *, exit_code: int, cause: VipswapError, hint: str = "") -> None:
        super().__init__(message, hint=hint or cause.hint)
        self.exit_code = exit_code
        self.cause = cause

    def as_json(self) -> dict[str, Any]:
        """The cause's error object, with the state it left and what to do about it."""
        return self.cause.as_json() | {"message": self.message, "hint": self.hint or None}


class Interrupted(VipswapError):
    """A signal ended the run: exit 130."""

    exit_code = 130
