"""A hint to install an extra names a command that works."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from vipswap_rest import extras


def test_in_a_checkout_the_command_names_it_and_this_python() -> None:
    words = shlex.split(extras.install_command("plot"))

    folder, _, extra = words[-1].partition("[")
    assert words[:-1] == [sys.executable, "-m", "pip", "install", "--editable"]
    assert (Path(folder) / "setup.cfg").is_file()
    assert f"\n{extra.rstrip(']')} =" in (Path(folder) / "setup.cfg").read_text(encoding="utf-8")


def test_elsewhere_it_says_where_to_run_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(extras, "__file__", str(tmp_path / "site" / "vipswap_rest" / "extras.py"))

    assert extras.install_command("plot").endswith("pip install '.[plot]' (in a checkout of vipswap_rest)")
