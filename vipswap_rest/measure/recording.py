"""One recorded switch, to and from a folder: enough to compute every figure again.

The folder holds `recording.json` and, for the n-th probed address, `samples-n.bin.gz`: the samples in the order in
which they were done, gzip of

    16 bytes   b"vipswap samples1"
     8 bytes   N, their number, an unsigned integer
    8N bytes   when each was sent, float64, seconds of the monotonic clock
    8N bytes   when each was done, likewise
     N bytes   how each ended, one of probe.samples.SampleOutcome
    2N bytes   who answered: 0 for an answer without an identity, i for the i-th of `identities` in recording.json

all of it little-endian. What follows from the samples is not kept: it is computed from them again.
"""

from __future__ import annotations

import gzip
import json
import math
import socket
import struct
import sys
import zlib
from array import array
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

from vipswap_rest.arm.errors import VipswapError
from vipswap_rest.measure.files import write_whole
from vipswap_rest.measure.outages import Window
from vipswap_rest.measure.probe.findings import AddressFindings, address_findings
from vipswap_rest.measure.probe.held import Break, HeldFindings, How
from vipswap_rest.measure.probe.samples import SampleOutcome, Samples
from vipswap_rest.measure.probe.target import Endpoint, ProbeTarget

FORM = "vipswap recording 1"
MAGIC = b"vipswap samples1"
_COUNT = struct.Struct("<Q")
NAME = "recording.json"

SideName = Literal["production", "staging"]


@dataclass(frozen=True, slots=True)
class TimedWrite:
    """One write of the swap, in monotonic seconds: sent, accepted (None: never, or not known) and over.

    name: the step's, such as `production_to_staging_address`. resource: the ARM id that was written.
    """

    name: str
    resource: str
    began: float
    accepted: float | None
    ended: float
    succeeded: bool


@dataclass(frozen=True, slots=True)
class Probed:
    """One probed address: the side that held it at first, what was asked, and what was found."""

    side: SideName
    url: str
    address: str
    findings: AddressFindings


@dataclass(frozen=True, slots=True)
class Recording:
    """One swap.

    began: monotonic seconds; started_at: the same moment, RFC 3339. interval_s: between two samples of an address.
    emulated: measured on an emulator, not on Azure. report: what `swap -o json` prints.
    """

    began: float
    started_at: str
    interval_s: float
    emulated: bool
    probed: tuple[Probed, ...]
    operations: tuple[TimedWrite, ...]
    report: Mapping[str, Any]


def save(recording: Recording, folder: Path) -> None:
    """Write a recording into a folder, which is made if its parent exists. `recording.json` comes last.

    Raises UsageError if that is impossible, VipswapError if writing fails.
    """
    if folder.parent.is_dir() and not folder.exists():
        folder.mkdir(exist_ok=True)
    for number, probed in enumerate(recording.probed, 1):
        # Without a time in it, so that the same samples give the same file.
        packed = gzip.compress(samples_as_bytes(probed.findings.samples), mtime=0)
        write_whole(folder / _samples_name(number), packed)
    text = json.dumps(_as_json(recording), indent=1, allow_nan=False)
    write_whole(folder / NAME, text.encode() + b"\n")


def load(folder: Path) -> Recording:
    """The recording that `save` wrote. Raises VipswapError if it is missing or incomplete."""
    path = folder / NAME
    try:
        told = json.loads(path.read_bytes())
        if not isinstance(told, dict) or told.get("form") != FORM:
            raise ValueError(f"it is not a {FORM!r}")
        probed = []
        for number, one in enumerate(told["probed"], 1):
            identities, skipped = one["identities"], one["skipped"]
            path = folder / _samples_name(number)
            samples = samples_from_bytes(gzip.decompress(path.read_bytes()), identities, skipped)
            path = folder / NAME
            probed.append(_probed(one, samples, told["interval_s"]))
        return Recording(
            told["began"],
            told["started_at"],
            told["interval_s"],
            told["emulated"],
            tuple(probed),
            tuple(TimedWrite(**one) for one in told["operations"]),
            told["report"],
        )
    except FileNotFoundError as error:
        raise VipswapError(f"{folder} holds no complete recording: {path.name} is missing.") from error
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise VipswapError(f"{path} cannot be read as part of a recording: {reason}.") from error


