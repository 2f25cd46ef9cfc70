"""ARM's account of its cloud, given to anybody: where to log in, for which audience, and what else the cloud is called.

Its form went through three stages. 2015-01-01 has one cloud in the words of Azure Stack
(https://learn.microsoft.com/azure-stack/user/azure-stack-rest-api-use); from 2019-05-01 on a list of clouds
(https://learn.microsoft.com/powershell/module/az.accounts/add-azenvironment, discovery by URI); in 2022-09-01 again one
cloud, in the words of that list (the answer of public Azure stands in azure-cli's issue 29283).
"""

from __future__ import annotations

from ..arm import errors
from ..messages import Answer, Json, Request, json_answer

# What public Azure says; the first is the one that az asks tokens for.
AUDIENCES = ("https://management.core.windows.net/", "https://management.azure.com/")
_LIST, _SINGLE = "2019-05-01", "2022-09-01"
_PLACE = ("metadata", "endpoints")
_GRAPH = "https://graph.windows.net/"
_PORTAL = "https://portal.azure.com"
_GALLERY = "https://gallery.azure.com/"


def serves(request: Request) -> bool:
    """Whether a request is for this document rather than for a resource."""
    return request.words == _PLACE


def handle(request: Request) -> Answer:
    """The document as the api-version shows it; no token is needed."""
    version = request.query.get("api-version", "")
    refusal = None
    if request.method != "GET":
        refusal = errors.method_not_allowed(request.method, ["GET"])
    elif not version:
        refusal = errors.api_version_missing()
    if refusal is not None:
        return json_answer(refusal.status, refusal.body, refusal.headers)
    return json_answer(200, _document(request.origin, version[:10]))


def _document(origin: str, version: str) -> Json | list[Json]:
    if version < _LIST:
        return {
            "galleryEndpoint": _GALLERY,
            "graphEndpoint": _GRAPH,
            "portalEndpoint": _PORTAL,
            "authentication": _authentication(f"{origin}/"),
        }
    return [_cloud(origin)] if version < _SINGLE else _cloud(origin)


def _authentication(login: str) -> Json:
    return {"loginEndpoint": login, "audiences": list(AUDIENCES), "tenant": "common", "identityProvider": "AAD"}


def _cloud(origin: str) -> Json:
    """Public Azure, with the emulator in the place of its ARM and its login."""
    return {
        "portal": _PORTAL,
        "authentication": _authentication(origin),
        "media": "https://rest.media.azure.net",
        "graphAudience": _GRAPH,
        "graph": _GRAPH,
        "name": "AzureCloud",
        "suffixes": {
            "azureDataLakeStoreFileSystem": "azuredatalakestore.net",
            "acrLoginServer": "azurecr.io",
            "sqlServerHostname": "database.windows.net",
            "azureDataLakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.net",
            "keyVaultDns": "vault.azure.net",
            "storage": "core.windows.net",
            "azureFrontDoorEndpointSuffix": "azurefd.net",
            "storageSyncEndpointSuffix": "afs.azure.net",
            "mhsmDns": "managedhsm.azure.net",
            "mysqlServerEndpoint": "mysql.database.azure.com",
            "postgresqlServerEndpoint": "postgres.database.azure.com",
            "mariadbServerEndpoint": "mariadb.database.azure.com",
            "synapseAnalytics": "dev.azuresynapse.net",
            "attestationEndpoint": "attest.azure.net",
        },
        "batch": "https://batch.core.windows.net/",
        "resourceManager": f"{origin}/",
        "vmImageAliasDoc": "https://raw.githubusercontent.com/Azure/azure-rest-api-specs/master/"
        "arm-compute/quickstart-templates/aliases.json",
        "activeDirectoryDataLake": "https://datalake.azure.net/",
        "sqlManagement": "https://management.core.windows.net:8443/",
        "microsoftGraphResourceId": "https://graph.microsoft.com/",
        "appInsightsResourceId": "https://api.applicationinsights.io",
        "appInsightsTelemetryChannelResourceId": "https://dc.applicationinsights.azure.com/v2/track",
        "attestationResourceId": "https://attest.azure.net",
        "synapseAnalyticsResourceId": "https://dev.azuresynapse.net",
        "logAnalyticsResourceId": "https://api.loganalytics.io",
        "ossrDbmsResourceId": "https://ossrdbms-aad.database.windows.net",
        "gallery": _GALLERY,
    }
