"""A recording survives the way to files and back, and a broken one is told apart from a whole one."""

from __future__ import annotations

import gzip
import json
import socket
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vipswap_rest.arm.errors import UsageError, VipswapError
from vipswap_rest.measure.outages import Window
from vipswap_rest.measure.probe.findings import AddressFindings, address_findings
from vipswap_rest.measure.probe.held import Break, HeldFindings, How
from vipswap_rest.measure.probe.samples import SampleOutcome, Samples
from vipswap_rest.measure.probe.target import Endpoint, ProbeTarget, parse_target
from vipswap_rest.measure.recording import (
    MAGIC,
    Probed,
    Recording,
    TimedWrite,
    load,
    samples_as_bytes,
    samples_from_bytes,
    save,
)

MOMENTS = st.floats(0, 1e6, allow_nan=False)
NAMES = st.text(min_size=1, max_size=8)


@st.composite
def some_samples(draw: st.DrawFn) -> Samples:
    samples = Samples()
    for sent, took, outcome, who in draw(
        st.lists(
            st.tuples(
                MOMENTS, st.floats(0, 1), st.sampled_from(SampleOutcome), st.none() | st.sampled_from(["a", "b", "é"])
            ),
            max_size=30,
        )
    ):
        samples.add(sent, sent + took, outcome, who)
    samples.skipped = draw(st.integers(0, 5))
    return samples


@st.composite
def some_findings(draw: st.DrawFn) -> AddressFindings:
    url = draw(st.sampled_from(["http://127.0.0.1:9000/", "tcp://127.0.0.1:80", "http://[::1]/health?full"]))
    target = parse_target(url, identities=frozenset(draw(st.sets(NAMES, max_size=2))))
    family = socket.AF_INET6 if ":" in target.host else socket.AF_INET
    address = (target.host, target.port, 0, 0) if ":" in target.host else (target.host, target.port)
    breaks = st.builds(Break, st.integers(0, 9), st.sampled_from(How), MOMENTS, MOMENTS, st.none() | MOMENTS)
    counts = st.dictionaries(st.none() | NAMES, st.integers(0, 9), max_size=3)
    held = st.builds(
        HeldFindings, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.lists(breaks).map(tuple), counts
    )
    return address_findings(
        Endpoint(target, family, address),
        draw(some_samples()),
        interval_s=0.1,
        begin=draw(st.floats(-10, 0)),
        end=draw(st.floats(1e6, 2e6)),
        doubtful=draw(st.lists(st.builds(Window, MOMENTS, MOMENTS), max_size=3)),
        trouble=draw(st.none() | st.just("EMFILE")),
        held=draw(st.none() | held),
    )


OPERATIONS = st.builds(TimedWrite, NAMES, NAMES, MOMENTS, st.none() | MOMENTS, MOMENTS, st.booleans())
REPORTS = st.dictionaries(NAMES, st.none() | NAMES | st.lists(st.floats(0, 9), max_size=2), max_size=3)
RECORDINGS = st.builds(
    Recording,
    began=MOMENTS,
    started_at=st.just("2026-10-05T12:00:00Z"),
    interval_s=st.just(0.1),
    emulated=st.booleans(),
    probed=st.lists(
        st.builds(Probed, st.sampled_from(["production", "staging"]), NAMES, NAMES, some_findings()), max_size=2
    ).map(tuple),
    operations=st.lists(OPERATIONS, max_size=4).map(tuple),
    report=REPORTS,
)


@settings(max_examples=60, deadline=None)
@given(RECORDINGS)
def test_what_was_saved_is_loaded_equal_with_every_figure_computed_again(recording: Recording) -> None:
    with tempfile.TemporaryDirectory() as folder:
        save(recording, Path(folder) / "trial")

        assert load(Path(folder) / "trial") == recording


