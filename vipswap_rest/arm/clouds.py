"""Where the Azure clouds answer, and which api-version each call is pinned to."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from vipswap_rest.arm.errors import UsageError

# One row a provider. A GET followed by a PUT through an old version can drop properties that the old version does
# not know, so a pin is never older than need be.
API_VERSIONS: dict[str, str] = {
    # The newest stable version of Microsoft.Network; also the one its SDK of 2026 speaks.
    "network": "2026-03-01",
    # Reading a resource group or the list of subscriptions has not changed since; every cloud has these.
    "resource_groups": "2021-04-01",
    "subscriptions": "2022-12-01",
    # The newest stable versions, which the SDKs of 2026 speak: of scale sets and their instances, of deployments, and
    # of what is written of a resource group.
    "compute": "2026-04-01",
    "deployments": "2026-06-01",
    "resource_group_writes": "2025-04-01",
    # Locks: the version that az and the portal read them by; the newer ones show the same fields.
    "locks": "2016-09-01",
    # Permissions: the newest stable version of Microsoft.Authorization/permissions.
    "permissions": "2022-04-01",
}


@dataclass(frozen=True, slots=True)
class Cloud:
    """One Azure cloud: where ARM answers, who issues tokens, and for which audience, to the letter."""

    name: str
    resource_manager: str
    authority: str
    audience: str


# https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure
# https://learn.microsoft.com/azure/china/resources-developer-guide
PUBLIC = Cloud(
    "AzureCloud",
    "https://management.azure.com",
    "https://login.microsoftonline.com",
    "https://management.azure.com",
)
US_GOVERNMENT = Cloud(
    "AzureUSGovernment",
    "https://management.usgovcloudapi.net",
    "https://login.microsoftonline.us",
    "https://management.usgovcloudapi.net",
)
CHINA = Cloud(
    "AzureChinaCloud",
    "https://management.chinacloudapi.cn",
    "https://login.chinacloudapi.cn",
    "https://management.chinacloudapi.cn",
)
CLOUDS = (PUBLIC, US_GOVERNMENT, CHINA)


_NETLOC = re.compile(r"([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")
_PATH = re.compile(r"[A-Za-z0-9/_.~-]*")


def is_loopback(host: str) -> bool:
    """Whether the host can only be this machine: `localhost`, 127.0.0.0/8 or ::1."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_endpoint(url: str) -> str:
    """Return the ARM endpoint without a trailing slash.

    Raises UsageError unless it is https, or http to a loopback host: a bearer token never crosses a network in clear.
    """
    try:
        parts = urlsplit(url.strip())
        host, _port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or not _PATH.fullmatch(parts.path):
        raise UsageError(
            f"{url!r} is not an ARM endpoint.", hint="An endpoint is a URL such as https://management.azure.com."
        )
    if parts.query or parts.fragment or not _NETLOC.fullmatch(parts.netloc):
        raise UsageError("An ARM endpoint is scheme, host and port; it has no user, query or fragment.")
    if parts.scheme == "http" and not is_loopback(host):
        raise UsageError(
            f"The endpoint {parts.scheme}://{parts.netloc} would send the token in clear text.",
            hint="Use https; plain http is for a loopback address only.",
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def known_cloud(endpoint: str) -> Cloud | None:
    """The cloud of the table that an endpoint belongs to."""
    host = (urlsplit(endpoint).hostname or "").lower()
    return next((cloud for cloud in CLOUDS if host == urlsplit(cloud.resource_manager).hostname), None)


def custom_cloud(endpoint: str, like: Cloud = PUBLIC) -> Cloud:
    """A cloud of its own at an endpoint, with the logins of another."""
    return Cloud("custom", endpoint, like.authority, like.audience)


def cloud_of(endpoint: str) -> Cloud:
    """The cloud an endpoint belongs to; an endpoint of no known cloud is a cloud of its own with the public logins."""
    return known_cloud(endpoint) or custom_cloud(endpoint)


def described_cloud(endpoint: str, document: object) -> Cloud | None:
    """The cloud that an endpoint's metadata document describes; None where it says nothing of logins.

    The document is one cloud, or a list of them; then the one of that endpoint. AD FS, where an Azure Stack Hub has no
    Entra ID, is named by its place at the end of the login's URL; in ours it stands where a tenant does.
    """
    if isinstance(document, list):
        host = urlsplit(endpoint).netloc
        document = next((one for one in document if urlsplit(_text(one, "resourceManager")).netloc == host), None)
    found = document.get("authentication") if isinstance(document, dict) else None
    audiences = found.get("audiences") if isinstance(found, dict) else None
    login = _text(found, "loginEndpoint").rstrip("/").removesuffix("/adfs")
    if not login or not isinstance(audiences, list) or not audiences or not isinstance(audiences[0], str):
        return None
    return Cloud("custom", endpoint, login, audiences[0])


def _text(holder: object, name: str) -> str:
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, str) else ""
