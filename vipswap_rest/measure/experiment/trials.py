"""Everything raw that an experiment leaves, in one directory, so that each figure can be computed again.

    manifest.json   what is measured, and where: written once, at the start
    trials.jsonl    one line for each swap, on the disk before the next one begins
    samples/0001    the recording of swap 1: its operations, its report and each sample (see recording.py)

A line is there only if its recording is; a line that was torn by a crash is taken away, and its swap is repeated.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any

from vipswap_rest.arm.errors import UsageError, VipswapError
from vipswap_rest.measure.experiment.design import Attempt, Cell, Role, Way
from vipswap_rest.measure.experiment.manifest import MANIFEST, Manifest, find_manifest
from vipswap_rest.measure.experiment.measured import SIDES, Measured
from vipswap_rest.measure.files import write_whole
from vipswap_rest.measure.recording import Recording, SideName, save

TRIALS, SAMPLES = "trials.jsonl", "samples"


@dataclass(frozen=True, slots=True)
class Trial:
    """One swap: one line of trials.jsonl.

    number: from 1, in order of time. block: None for one that is no trial. attempt: which one at its cell. reason: why
    a trial is not valid. production, staging: what was measured, if anything was. samples: where the recording is,
    within the directory.
    """

    number: int
    role: Role
    block: int | None
    strategy: str
    way: Way
    attempt: int
    valid: bool
    reason: str | None
    started_at: str | None
    emulated: bool
    measured: Mapping[SideName, Measured]
    samples: str | None
    report: Mapping[str, Any] | None

    @property
    def cell(self) -> Cell | None:
        """Its place in the plan; None if it is no trial."""
        return Cell(self.block, self.strategy, self.way) if self.block is not None else None

    def as_json(self) -> dict[str, Any]:
        """The object of its line."""
        return {
            "number": self.number,
            "role": self.role.value,
            "block": self.block,
            "strategy": self.strategy,
            "direction": self.way.value,
            "attempt": self.attempt,
            "valid": self.valid,
            "reason": self.reason,
            "started_at": self.started_at,
            "emulated": self.emulated,
            **{side: self.measured[side].as_json() if side in self.measured else None for side in SIDES},
            "samples": self.samples,
            "report": self.report,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Trial:
        """What as_json gave. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(
            int(told["number"]),
            Role(told["role"]),
            told["block"],
            told["strategy"],
            Way(told["direction"]),
            told["attempt"],
            bool(told["valid"]),
            told["reason"],
            told["started_at"],
            told["emulated"],
            {side: Measured.from_json(told[side]) for side in SIDES if told[side] is not None},
            told["samples"],
            told["report"],
        )


def attempts(trials: list[Trial]) -> list[Attempt]:
    """The trials among them as the design sees them."""
    return [Attempt(trial.cell, trial.valid) for trial in trials if trial.cell is not None]


