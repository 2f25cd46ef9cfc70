"""How an extra of this package is installed: it is on no index, so from its checkout."""

from __future__ import annotations

import sys
from pathlib import Path
from shlex import quote


def install_command(extra: str) -> str:
    """The command that adds an extra, such as `plot`, to the Python that runs this."""
    root = Path(__file__).resolve().parents[1]
    if (root / "setup.cfg").is_file():
        return f"{quote(sys.executable)} -m pip install --editable {quote(f'{root}[{extra}]')}"
    return f"{quote(sys.executable)} -m pip install '.[{extra}]' (in a checkout of vipswap_rest)"
