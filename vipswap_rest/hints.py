"""What a user can do about ARM's errors, by code and by HTTP status."""

from __future__ import annotations

# What to do next, by ARM's code. A code of the details goes before the outer one.
_HINTS: dict[str, str] = {
    "ExpiredAuthenticationToken": "Get a fresh token (`az account get-access-token`) and run the same line again.",
    "InvalidAuthenticationToken": "The token is not one that ARM accepts: get a fresh one for this cloud.",
    "InvalidAuthenticationTokenAudience": (
        "The token is for something else than this ARM: check --endpoint and --cloud, or get one for it "
        "(`az account get-access-token`)."
    ),
    "InvalidAuthenticationTokenTenant": "The token is of another tenant: log in to the subscription's tenant.",
    "AuthenticationFailed": "Log in (`az login`) or set AZURE_ACCESS_TOKEN.",
    "AuthorizationFailed": "Grant the identity the action named above, or the role Network Contributor.",
    "LinkedAuthorizationFailed": (
        "Grant the identity the action named above on the resource named above; for an address that is "
        "publicIPAddresses/join/action."
    ),
    "RequestDisallowedByPolicy": "A policy forbids it: ask its owner for an exemption, or meet what it asks for.",
    "ResourceNotFound": "Check the name, the resource group and the subscription.",
    "NotFound": "Check the name, the resource group and the subscription.",
    "ResourceGroupNotFound": "Check the resource group and the subscription (`az group list`).",
    "SubscriptionNotFound": "Check the subscription, and that this login may see it (`az account list`).",
    "ScopeLocked": "Remove the lock named above (`az lock list`) and run the same line again.",
    "PreconditionFailedEtagMismatch": "Somebody else changed it in between; run the same line again.",
    "PublicIPAddressInUse": "Something else took the address: see its ipConfiguration.",
    "PublicIPAddressCannotBeDeleted": "Something still holds the address: see its ipConfiguration.",
    "PublicIPAndLBSkuDoNotMatch": "Both load balancers and their addresses must be of one SKU.",
    "AnotherOperationInProgress": "Wait for the other operation to end and run the same line again.",
    "RetryableErrorDueToAnotherOperation": "Wait for the other operation to end and run the same line again.",
    "CanceledAndSupersededDueToAnotherOperation": "Another write came in between; run the same line again.",
    "ReferencedResourceNotProvisioned": "A resource it refers to is busy or failed: mend that one first.",
    "RetryableError": "Wait a minute and run the same line again.",
    "MissingSubscriptionRegistration": "Register the provider: `az provider register -n Microsoft.Network`.",
}

# Where the code says nothing to us.
_HINTS_BY_STATUS: dict[int, str] = {
    401: _HINTS["AuthenticationFailed"],
    403: _HINTS["AuthorizationFailed"],
    404: _HINTS["NotFound"],
    409: "Something stands in the way, named above: clear it, or wait for it, and run the same line again.",
    412: "Somebody else changed it in between; run the same line again.",
    429: "ARM is throttling this identity: wait a few minutes and run the same line again.",
}


def hint_for(status: int | None, *codes: str) -> str:
    """What to do next about an error of ARM's, or of an operation's (status None: it ended badly).

    `codes`: the error's, those of its details first, because Network puts the telling one there.
    """
    for known in codes:
        if known in _HINTS:
            return _HINTS[known]
    if status in _HINTS_BY_STATUS:
        return _HINTS_BY_STATUS[status]
    if status is None:
        return "Look at the resource's provisioning state and run the same line again."
    if status >= 500:
        return "ARM itself failed: run the same line again in a minute; quote the request id to support if it stays."
    return "The request is refused as it stands and changed nothing: mend what the message names and try again."
