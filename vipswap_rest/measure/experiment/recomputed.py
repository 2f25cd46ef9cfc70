"""An experiment's figures from its files alone: each swap is measured again from its samples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vipswap_rest.arm.errors import VipswapError
from vipswap_rest.measure.experiment.design import Role
from vipswap_rest.measure.experiment.manifest import Manifest, read_manifest
from vipswap_rest.measure.experiment.measured import flaw, measure
from vipswap_rest.measure.experiment.trials import TRIALS, Trial, read_trials
from vipswap_rest.measure.recording import load


def recompute(directory: Path) -> tuple[Manifest, list[Trial]]:
    """The manifest, and all trials as their recordings say. Nothing is written, and no request is sent.

    Raises UsageError if no experiment lies there; VipswapError if a file is damaged or missing, or if trials.jsonl
    says something else than the samples do.
    """
    manifest = read_manifest(directory)
    kept, _, _ = read_trials(directory)
    return manifest, [_again(directory, trial) for trial in kept]


def _again(directory: Path, trial: Trial) -> Trial:
    if trial.samples is None:
        return trial
    recording = load(directory / trial.samples)
    reason = flaw(recording, trial.strategy)
    again = replace(
        trial,
        valid=trial.role is Role.TRIAL and reason is None,
        reason=reason,
        measured=measure(recording),
        report=recording.report,
    )
    if again != trial:
        fields = [name for name in ("valid", "reason", "measured", "report") if _of(again, name) != _of(trial, name)]
        raise VipswapError(
            f"Swap {trial.number}: {directory / trial.samples} differs from {TRIALS} "
            f"({', '.join(fields)}). One of the two was changed after it was measured.",
            hint="Restore both from one copy.",
        )
    return again


def _of(trial: Trial, name: str) -> object:
    return getattr(trial, name)
