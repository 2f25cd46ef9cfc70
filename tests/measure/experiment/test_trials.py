"""What an experiment keeps: whole or not at all, never over something else, and it goes on where it stopped."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.disk import files_no_longer_than
from tests.measure.experiment.bench import MANIFEST, Swapped, manifest, recording
from vipswap_rest.arm.errors import UsageError, VipswapError
from vipswap_rest.measure.experiment.design import Cell, Role, Way
from vipswap_rest.measure.experiment.manifest import Manifest, read_manifest
from vipswap_rest.measure.experiment.measured import measure
from vipswap_rest.measure.experiment.trials import Store, Trial, read_trials
from vipswap_rest.measure.recording import Recording, load


def a_trial(number: int, made: Recording | None = None, *, valid: bool = True) -> Trial:
    return Trial(
        number=number,
        role=Role.TRIAL,
        block=number,
        strategy="float",
        way=Way.THERE,
        attempt=1,
        valid=valid,
        reason=None if valid else "it ended rolled_back",
        started_at="2026-10-05T12:00:00.000Z",
        emulated=True,
        measured=measure(made) if made else {},
        samples=f"samples/{number:04}" if made else None,
        report=made.report if made else None,
    )


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@contextlib.contextmanager
def nobody() -> Iterator[None]:
    """Without root's right to write everywhere, where we are root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_what_is_kept_comes_back_as_it_was(tmp_path: Path) -> None:
    made = recording(Swapped(), "float")
    kept = [a_trial(1, made), a_trial(2, valid=False)]
    with Store(tmp_path / "new" / "er", MANIFEST) as store:
        store.keep(kept[0], made)
        store.keep(kept[1], None)

    with Store(tmp_path / "new" / "er", MANIFEST) as again:
        assert again.trials == kept
        assert again.manifest == MANIFEST
        assert not again.torn
    assert load(tmp_path / "new" / "er" / "samples" / "0001") == made


def test_a_trial_knows_its_place_in_the_plan() -> None:
    assert a_trial(3).cell == Cell(3, "float", Way.THERE)


def test_no_line_is_written_before_its_recording_is_on_the_disk(tmp_path: Path) -> None:
    made = recording(Swapped(), "float")
    with Store(tmp_path, MANIFEST) as store:
        store.keep(a_trial(1), None)
        (tmp_path / "samples").rmdir()
        with pytest.raises(VipswapError, match="Swap 2 cannot be kept"):
            store.keep(a_trial(2, made), made)

    assert len((tmp_path / "trials.jsonl").read_text().splitlines()) == 1


@given(st.integers(1, 400), st.binary(max_size=6))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_a_last_line_torn_anywhere_is_taken_away_and_the_others_stay(cut: int, garbage: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        _torn(Path(name), cut, garbage)


def _torn(directory: Path, cut: int, garbage: bytes) -> None:
    with Store(directory, MANIFEST) as store:
        for number in (1, 2, 3):
            store.keep(a_trial(number), None)
    path = directory / "trials.jsonl"
    whole = path.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    torn = last[: -min(cut, len(last) - 1)] + garbage.replace(b"\n", b"").replace(b"}", b"").replace(b"\r", b"")
    path.write_bytes(whole[: -len(last)] + torn)

    with Store(directory, MANIFEST) as store:
        assert store.torn
        assert [trial.number for trial in store.trials] == [1, 2]
        store.keep(a_trial(3), None)
    assert path.read_bytes() == whole


def test_nothing_is_left_of_a_torn_line_that_was_longer_than_what_comes_next(tmp_path: Path) -> None:
    with Store(tmp_path, MANIFEST) as store:
        store.keep(a_trial(1), None)
    with open(tmp_path / "trials.jsonl", "ab") as file:
        file.write(b'{"number": 2, "reason": "' + b"x" * 5000)

    with Store(tmp_path, MANIFEST) as store:
        store.keep(a_trial(2), None)
    with Store(tmp_path, MANIFEST) as store:
        assert [trial.number for trial in store.trials] == [1, 2]
        assert not store.torn


def test_a_last_line_of_nothing_but_zeros_is_torn_too(tmp_path: Path) -> None:
    with Store(tmp_path, MANIFEST) as store:
        store.keep(a_trial(1), None)
    with open(tmp_path / "trials.jsonl", "ab") as file:
        file.write(b"\0" * 512)

    with Store(tmp_path, MANIFEST) as store:
        assert store.torn
        assert len(store.trials) == 1


def test_a_damaged_line_that_no_crash_can_have_torn_is_refused_and_left_alone(tmp_path: Path) -> None:
    with Store(tmp_path, MANIFEST) as store:
        for number in (1, 2):
            store.keep(a_trial(number), None)
    path = tmp_path / "trials.jsonl"
    path.write_bytes(b"x" + path.read_bytes())
    before = contents(tmp_path)

    with pytest.raises(VipswapError, match=r"Line 1 of .* is damaged"):
        Store(tmp_path, MANIFEST)

    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"strategies": ("float",)}, "strategies is"),
        ({"trials": 20}, "trials is 10 there and 20 here"),
        ({"seed": 2}, "seed is 1 there and 2 here"),
        ({"interval_s": 0.05}, "interval_s is 0.1 there and 0.05 here"),
        ({"float_on": "production"}, "float_on is"),
        ({"load_balancers": ("/lb1", "/lb3")}, "load_balancers is"),
        ({"emulated": False}, "emulated is true there and false here"),
        ({"versions": {"vipswap_rest": "9"}}, "versions is"),
    ],
)
def test_an_experiment_of_another_design_is_refused_and_nothing_of_it_changed(
    changes: dict[str, object], said: str, tmp_path: Path
) -> None:
    with Store(tmp_path, MANIFEST) as store:
        store.keep(a_trial(1), None)
    before = contents(tmp_path)

    with pytest.raises(UsageError, match="An experiment of another design lies in") as refused:
        Store(tmp_path, manifest(**changes))

    assert said in refused.value.message
    assert contents(tmp_path) == before


