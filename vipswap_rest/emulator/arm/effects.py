"""What a fault does to one request and to the operation that it starts; control/faults.py decides which requests."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..messages import JSON, Answer, Json, encode

# The code of an answer whose body the fault does not give: as recorded for these statuses.
_CODES = {
    400: "BadRequest",
    401: "ExpiredAuthenticationToken",
    403: "AuthorizationFailed",
    404: "ResourceNotFound",
    409: "AnotherOperationInProgress",
    412: "PreconditionFailed",
    429: "TooManyRequests",
    503: "ServerTimeout",
}


@dataclass(frozen=True)
class Effect:
    """What happens to one request; several things at once where several faults apply."""

    settings: Json = field(default_factory=dict)
    # The faults behind it.
    faults: tuple[object, ...] = ()

    def seconds(self, name: str) -> float:
        """One of the numbers, 0 where it is not said."""
        return float(self.settings.get(name) or 0.0)

    def on(self, name: str) -> bool:
        """One of the switches."""
        return bool(self.settings.get(name))

    @property
    def failure(self) -> Json | None:
        """The error that the operation ends with, or None."""
        found = self.settings.get("fail_operation")
        if found is None:
            return None
        return {"code": found.get("code", "InternalServerError"), "message": found.get("message", "An error occurred.")}

    @property
    def restores(self) -> bool:
        """Whether a failed operation's model goes back."""
        found = self.settings.get("fail_operation")
        return self.on("restore") or bool(found and found.get("restore"))

    @property
    def changes_operation(self) -> bool:
        """Whether the operation that the request starts is to run otherwise than it would."""
        return self.failure is not None or self.on("cancel_operation") or self.seconds("delay_operation_s") > 0

    def answer(self) -> Answer | None:
        """The answer instead of doing it, or None."""
        status = self.settings.get("status")
        if status is None:
            return None
        body = self.settings.get("body", _error(status) if status >= 400 else None)
        headers = {"Content-Type": JSON} if body is not None else {}
        headers |= {name: str(value) for name, value in self.settings.get("headers", {}).items()}
        content = b"" if body is None else body.encode() if isinstance(body, str) else encode(body)
        return Answer(status, headers, content)


def _error(status: int) -> Json:
    code = _CODES.get(status, "InternalServerError" if status >= 500 else "BadRequest")
    return {"error": {"code": code, "message": f"A fault of the emulator's: {status}."}}