@settings(max_examples=100, deadline=None)
@given(some_samples())
def test_samples_are_little_endian_columns_behind_their_number(samples: Samples) -> None:
    data = samples_as_bytes(samples)

    assert data[:16] == MAGIC
    assert int.from_bytes(data[16:24], "little") == len(samples)
    assert len(data) == 24 + 19 * len(samples)
    assert samples_from_bytes(data, samples.identities, samples.skipped) == samples


def recording_of(*moments: float) -> Recording:
    samples = Samples()
    for moment in moments:
        samples.add(moment, moment + 0.001, SampleOutcome.OK, "vipswap1lb")
    target = ProbeTarget("tcp://127.0.0.1:80", "tcp", "127.0.0.1", 80)
    findings = address_findings(
        Endpoint(target, socket.AF_INET, ("127.0.0.1", 80)), samples, interval_s=0.1, begin=0, end=1
    )
    probed = Probed("production", target.url, "127.0.0.1", findings)
    return Recording(0.0, "2026-10-05T12:00:00Z", 0.1, True, (probed,), (), {})


def test_the_same_recording_gives_the_same_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        save(recording_of(0.1, 0.2), tmp_path / name)

    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["recording.json", "samples-1.bin.gz"]
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in names)


def test_two_recordings_that_differ_in_one_sample_are_not_equal() -> None:
    assert recording_of(0.1, 0.2) == recording_of(0.1, 0.2)
    assert recording_of(0.1, 0.2) != recording_of(0.1, 0.3)


@pytest.mark.parametrize("name", ["recording.json", "samples-1.bin.gz"])
@pytest.mark.parametrize("keep", [0, 5, 30, -1])
def test_a_file_that_is_cut_short_is_told_by_its_name(tmp_path: Path, name: str, keep: int) -> None:
    save(recording_of(0.1, 0.2), tmp_path)
    data = (tmp_path / name).read_bytes()
    # The last byte of the JSON is a line's end.
    (tmp_path / name).write_bytes(data[: keep if keep >= 0 else keep - 1])

    with pytest.raises(VipswapError, match=name):
        load(tmp_path)


@pytest.mark.parametrize("name", ["recording.json", "samples-1.bin.gz"])
def test_a_file_that_is_missing_is_told_by_its_name(tmp_path: Path, name: str) -> None:
    save(recording_of(0.1, 0.2), tmp_path)
    (tmp_path / name).unlink()

    with pytest.raises(VipswapError, match=f"{name} is missing"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("at", "value", "reason"),
    [
        (24, b"\0\0\0\0\0\0\xf8\x7f", "no times"),
        (24, b"\0\0\0\0\0\0\xf0\x7f", "no times"),
        (24 + 8, (b"\xff" * 6) + b"\0\x40", "before it was sent"),
        (24 + 32, b"\x63", "outcome"),
        (24 + 34, b"\x07\0", "identity"),
        (16, b"\x03", "does not match"),
        (0, b"x", "begin"),
    ],
)
def test_samples_that_cannot_be_are_refused(at: int, value: bytes, reason: str, tmp_path: Path) -> None:
    save(recording_of(0.1, 0.2), tmp_path)
    path = tmp_path / "samples-1.bin.gz"
    data = bytearray(gzip.decompress(path.read_bytes()))
    data[at : at + len(value)] = value
    path.write_bytes(gzip.compress(bytes(data)))

    with pytest.raises(VipswapError, match=reason):
        load(tmp_path)


@pytest.mark.parametrize(
    "change",
    [{"form": "another"}, {"probed": [{}]}, {"operations": [{"name": "x"}]}, {"probed": [None]}, {"probed": 1}],
)
def test_a_json_of_another_form_is_refused_with_a_sentence(tmp_path: Path, change: dict[str, object]) -> None:
    save(recording_of(0.1), tmp_path)
    path = tmp_path / "recording.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))

    with pytest.raises(VipswapError, match=r"recording\.json cannot be read"):
        load(tmp_path)


def test_a_folder_in_a_folder_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        save(recording_of(0.1), tmp_path / "not" / "there")
