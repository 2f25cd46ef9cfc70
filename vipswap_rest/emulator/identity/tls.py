"""A certificate authority of the emulator's own, for as long as it serves.

Imported with `--tls` only: what it needs takes a tenth of a second to load.
"""

from __future__ import annotations

import contextlib
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import trustme


@contextlib.contextmanager
def certified(*hosts: str) -> Iterator[tuple[ssl.SSLContext, str]]:
    """A server's TLS context for these names and addresses, and the file with its authority's certificate.

    Everything is made anew. The file is gone when the block ends; the private keys are never in a file that stays, and
    the authority's own is in none. Raises OSError if there is no room for temporary files.
    """
    authority = trustme.CA(organization_name="vipswap emulator")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    authority.issue_cert(*hosts).configure_cert(context)
    with tempfile.TemporaryDirectory(prefix="vipswap-emulator-") as folder:
        file = Path(folder) / "authority.pem"
        authority.cert_pem.write_to_path(str(file))
        yield context, str(file)