def test_when_it_began_is_not_part_of_the_design(tmp_path: Path) -> None:
    Store(tmp_path, MANIFEST).close()
    with Store(tmp_path, manifest(started_at="2027-01-01T00:00:00.000Z")) as store:
        assert store.manifest == MANIFEST


@pytest.mark.parametrize("name", ["thesis.txt", "trials.jsonl", "samples/0001"])
def test_a_directory_that_holds_other_things_is_refused_and_left_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")

    with pytest.raises(UsageError, match="holds other files"):
        Store(tmp_path, MANIFEST)

    assert contents(tmp_path) == {name: b"mine"}


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")

    with pytest.raises(UsageError, match="is a file"):
        Store(tmp_path / "out", MANIFEST)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"strategies": 1}'])
def test_a_manifest_that_is_none_is_refused_and_left_alone(text: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(text)

    with pytest.raises(UsageError, match="is not an experiment's manifest"):
        Store(tmp_path, MANIFEST)

    assert contents(tmp_path) == {"manifest.json": text.encode()}


def test_a_start_that_was_cut_off_before_the_manifest_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "samples").mkdir()
    (tmp_path / "trials.jsonl").touch()
    (tmp_path / ".manifest.json.x7.part").write_text("{")

    with Store(tmp_path, MANIFEST) as store:
        assert store.trials == []
    assert read_manifest(tmp_path) == MANIFEST


def test_a_directory_that_cannot_be_made_is_one_clear_sentence() -> None:
    with pytest.raises(VipswapError, match=r"cannot be (read|written): .*\.") as refused:
        Store(Path("/dev/null/experiment"), MANIFEST)

    assert "Errno" not in str(refused.value)


@pytest.mark.parametrize("inside", [".", "new"])
def test_a_directory_that_may_not_be_written_is_one_clear_sentence(inside: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o555)
        with (
            nobody(),
            pytest.raises(VipswapError, match="cannot be written: Permission denied"),
        ):
            Store(Path(name) / inside, MANIFEST)
        assert contents(Path(name)) == {}


def test_a_disk_that_is_full_when_the_line_is_written_loses_nothing_that_was_kept(tmp_path: Path) -> None:
    with Store(tmp_path, MANIFEST) as store:
        store.keep(a_trial(1), None)
        before = contents(tmp_path)
        with files_no_longer_than(len(before["trials.jsonl"]) + 20), pytest.raises(VipswapError) as refused:
            store.keep(a_trial(2), None)
        assert contents(tmp_path) == before
        assert "File too large" in refused.value.message
        assert "all 1 before it are safe" in refused.value.message

        store.keep(a_trial(2), None)
    assert [trial.number for trial in read_trials(tmp_path)[0]] == [1, 2]


def test_a_disk_that_is_full_when_the_samples_are_written_leaves_no_line(tmp_path: Path) -> None:
    made = recording(Swapped(), "float")
    with Store(tmp_path, MANIFEST) as store:
        with files_no_longer_than(100), pytest.raises(VipswapError, match="Swap 1 cannot be kept"):
            store.keep(a_trial(1, made), made)
        assert store.trials == []

        store.keep(a_trial(1, made), made)
    assert load(tmp_path / "samples" / "0001") == made


def test_two_processes_do_not_measure_into_one_directory(tmp_path: Path) -> None:
    line = "import sys; from pathlib import Path; from tests.measure.experiment.bench import MANIFEST; "
    line += "from vipswap_rest.measure.experiment.trials import Store; Store(Path(sys.argv[1]), MANIFEST)"
    with Store(tmp_path, MANIFEST):
        other = subprocess.run([sys.executable, "-c", line, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert "Another experiment is being measured into" in other.stderr

    Store(tmp_path, MANIFEST).close()


def test_a_manifest_comes_back_from_json_as_it_was() -> None:
    assert Manifest.from_json(json.loads(json.dumps(asdict(MANIFEST)))) == MANIFEST


def test_a_manifest_of_before_there_was_polite_is_of_an_experiment_that_was_not() -> None:
    told = asdict(MANIFEST)
    del told["polite"]

    found = Manifest.from_json(json.loads(json.dumps(told)))

    assert found == MANIFEST
    assert replace(MANIFEST, polite=True).differences(found) == ["polite is false there and true here"]