class Store:
    """The directory of an experiment that is going on; a context manager, one process at a time.

    `trials` are those that are kept; `torn` says that a torn line was taken away.
    """

    def __init__(self, directory: Path, manifest: Manifest) -> None:
        """Begin an experiment in a new or empty directory, or go on with the one that lies there.

        Raises UsageError if the directory holds anything else, or an experiment of another design; VipswapError if it
        cannot be written, or is in use. Nothing that lies there is changed then.
        """
        self.directory = directory
        self._lock: int | None = None
        found = check_directory(directory, manifest)
        try:
            if found is None:
                (directory / SAMPLES).mkdir(parents=True, exist_ok=True)
            self._lock = os.open(directory / TRIALS, os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if found is None:
                write_whole(directory / MANIFEST, json.dumps(asdict(manifest), indent=2).encode() + b"\n")
            self.manifest = found or manifest
            self.trials, self._length, self.torn = read_trials(directory)
            os.ftruncate(self._lock, self._length)
        except BlockingIOError as error:
            self.close()
            raise VipswapError(f"Another experiment is being measured into {directory} right now.") from error
        except OSError as error:
            self.close()
            raise VipswapError(
                f"{directory} cannot be written: {_reason(error)}. Nothing was measured.",
                hint="Give a directory with --out that can be written.",
            ) from error
        except VipswapError:
            self.close()
            raise

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let another process in."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def samples_of(self, number: int) -> str:
        """Where the recording of a swap goes, within the directory."""
        return f"{SAMPLES}/{number:04}"

    def keep(self, trial: Trial, recording: Recording | None) -> None:
        """Put a swap on the disk, its recording first. Raises VipswapError if there is no room or no right."""
        assert self._lock is not None
        line = (json.dumps(trial.as_json()) + "\n").encode()
        try:
            if recording is not None:
                save(recording, self.directory / self.samples_of(trial.number))
            _append(self._lock, self._length, line)
        except (OSError, VipswapError) as error:
            raise VipswapError(
                f"Swap {trial.number} cannot be kept in {self.directory}: {_reason(error)}. It was done, and "
                f"all {len(self.trials)} before it are safe.",
                hint="Make room and run the same line again: it continues, and repeats this swap.",
            ) from error
        self._length += len(line)
        self.trials.append(trial)


def read_trials(directory: Path) -> tuple[list[Trial], int, bool]:
    """All whole lines; how many bytes they take; and whether a torn one follows.

    Only the last line can have been torn by a crash. Raises VipswapError if another one cannot be read.
    """
    path = directory / TRIALS
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return [], 0, False
    except OSError as error:
        raise VipswapError(f"{path} cannot be read: {error.strerror or error}.") from error
    trials: list[Trial] = []
    length = 0
    for line in BytesIO(data):
        try:
            if not line.endswith(b"\n"):
                raise ValueError("its end is missing")
            trial = Trial.from_json(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            if length + len(line) == len(data):
                return trials, length, True
            raise VipswapError(
                f"Line {len(trials) + 1} of {path} is damaged, and it is not the last one, which a crash may have "
                "torn. Nothing was changed.",
                hint="Restore the file from a copy, or begin a new experiment in another directory.",
            ) from error
        trials.append(trial)
        length += len(line)
    return trials, length, False


def check_directory(directory: Path, manifest: Manifest) -> Manifest | None:
    """The manifest of the experiment that lies there and would go on; None if there is none yet. Changes nothing.

    Raises UsageError if the directory holds anything else, or an experiment of another design; VipswapError if it
    cannot be read.
    """
    found = find_manifest(directory)
    if found is not None:
        _same_design(directory, manifest, found)
        return found
    try:
        _nothing_else(directory)
    except OSError as error:
        raise VipswapError(f"{directory} cannot be read: {_reason(error)}.") from error
    return None


def _nothing_else(directory: Path) -> None:
    """Raise UsageError if a directory without a manifest holds anything but what a start that was cut off leaves."""
    if not directory.exists():
        return
    trials, samples = directory / TRIALS, directory / SAMPLES
    strange = {item.name for item in directory.iterdir() if not item.name.startswith(f".{MANIFEST}.")}
    if trials.is_file() and trials.stat().st_size == 0:
        strange.discard(TRIALS)
    if samples.is_dir() and not any(samples.iterdir()):
        strange.discard(SAMPLES)
    if strange:
        raise UsageError(
            f"{directory} holds other files ({min(strange)}) and no experiment.",
            hint="Name a new or an empty directory with --out.",
        )


def _same_design(directory: Path, ours: Manifest, found: Manifest) -> None:
    differences = ours.differences(found)
    if differences:
        raise UsageError(
            f"An experiment of another design lies in {directory}: {'; '.join(differences)}. Nothing was changed.",
            hint="Run the line that began it to continue it, or name another directory for a new one.",
        )


def _append(file: int, length: int, line: bytes) -> None:
    """Append to a file of that length and wait for the disk; if that fails the file is as it was."""
    try:
        written = 0
        while written < len(line):
            written += os.pwrite(file, line[written:], length + written)
        os.fsync(file)
    except OSError:
        os.ftruncate(file, length)
        raise


def _reason(error: OSError | VipswapError) -> str:
    reason = error.message if isinstance(error, VipswapError) else error.strerror or str(error)
    return reason.rstrip(".")
