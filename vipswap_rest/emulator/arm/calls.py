"""One call to ARM as the resource types' handlers see it, and what they reply."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..messages import Json, Request, decode
from . import errors
from .extensions import Extension
from .operations import Operation
from .paths import Path
from .shapes import without_nulls

_JSON = re.compile(r"(application|text)/([!-.0-~]+\+)?json", re.IGNORECASE)


@dataclass(frozen=True)
class Call:
    """A request with its path taken apart. `now`: seconds of the clock; `ticks`: the time of day in 100 ns."""

    request: Request
    path: Path
    now: float
    ticks: int

    @property
    def api_version(self) -> str:
        """The api-version, whichever it is: all are accepted."""
        return self.request.query.get("api-version", "")

    def content(self) -> Json:
        """The body as a JSON object, without nulls. Raises ArmError 400, and 415 for another media type."""
        media = self.request.headers.get("content-type", "")
        if media and not _JSON.fullmatch(media.partition(";")[0].strip()):
            raise errors.media_type(media)
        try:
            value = decode(self.request.body)
        except ValueError as error:
            raise errors.content_invalid(str(error)) from error
        if not isinstance(value, dict):
            raise errors.content_invalid("The body must be a JSON object")
        value = without_nulls(value)
        assert isinstance(value, dict)
        return value


@dataclass(frozen=True)
class ExtensionCall(Call):
    """A call about an extension of another resource: a lock, or permissions."""

    extension: Extension


@dataclass(frozen=True)
class Reply:
    """What a handler replies; answers.py makes an Answer of it.

    With an operation go its headers: `status_url` for Azure-AsyncOperation, `result_url` for Location, `pause` for
    Retry-After, which is the poll's own where the call is one (`polled`). `notified`: whether ARM could notify of the
    end, where that is not as `status_url` says. `by_gateway`: no provider was asked. `null`: the body is JSON's null.
    """

    status: int
    body: Json | None = None
    operation: Operation | None = None
    status_url: bool = True
    result_url: bool = False
    pause: bool = False
    polled: bool = False
    notified: bool | None = None
    etag: bool = False
    by_gateway: bool = False
    null: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


def accepted(operation: Operation) -> Reply:
    """The answer to a DELETE or an action: recorded, an empty 202 with both URLs and Retry-After."""
    return Reply(202, None, operation, result_url=True, pause=True)
