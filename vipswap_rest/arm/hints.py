"""What a user can do about ARM's errors: by what the error says, by code, by what it means, and by HTTP status."""

from __future__ import annotations

import re

from vipswap_rest.arm.refusals import Kind, kind_of

# What to do next, by ARM's code. A code of the details goes before the outer one.
_HINTS: dict[str, str] = {
    "ExpiredAuthenticationToken": "Get a fresh token (`az account get-access-token`) and run the same line again.",
    "InvalidAuthenticationToken": "The token is not one that ARM accepts: get a fresh one for this cloud.",
    "InvalidAuthenticationTokenAudience": (
        "The token is for another audience than this ARM: check --endpoint and --cloud, or get one for it "
        "(`az account get-access-token`)."
    ),
    "InvalidAuthenticationTokenTenant": "The token is of another tenant: log in to the subscription's tenant.",
    "AuthenticationFailed": "Log in (`az login`) or set AZURE_ACCESS_TOKEN.",
    "AuthorizationFailed": "Grant the identity the action named above, or the role Network Contributor.",
    "LinkedAuthorizationFailed": (
        "Grant the identity the action named above on the resource named above; for an address that is "
        "publicIPAddresses/join/action."
    ),
    "RequestDisallowedByPolicy": (
        "The policy assignment named above forbids it: ask its owner for an exemption, or meet what it asks for."
    ),
    "insufficient_claims": "Log in again with multi-factor authentication, and run the same line again.",
    "DenyAssignmentAuthorizationFailed": (
        "A deny assignment forbids it, whatever the role: whoever manages it must exclude this login or this action."
    ),
    "ReadOnlyDisabledSubscription": (
        "The subscription is disabled: enable it again (`az account subscription enable`, or its billing owner)."
    ),
    "QuotaExceeded": "A quota is used up: free some of it, or ask for more (`az network list-usages`).",
    "PublicIPCountLimitReached": "The quota of addresses is used up: free one, or ask for more.",
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
    "ReferencedResourceNotProvisioned": "A resource it refers to is busy or failed: repair it first.",
    "RetryableError": "Wait a minute and run the same line again.",
    "MissingSubscriptionRegistration": "Register the provider: `az provider register -n Microsoft.Network`.",
}

# Where no code says more.
_HINTS_BY_KIND: dict[Kind, str] = {
    Kind.BUSY: _HINTS["AnotherOperationInProgress"],
    Kind.THROTTLED: "ARM is throttling this identity: wait a few minutes and run the same line again.",
    Kind.LOGIN: _HINTS["AuthenticationFailed"],
    Kind.MISSING: _HINTS["NotFound"],
}
_HINTS_BY_STATUS: dict[int, str] = {
    403: _HINTS["AuthorizationFailed"],
    409: "Another resource or operation prevents it, named above: remove or wait for it, then run the same line again.",
    412: "Somebody else changed it in between; run the same line again.",
}

# As recorded: "The supported api-versions are '2019-12-01,2020-03-01'", "The supported versions are '...'".
_SUPPORTED = re.compile(r"supported (?:api-)?versions are '([^']*)'", re.IGNORECASE)
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(?![\w-])")
# As users report: "... because of the deny assignment with name 'NAME' and Id 'ID' at scope 'SCOPE'".
_DENIED = re.compile(r"deny assignment with name '([^']+)'(?: and id '([^']+)')?", re.IGNORECASE)
# The claims of a challenge, base64 (https://learn.microsoft.com/entra/identity-platform/claims-challenge).
_CLAIMS = re.compile(r'claims="?([A-Za-z0-9+/=_%-]{4,4000})', re.IGNORECASE)


def hint_for(status: int | None, *codes: str, text: str = "") -> str:
    """What to do next about an error of ARM's, or of an operation's (status None: it ended badly).

    `codes`: the error's, those of its details first, because Network puts the telling one there. `text`: all that it
    says.
    """
    told = _by_words(codes, text)
    if told:
        return told
    for known in codes:
        if known in _HINTS:
            return _HINTS[known]
    kind = kind_of(status, codes, text)
    if kind in _HINTS_BY_KIND:
        return _HINTS_BY_KIND[kind]
    if status in _HINTS_BY_STATUS:
        return _HINTS_BY_STATUS[status]
    if status is None:
        return "Look at the resource's provisioning state and run the same line again."
    if status >= 500:
        return (
            "ARM itself failed: run the same line again in a minute; quote the request id to support if this continues."
        )
    return "The request was rejected and changed nothing: correct what the message names and try again."


def _by_words(codes: tuple[str, ...], text: str) -> str:
    """The way out that the error's own words name, if they do."""
    claims, denied, supported = _CLAIMS.search(text), _DENIED.search(text), _SUPPORTED.search(text)
    if "insufficient_claims" in codes and claims:
        return (
            f'Log in again with the claims that ARM asks for: az login --claims-challenge "{claims[1]}", and run the '
            "same line again; a service principal or managed identity is not asked for multi-factor authentication."
        )
    if denied:
        which = f"'{denied[1]}'" + (f" (id {denied[2]})" if denied[2] else "")
        return (
            f"The deny assignment {which} forbids it, whatever the role: whoever manages it (a deployment stack, a "
            "managed application) must exclude this login or this action."
        )
    versions = _VERSION.findall(supported[1]) if supported else []
    if versions:
        return f"This ARM does not know the api-version: add --api-version {max(versions)}, the newest that it lists."
    if {"NoRegisteredProviderFound", "InvalidResourceType", "InvalidApiVersionParameter"} & set(codes):
        return "This ARM does not know the api-version or the type: try an older one with --api-version."
    return ""
