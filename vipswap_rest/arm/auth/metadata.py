"""An ARM's own account of its cloud: where to log in, and for which audience.

An endpoint of no known cloud is asked for it, as az and the tools of Azure Stack Hub do
(https://learn.microsoft.com/azure-stack/user/azure-stack-rest-api-use, "Get a token from Azure").
"""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

import requests

from vipswap_rest.arm.clouds import Cloud, described_cloud, is_loopback
from vipswap_rest.arm.http import BoundedSession, certificates

log = logging.getLogger(__name__)

# The version that Azure Stack Hub knows; Azure answers it too.
_PATH = "/metadata/endpoints?api-version=2015-01-01"
_TIMEOUT_S = 5.0


def ask_for_cloud(endpoint: str, ca_file: str | None = None) -> Cloud | None:
    """The cloud that the endpoint says it is of; None where it says nothing, or nothing that could be read.

    No token is sent. Raises UsageError if there is no such CA file.
    """
    with BoundedSession(_TIMEOUT_S) as session:
        if is_loopback(urlsplit(endpoint).hostname or ""):
            session.trust_env = False
        try:
            # No `auth` of our own would let a ~/.netrc give one.
            answer = session.get(
                endpoint + _PATH,
                headers={"Accept": "application/json"},
                auth=lambda request: request,
                timeout=_TIMEOUT_S,
                verify=certificates(ca_file),
                allow_redirects=False,
            )
            document = answer.json() if answer.status_code == 200 else None
        except (requests.RequestException, ValueError, RecursionError) as error:
            log.debug("%s does not describe its cloud: %s", endpoint, type(error).__name__)
            return None
    return described_cloud(endpoint, document)
