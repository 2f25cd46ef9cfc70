"""`python -m vipswap_rest` is the command `vipswap`."""

from __future__ import annotations

import sys

from vipswap_rest.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
