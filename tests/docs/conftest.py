"""The fixtures of the command's tests."""

from __future__ import annotations

from tests.cli.conftest import arm as arm
from tests.cli.conftest import settings as settings
from tests.cli.conftest import vipswap as vipswap
