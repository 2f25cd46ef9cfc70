"""What an experiment measures, and where and with what: written once, at its start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vipswap_rest.arm.errors import UsageError, VipswapError
from vipswap_rest.measure.experiment.design import Design

FORMAT = 1
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is measured, where and with what. No secrets: of the endpoint there is the host name only.

    load_balancers, frontends, public_ips: ARM ids, production's first; the addresses as they lay before the first swap.
    Without a strategy that swaps them there is none. targets: what the other strategies switch, as `--targets` has it.
    interval_s: between two samples, seconds. started_at: RFC 3339.
    """

    strategies: tuple[str, ...]
    float_on: str
    trials: int
    seed: int
    interval_s: float
    probe_url: str | None
    load_balancers: tuple[str, ...]
    frontends: tuple[str, ...]
    public_ips: tuple[str, ...]
    endpoint_host: str
    emulated: bool
    versions: Mapping[str, str]
    platform: str
    cpu_count: int
    started_at: str
    polite: bool = False
    targets: Mapping[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def design(self) -> Design:
        """The plan that follows from it."""
        return Design(self.strategies, self.trials, self.seed)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Manifest:
        """What asdict gave, and JSON made of it. Raises KeyError or TypeError for anything else."""
        # Of experiments that began before there was such a choice, none was polite, or had targets.
        known: dict[str, Any] = {"polite": False, "targets": {}, **told}
        fields = {name: known[name] for name in cls.__slots__}
        pairs = {name: tuple(fields[name]) for name in ("strategies", "load_balancers", "frontends", "public_ips")}
        return cls(**{**fields, **pairs})

    def differences(self, other: Manifest) -> list[str]:
        """In what another manifest is of another experiment, in words; when it began does not matter."""
        ours, theirs = asdict(self), asdict(other)
        return [
            f"{name} is {_told(theirs[name])} there and {_told(ours[name])} here"
            for name in ours
            if name != "started_at" and _told(ours[name]) != _told(theirs[name])
        ]


def find_manifest(directory: Path) -> Manifest | None:
    """The manifest of the experiment in a directory; None if there is none, or no directory.

    Raises UsageError if the directory is a file, or the manifest is none; VipswapError if it cannot be read.
    """
    path = directory / MANIFEST
    try:
        if directory.exists() and not directory.is_dir():
            raise UsageError(f"{directory} is a file; an experiment is kept in a directory.", hint="Name another one.")
        if not path.exists():
            return None
        return Manifest.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} is not an experiment's manifest that this version can read.", hint="Name another directory."
        ) from error
    except OSError as error:
        raise VipswapError(f"{directory} cannot be read: {error.strerror or error}.") from error


def read_manifest(directory: Path) -> Manifest:
    """The manifest of the experiment in a directory. Raises UsageError if there is none, besides."""
    found = find_manifest(directory)
    if found is None:
        raise UsageError(f"There is no experiment in {directory}: it has no {MANIFEST}.")
    return found


def _told(value: Any) -> str:
    return json.dumps(value)
