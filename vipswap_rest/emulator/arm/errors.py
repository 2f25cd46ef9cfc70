"""ARM's errors: their codes, texts and shapes. Where a text is not recorded anywhere, the function says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from ..messages import Json
from ..settings import CLIENT_ID, OBJECT_ID


class ArmError(Exception):
    """The call is refused with an error of ARM's form; nothing was changed.

    gateway: whether ARM itself answers (no service request id, x-ms-failure-cause) or the resource provider.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Sequence[Json] | None = (),
        *,
        gateway: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.gateway = gateway
        self.headers = dict(headers or {})
        error: Json = {"code": code, "message": message}
        # Recorded: providers' errors carry `details`, empty or not; the gateway's carry none.
        if not gateway and details is not None:
            error["details"] = list(details)
        self.body: Json = {"error": error}


def gateway(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> ArmError:
    """An error that ARM itself answers with, before any provider sees the call."""
    return ArmError(status, code, message, gateway=True, headers=headers)


def _unauthorized(code: str, message: str, description: str = "") -> ArmError:
    """401, with the challenge that says why; its description is the message, unless there is another."""
    said = f'error="invalid_token", error_description="{description or message}"'
    challenge = f'Bearer authorization_uri="https://login.windows.net/", {said}'
    return gateway(401, code, message, {"WWW-Authenticate": challenge})


def unauthenticated() -> ArmError:
    """401: no token was sent."""
    message = "Authentication failed. The 'Authorization' header is missing."
    return _unauthorized("AuthenticationFailed", message)


def authorization_malformed() -> ArmError:
    """401: the header has another scheme than Bearer, or no single token (text from issue 5767 of Azure/azure-cli)."""
    message = "Authentication failed. The 'Authorization' header is provided in an invalid format."
    return _unauthorized("AuthenticationFailed", message)


def token_expired() -> ArmError:
    """401: the token's time is over."""
    message = "The access token expiry time is earlier than the current time."
    return _unauthorized("ExpiredAuthenticationToken", message)


def token_invalid() -> ArmError:
    """401: this ARM's authority did not issue the token (code and text from users' reports)."""
    message = "The access token is invalid."
    return _unauthorized("InvalidAuthenticationToken", message)


def token_audience(audience: str, allowed: Iterable[str]) -> ArmError:
    """401: the token is for something else than ARM (text from users' reports, such as issue 145 of
    Azure-Samples/active-directory-dotnetcore-daemon-v2).
    """
    said = f"The access token has been obtained for wrong audience or resource '{audience}'."
    names = ",".join(f"'{one}'" for one in allowed)
    message = f"{said} It should exactly match with one of the allowed audiences {names}."
    return _unauthorized("InvalidAuthenticationTokenAudience", message, "The access token is invalid.")


def api_version_missing() -> ArmError:
    """400: every call needs its api-version."""
    message = "The api-version query parameter (?api-version=) is required for all requests."
    return gateway(400, "MissingApiVersionParameter", message)


def api_version_invalid(version: str, known: Sequence[str]) -> ArmError:
    """400: an api-version that ARM itself does not have."""
    message = f"The api-version '{version}' is invalid. The supported versions are '{','.join(known)}'."
    return gateway(400, "InvalidApiVersionParameter", message)


def provider_not_registered(kind: str, version: str, location: str, known: Sequence[str]) -> ArmError:
    """400: the provider has the resource's type, but not at this api-version (text from Microsoft's documentation).

    https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-register-resource-provider
    """
    message = (
        f"No registered resource provider found for location '{location}' and API version '{version}' for type "
        f"'{kind}'. The supported api-versions are '{', '.join(known)}'."
    )
    return gateway(400, "NoRegisteredProviderFound", message)


def type_not_found(kind: str, namespace: str, version: str, known: Sequence[str]) -> ArmError:
    """404: the provider has no such type at this api-version (text from users' reports)."""
    message = (
        f"The resource type '{kind}' could not be found in the namespace '{namespace}' for api version '{version}'. "
        f"The supported api-versions are '{','.join(known)}'."
    )
    return gateway(404, "InvalidResourceType", message)


def media_type(given: str) -> ArmError:
    """415: a body that is no JSON by its Content-Type."""
    message = f"The content media type '{given}' is not supported. Only 'application/json' is supported."
    return gateway(415, "UnsupportedMediaType", message)


def unknown_path(path: str) -> ArmError:
    """404: nothing of ARM's is at this path (the emulator's wording)."""
    return gateway(404, "NotFound", f"No resource was found that matches the request path '{path}'.")


def method_not_allowed(method: str, allowed: Sequence[str]) -> ArmError:
    """405: the resource exists, but not for this method."""
    message = f"The requested resource does not support http method '{method}'."
    return gateway(405, "MethodNotAllowed", message, {"Allow": ", ".join(allowed)})


def subscription_not_found(subscription: str) -> ArmError:
    """404: no such subscription, or none that this token may see."""
    return gateway(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")


def subscription_malformed(subscription: str) -> ArmError:
    """400: the subscription is no GUID."""
    message = f"The provided subscription identifier '{subscription}' is malformed or invalid."
    return gateway(400, "InvalidSubscriptionId", message)


def group_not_found(group: str) -> ArmError:
    """404: no such resource group."""
    return gateway(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def namespace_not_found(namespace: str) -> ArmError:
    """404: no such resource provider."""
    message = f"The resource namespace '{namespace}' is invalid."
    return gateway(404, "InvalidResourceNamespace", message)


def filter_invalid(text: str) -> ArmError:
    """400: a `$filter` that ARM's list of resources does not know (the emulator's wording)."""
    return gateway(400, "InvalidFilterInQueryString", f"Invalid $filter '{text}' specified in the query string.")


def resource_not_found(kind: str, name: str, group: str) -> ArmError:
    """404 of the gateway: it has never heard of the resource. `kind` is the full type, `Microsoft.Network/...`."""
    message = (
        f"The Resource '{kind}/{name}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix"
    )
    return gateway(404, "ResourceNotFound", message)


def not_found(resource: str) -> ArmError:
    """404 of the provider: the gateway let the call pass, but the resource is gone, or is no child of its parent."""
    return ArmError(404, "NotFound", f"Resource {resource} not found.")


def operation_not_found(operation: str) -> ArmError:
    """404: no such operation (the emulator's wording)."""
    return ArmError(404, "NotFound", f"Operation {operation} not found.")


def operation_refused() -> ArmError:
    """403: an operation's URL must come back as it was handed out (the emulator's wording)."""
    message = "The signature of the operation URL is missing or does not match; it must be polled verbatim."
    return gateway(403, "AuthorizationFailed", message)


def content_invalid(reason: str) -> ArmError:
    """400 of the gateway: the body is no JSON object."""
    message = f"The request content was invalid and could not be deserialized: '{reason}'."
    return gateway(400, "InvalidRequestContent", message)


def format_invalid(*reasons: str) -> ArmError:
    """400 of the provider: the body is JSON, but not of the resource's form."""
    return unparsable(*(("InvalidJson", reason) for reason in reasons))


def unparsable(*reasons: tuple[str, str]) -> ArmError:
    """400 of the provider: what is wrong with the body's form, each reason a code and a text."""
    details = [{"code": code, "message": message} for code, message in reasons]
    return ArmError(400, "InvalidRequestFormat", "Cannot parse the request.", details)


def duplicate_child(kind: str, name: str) -> ArmError:
    """400: two children of one name. The id without names is ARM's (text from users' reports)."""
    resource = f"/subscriptions//resourceGroups//providers/{kind}/"
    message = f"Resource {resource} has two child resources with the same name ({name})."
    return unparsable(("DuplicateResourceName", message))


def sku_cannot_be_changed(resource: str, present: str, wanted: str) -> ArmError:
    """400: a load balancer keeps its SKU (text from issue 6743 of Azure/azure-cli, code from Microsoft's SDKs)."""
    message = (
        f"Sku property is set at creation time and cannot be changed from {present} to {wanted} on resource update "
        f"for resource {resource}."
    )
    return ArmError(400, "SkuCannotBeChangedOnUpdate", message)


def name_invalid(name: str) -> ArmError:
    """400: a name that no resource may bear."""
    return gateway(400, "InvalidResourceName", f"Resource name {name} is invalid.")


def location_required() -> ArmError:
    """400: a PUT without `location`."""
    return gateway(400, "LocationRequired", "The location property is required for this definition.")


def location_changed(name: str, group: str, present: str, wanted: str) -> ArmError:
    """409: a resource does not move by a PUT. ARM answers this one as a conflict."""
    message = (
        f"The resource '{name}' already exists in location '{present}' in resource group '{group}'. "
        f"A resource with the same name cannot be created in location '{wanted}'. Please select a new resource name."
    )
    return gateway(409, "InvalidResourceLocation", message)


def etag_mismatch(given: str, present: str, resource: str) -> ArmError:
    """412: If-Match names another state of the resource."""
    detail = (
        f'Etag provided in if-match header W/"{given}" does not match etag {present} '
        f"of resource {resource} in NRP data store."
    )
    return _precondition("PreconditionFailedEtagMismatch", detail)


def resource_exists(resource: str) -> ArmError:
    """412: `If-None-Match: *` on something that exists (the emulator's wording; not seen in any recording)."""
    detail = f"If-none-match header is * but resource {resource} already exists in NRP data store."
    return _precondition("PreconditionFailedResourceExists", detail)


def _precondition(code: str, message: str) -> ArmError:
    return ArmError(412, "PreconditionFailed", "Precondition failed.", [{"code": code, "message": message}])


def not_provisioned(resource: str, user: str, state: str, operation: str) -> ArmError:
    """429: something that the call refers to is busy or failed. `user` is the id of what refers to it."""
    detail = (
        f"Cannot proceed with operation because resource {resource} used by resource {user} is not in Succeeded "
        f"state. Resource is in {state} state and the last operation that updated/is updating the resource is "
        f"{operation}."
    )
    return _retryable("ReferencedResourceNotProvisioned", detail)


def busy(operation: str, operation_id: str, resource: str, seconds: int) -> ArmError:
    """429: another operation has the resource; only the message says how long to wait, as recorded."""
    detail = (
        f"Operation {operation} ({operation_id}) is updating resource {resource}. "
        f"The call can be retried in {seconds} seconds."
    )
    return _retryable("RetryableErrorDueToAnotherOperation", detail)


def _retryable(code: str, message: str) -> ArmError:
    return ArmError(429, "RetryableError", "A retryable error occurred.", [{"code": code, "message": message}])


def subscription_throttled(kind: str, subscription: str | None, seconds: int) -> ArmError:
    """429 of the gateway: a principal's token bucket is empty (code and text from users' reports)."""
    where = f"subscription '{subscription}'" if subscription else "tenant"
    message = (
        f"Number of '{kind}' requests for {where} actor '{OBJECT_ID}' exceeded. Please try again after '{seconds}' "
        "seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for additional "
        "information."
    )
    return gateway(429, "SubscriptionRequestsThrottled", message, {"Retry-After": str(seconds)})


def resource_throttled(action: str, most: int, interval: int, seconds: int) -> ArmError:
    """429 of the gateway: a provider's own limit is reached (recorded for Recovery Services)."""
    message = (
        f"Number of requests for action '{action}' exceeded the limit of '{most}' for time interval "
        f"'{timedelta(seconds=interval)!s:0>8}'. Please try again after '{seconds}' seconds."
    )
    return gateway(429, "ResourceRequestsThrottled", message, {"Retry-After": str(seconds)})


def compute(status: int, code: str, message: str, *, target: str | None = None) -> ArmError:
    """A refusal of Microsoft.Compute's; recorded: without details, some with a target."""
    error = ArmError(status, code, message, None)
    if target is not None:
        error.body["error"]["target"] = target
    return error


def another_operation(operation_id: str) -> ArmError:
    """409: the resource is being deleted."""
    message = (
        "Another operation on this or dependent resource is in progress. "
        f"To retrieve status of the operation use uri: {operation_id}."
    )
    return ArmError(409, "AnotherOperationInProgress", message)


def reference_not_found(referenced: str, user: str) -> ArmError:
    """400: a reference to something within the resource that is not there."""
    return ArmError(400, "InvalidResourceReference", _reference(referenced, user))


def resource_reference_not_found(referenced: str, user: str) -> ArmError:
    """400: a reference to another resource that is not there, or is in another place.

    Recorded: its group and its name are in capitals, and the details say it again.
    """
    parts = referenced.split("/")
    shown = "/".join(part.upper() if index in (4, 8) else part for index, part in enumerate(parts))
    details = [{"code": "NotFound", "message": f"Resource {shown} not found."}]
    return ArmError(400, "InvalidResourceReference", _reference(shown, user), details)


def _reference(referenced: str, user: str) -> str:
    return (
        f"Resource {referenced} referenced by resource {user} was not found. "
        "Please make sure that the referenced resource exists, and that both resources are in the same region."
    )


def reference_across_places(user: str, referenced: str) -> ArmError:
    """400: a reference to something in another edge zone (code from azure-powershell's issue 18951; the words are the
    emulator's).
    """
    message = f"Resource {user} may not reference resource {referenced}, which is in another extended location."
    return ArmError(400, "ResourceMayNotReferenceCrossLocationResource", message)


def address_in_use(frontend: str, public_ip: str, owner: str) -> ArmError:
    """400: the address belongs to another IP configuration."""
    message = (
        f"Resource {frontend} is referencing public IP address {public_ip} "
        f"that is already allocated to resource {owner}."
    )
    return ArmError(400, "PublicIPAddressInUse", message)


def address_cannot_be_deleted(public_ip: str, owner: str) -> ArmError:
    """400: the address is still allocated; the two blanks before `To` are ARM's."""
    message = (
        f"Public IP address {public_ip} can not be deleted since it is still allocated to resource {owner}. "
        "In order to delete the public IP, disassociate/detach the Public IP address from the resource.  "
        "To learn how to do this, see aka.ms/deletepublicip."
    )
    return ArmError(400, "PublicIPAddressCannotBeDeleted", message)


def standard_must_be_static(public_ip: str) -> ArmError:
    """400: a Standard address cannot be Dynamic (code and text from users' reports)."""
    message = f"Standard sku publicIp {public_ip} must have AllocationMethod set to Static."
    return ArmError(400, "StandardSkuPublicIPAddressesMustBeStatic", message)


def basic_ipv6_is_dynamic(public_ip: str) -> ArmError:
    """400: a Basic IPv6 address cannot be Static (issue 14762 of hashicorp/terraform-provider-azurerm)."""
    code = "CannotSpecifyPublicIpAllocationMethodAsStaticForIpV6PublicIp"
    return ArmError(400, code, f"Cannot specify publicIpAllocationMethod as Static for IPv6 PublicIp {public_ip}.")


def multiple_zones(resource: str, count: int) -> ArmError:
    """400: an older api-version takes one zone only (issue 97098 of MicrosoftDocs/azure-docs)."""
    message = f"Resource {resource} has {count} zones specified. Only one zone can be specified for this resource."
    return ArmError(400, "ResourceCannotHaveMultipleZonesSpecified", message)


def zones_cannot_be_modified(resource: str, present: Sequence[str] | None, wanted: Sequence[str]) -> ArmError:
    """400: zones are fixed at creation; `present` None leaves the gap that the recording has for a frontend."""
    constraint = "" if present is None else ", ".join(present) or "NoZone"
    message = (
        f"Resource {resource} has an existing availability zone constraint {constraint} and the request has "
        f"availability zone constraint {', '.join(wanted) or 'NoZone'}, which do not match. Zones cannot be "
        "added/updated/removed once the resource is created. The resource cannot be updated from regional to zonal "
        "or vice-versa."
    )
    return ArmError(400, "ResourceAvailabilityZonesCannotBeModified", message)


_CLIENT = f"The client '{CLIENT_ID}' with object id '{OBJECT_ID}'"


def authorization_failed(action: str, scope: str) -> ArmError:
    """403: no role grants the action on the scope (recorded)."""
    message = (
        f"{_CLIENT} does not have authorization to perform action '{action}' over scope '{scope}' or the scope is "
        "invalid. If access was recently granted, please refresh your credentials."
    )
    return gateway(403, "AuthorizationFailed", message)


def linked_authorization_failed(action: str, scope: str, linked_action: str, linked_scope: str) -> ArmError:
    """403: the call itself is granted, the use of what it refers to is not (text from users' reports)."""
    message = (
        f"{_CLIENT} has permission to perform action '{action}' on scope '{scope}'; however, it does not have "
        f"permission to perform action(s) '{linked_action}' on the linked scope(s) '{linked_scope}' (respectively) or "
        "the linked scope(s) are invalid."
    )
    return gateway(403, "LinkedAuthorizationFailed", message)


def scope_locked(scope: str, operation: str, locked: Sequence[str]) -> ArmError:
    """409: a lock forbids it (recorded for a group's deletion; users report the same words for writes)."""
    message = (
        f"The scope '{scope}' cannot perform {operation} operation because following scope(s) are locked: "
        f"{', '.join(repr(one) for one in locked)}. Please remove the lock and try again."
    )
    return gateway(409, "ScopeLocked", message)


def lock_not_found(name: str) -> ArmError:
    """404: no such lock."""
    return gateway(404, "LockNotFound", f"The lock '{name}' could not be found.")


def too_many_addresses(limit: int) -> ArmError:
    """400: the region's quota is used up (code and text from users' reports)."""
    message = f"Cannot create more than {limit} public IP addresses for this subscription in this region."
    return ArmError(400, "PublicIPCountLimitReached", message)