def samples_as_bytes(samples: Samples) -> bytes:
    """The samples in the form that the module describes, before gzip."""
    columns = (samples.sent, samples.done, samples.outcomes, samples.codes)
    return MAGIC + _COUNT.pack(len(samples)) + b"".join(_little(column).tobytes() for column in columns)


def samples_from_bytes(data: bytes, identities: list[str], skipped: int) -> Samples:
    """The samples that `samples_as_bytes` wrote. Raises ValueError if it did not."""
    head = len(MAGIC) + _COUNT.size
    if data[: len(MAGIC)] != MAGIC or len(data) < head:
        raise ValueError("it does not begin with the mark of a samples file")
    (count,) = _COUNT.unpack_from(data, len(MAGIC))
    samples = Samples()
    columns = (samples.sent, samples.done, samples.outcomes, samples.codes)
    if len(data) != head + count * sum(column.itemsize for column in columns):
        raise ValueError(f"its length does not match its {count} samples")
    for column in columns:
        size = count * column.itemsize
        column.frombytes(data[head : head + size])
        head += size
        if sys.byteorder == "big":
            column.byteswap()
    samples.identities, samples.skipped = list(identities), skipped
    if any(not -math.inf < sent <= done < math.inf for sent, done in zip(samples.sent, samples.done, strict=True)):
        raise ValueError("a sample has no times, or was done before it was sent")
    if not set(samples.outcomes) <= set(SampleOutcome) or max(samples.codes, default=0) > len(identities):
        raise ValueError("a sample has an unknown outcome or identity")
    return samples


def _little(column: array[Any]) -> array[Any]:
    if sys.byteorder == "little":
        return column
    column = column[:]
    column.byteswap()
    return column


def _samples_name(number: int) -> str:
    return f"samples-{number}.bin.gz"


def _as_json(recording: Recording) -> dict[str, Any]:
    return {
        "form": FORM,
        "began": recording.began,
        "started_at": recording.started_at,
        "interval_s": recording.interval_s,
        "emulated": recording.emulated,
        "probed": [_probed_as_json(probed) for probed in recording.probed],
        "operations": [asdict(operation) for operation in recording.operations],
        "report": dict(recording.report),
    }


def _probed_as_json(probed: Probed) -> dict[str, Any]:
    found, endpoint = probed.findings, probed.findings.endpoint
    target = asdict(endpoint.target) | {"identities": sorted(endpoint.target.identities)}
    return {
        "side": probed.side,
        "url": probed.url,
        "address": probed.address,
        "target": target,
        "socket_family": endpoint.family.name,
        "socket_address": list(endpoint.address),
        "begin": found.begin,
        "end": found.end,
        "doubtful": [[window.begin, window.end] for window in found.doubtful],
        "trouble": found.trouble,
        "held": _held_as_json(found.held) if found.held else None,
        "skipped": found.samples.skipped,
        "identities": found.samples.identities,
    }


def _probed(told: Mapping[str, Any], samples: Samples, interval_s: float) -> Probed:
    if told["side"] not in ("production", "staging"):
        raise ValueError(f"{told['side']!r} is not a side")
    target = ProbeTarget(**told["target"] | {"identities": frozenset(told["target"]["identities"])})
    address = cast("tuple[str, int]", tuple(told["socket_address"]))
    findings = address_findings(
        Endpoint(target, socket.AddressFamily[told["socket_family"]], address),
        samples,
        interval_s=interval_s,
        begin=told["begin"],
        end=told["end"],
        doubtful=[Window(begin, end) for begin, end in told["doubtful"]],
        trouble=told["trouble"],
        held=_held(told["held"]) if told["held"] else None,
    )
    return Probed(told["side"], told["url"], told["address"], findings)


def _held_as_json(held: HeldFindings) -> dict[str, Any]:
    # A list of pairs, as an identity may be None, and a JSON key may not.
    return asdict(held) | {"identities": [[who, count] for who, count in held.identities.items()]}


def _held(told: Mapping[str, Any]) -> HeldFindings:
    return HeldFindings(
        told["opened"],
        told["not_opened"],
        told["intact"],
        tuple(Break(**one | {"how": How(one["how"])}) for one in told["breaks"]),
        dict(told["identities"]),
    )
