"""One request under way: when it is done, when it is answered, and whether it is at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .arm.effects import Effect
from .messages import Answer


@dataclass(frozen=True)
class Exchange:
    """What a server, or a test in its place, has to do with a request, in this order.

    1. `reset`: cut the connection. 2. Wait `before_s` seconds, as long as `stands()`; if the client leaves meanwhile or
    the fault is deleted, the request is dropped, unless `zombie`. 3. `do()`. 4. Wait `after_s` in the same way; what
    was done stays done. 5. `lost`: cut the connection instead of answering.
    """

    do: Callable[[], Answer]
    effect: Effect
    stands: Callable[[], bool]

    @property
    def reset(self) -> bool:
        """Cut the connection before anything is done."""
        return self.effect.on("reset")

    @property
    def before_s(self) -> float:
        """Seconds to wait before it is done."""
        return self.effect.seconds("hang_s") if self.effect.on("before") else 0.0

    @property
    def after_s(self) -> float:
        """Seconds to wait before it is answered."""
        return 0.0 if self.effect.on("before") else self.effect.seconds("hang_s")

    @property
    def zombie(self) -> bool:
        """Whether it is done although its client is dead."""
        return self.effect.on("zombie")

    @property
    def lost(self) -> bool:
        """Cut the connection after it was done."""
        return self.effect.on("lose_response")
