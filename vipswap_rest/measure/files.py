"""Files that are complete or absent: written under a temporary name beside, then renamed."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from vipswap_rest.arm.errors import UsageError, VipswapError


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, or leave what was there.

    Raises UsageError if its folder is missing, is a file, or is not writable, or if `path` itself is a folder;
    VipswapError if writing fails (a full disk).
    """
    check_place(path)
    try:
        number, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {_reason(error)}.", hint="Choose another folder.") from error
    try:
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp lets only us read; a picture is for others too.
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except OSError as error:
        raise VipswapError(
            f"{path} could not be written: {_reason(error)}.", hint="Make room, or choose another folder."
        ) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)


def check_place(path: Path) -> None:
    """Whether a file may stand there, as far as can be told before writing it. Raises UsageError if not."""
    if not path.parent.is_dir():
        raise UsageError(
            f"{path} cannot be written: there is no folder {path.parent}.", hint="Make it, or choose another one."
        )
    if path.is_dir():
        raise UsageError(f"{path} cannot be written: it is a folder.", hint="Name a file.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise UsageError(
            f"{path} cannot be written: the folder {path.parent} is not writable.", hint="Choose another folder."
        )


def _umask() -> int:
    # The one way to read it is to set it.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
