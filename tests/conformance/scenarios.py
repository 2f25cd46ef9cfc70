"""What else the two mock servers can play of operations, lists and retries, beyond the list in shared/lro.

In the form that its drive.py reads. Each was read out of the servers' own code; `keys` are the counters by which the
first of them tells that a scenario was played to its end.
"""

from __future__ import annotations

from typing import Any

PRODUCT = {"id": "100", "name": "foo"}
ID_HEADER = {"x-ms-client-request-id": "9C4D50EE-2D56-4CD3-8152-34347DC9F2B0"}
NAMES = {"item_name": "values", "next_link_name": "nextLink"}
ARM_NAMES = {"item_name": "value", "next_link_name": "nextLink"}
VERSION = {"api-version": "2023-12-01-preview"}
GROUP = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/test-rg/providers"
TEMPLATES = f"{GROUP}/Azure.ResourceManager.OperationTemplates"


def success(status: int | None = None, body: Any = None, **more: Any) -> dict[str, Any]:
    """The outcome of a scenario that ends well: the last answer's status, what its body holds, how many items."""
    return {
        "result": "success",
        **({} if status is None else {"final_status": status}),
        **({} if body is None else {"final_body_subset": body}),
        **more,
    }


def error(status: int | None = None, says: str | None = None) -> dict[str, Any]:
    """The outcome of a scenario that must not end well."""
    return {"result": "error", "http_status": status, "message_contains": says}


def scenario(op: str, method: str, path: str, expect: dict[str, Any], keys: str = "", **more: Any) -> dict[str, Any]:
    """One scenario; `keys` are counters of the autorest server, and without any it is one of spector's."""
    suite, category = ("autorest", more.pop("category", "azure")) if keys else ("spector", "")
    return {
        "name": f"{suite}:{method} {path}",
        "suite": suite,
        "kind": more.pop("kind", op),
        "op": op,
        "method": method,
        "path": path,
        "body": {"location": "West US"} if keys and method != "GET" else None,
        "expect": expect,
        "coverage": {"category": category, "keys": keys.split()} if keys else None,
        **more,
    }


def lro(method: str, path: str, expect: dict[str, Any], keys: str, **more: Any) -> dict[str, Any]:
    """A long-running operation of the autorest server."""
    return scenario("lro", method, f"/lro/{path}", expect, keys, **more)


def paged(path: str, expect: dict[str, Any], key: str, **more: Any) -> dict[str, Any]:
    """A list of the autorest server."""
    return scenario("list", "GET", f"/paging/{path}", expect, key, **{"paging": NAMES, **more})


SCENARIOS: list[dict[str, Any]] = [
    # --- how it begins, and how it ends
    lro("PUT", "put/200/succeeded", success(200, PRODUCT), "LROPutInlineComplete"),
    lro("PUT", "put/202/retry/200", success(200, PRODUCT), "LROPut202Retry200"),
    lro("PUT", "put/200/updating/succeeded/200", success(200, PRODUCT), "LROPutSucceededNoBody"),
    lro("PUT", "put/201/created/failed/200", error(says="failed"), "LROPutFailed"),
    lro("PUT", "putasync/noretry/succeeded", success(200, PRODUCT), "LROPutAsyncNoRetrySucceeded"),
    lro("PUT", "putasync/retry/failed", error(says="failed"), "LROPutAsyncRetryFailed"),
    lro("PATCH", "patch/201/retry/onlyAsyncHeader", success(200, {"name": "foo"}), "LROPatch201WithAsyncHeader"),
    lro("DELETE", "delete/202/retry/200", success(200), "LRODelete200"),
    lro("DELETE", "delete/provisioning/202/deleting/200/failed", error(), "LRODeleteProvisioningFailed"),
    lro("DELETE", "deleteasync/noretry/succeeded", success(), "LRODeleteAsyncNoRetrySucceeded"),
    lro("DELETE", "deleteasync/retry/canceled", error(says="canceled"), "LRODeleteAsyncRetryCanceled"),
    lro("POST", "postasync/noretry/succeeded", success(200, PRODUCT), "LROPostAsyncNoRetrySucceeded"),
    lro("POST", "post/payload/200", success(200, {"id": "1", "name": "product"}), "LROPost200"),
    lro("POST", "list", success(200, [PRODUCT]), "LROPostAndGetList"),
    lro("POST", "customheader/post/202/retry/200", success(200), "CustomHeaderPostSucceeded", headers=ID_HEADER),
    scenario(
        "lro",
        "POST",
        "/lroConstantParameterizedEndpoints/iAmConstant",
        success(200, "success"),
        "LROConstantParameterizedPost LROConstantParameterizedGet",
    ),
    # --- tried again, or not
    lro(
        "DELETE",
        "retryerror/delete/provisioning/202/accepted/200/succeeded",
        success(200, PRODUCT),
        "LRORetryErrorDelete202Accepted200Succeeded",
    ),
    {**lro("POST", "retryerror/post/202/retry/200", error(500), "-"), "coverage": None},
    # --- refused, and malformed
    lro("PUT", "nonretryerror/put/201/creating/400/invalidjson", error(400), "LRONonRetryPut201Creating400InvalidJson"),
    lro("POST", "nonretryerror/post/202/retry/400", error(400), "LRONonRetryPost202Retry400"),
    lro("POST", "nonretryerror/postasync/retry/400", error(400), "LRONonRetryPostAsyncRetry400"),
    lro("PUT", "error/putasync/retry/nostatus", error(), "LROErrorPutAsyncNoPollingStatus"),
    lro("PUT", "error/putasync/retry/nostatuspayload", error(), "LROErrorPutAsyncNoPollingStatusPayload"),
    lro("PUT", "error/putasync/retry/invalidheader", error(), "LROErrorPutAsyncInvalidHeader"),
    lro("DELETE", "error/delete/204/nolocation", success(204), "LROErrorDeleteNoLocation"),
    lro("DELETE", "error/deleteasync/retry/nostatus", error(), "LROErrorDeleteAsyncNoPollingStatus"),
    lro("DELETE", "error/deleteasync/retry/invalidjsonpolling", error(), "LROErrorDeleteAsyncInvalidJsonPolling"),
    # --- lists
    paged("nullnextlink", success(items=1), "PagingNextLinkNameNull", paging={**NAMES, "next_link_name": None}),
    paged("single/getWithBodyParams", success(items=1), "PagingSingleWithBodyParams", body={"name": "body"}),
    paged("multiple", success(items=10), "PagingMultiple"),
    paged("multiple/retryfirst", success(items=10), "PagingMultipleRetryFirst"),
    paged("multiple/failure", error(400), "PagingMultipleFailure"),
    paged("itemNameWithXMSClientName", success(items=1), "PagingReturnModelWithXMSClientName"),
    paged("customurl/partialnextlink", success(items=2), "PagingCustomUrlPartialNextLink"),
    paged("customurl/partialnextlinkop", success(items=2), "PagingCustomUrlPartialOperationNextLink"),
    paged("maxPageSize", success(items=0), "PagingDontSendMaxPageSize", category="optional"),
    paged("apiVersion/replace/1", success(items=1), "PagingWithApiVersionReplace", params={"api-version": "1.0.0"}),
    # --- ARM's own templates
    scenario("lro", "DELETE", f"{TEMPLATES}/orders/order1", success(204), params=VERSION),
    scenario(
        "lro",
        "POST",
        f"{GROUP}/Azure.ResourceManager.LargeHeader/largeHeaders/header1/two6k",
        success(200, {"succeeded": True}),
        params=VERSION,
    ),
    scenario(
        "lro-list",
        "POST",
        f"{TEMPLATES}/products/default/postPagingLroWithBody",
        success(items=2),
        params=VERSION,
        body={"vnetId": "vnet1"},
        paging=ARM_NAMES,
    ),
    scenario(
        "list",
        "POST",
        f"{TEMPLATES}/monitors/monitor1/postActionPaging",
        success(items=2),
        params=VERSION,
        body={"filter": "status eq 'active'"},
        paging=ARM_NAMES,
    ),
    scenario("lro", "PATCH", f"{TEMPLATES}/widgets/widget1", success(200, {"name": "widget1"}), params=VERSION),
    scenario("lro", "POST", f"{TEMPLATES}/widgets/widget1/post", success(200), params=VERSION),
    scenario("lro", "PUT", f"{TEMPLATES}/configurations/default", success(200, {"name": "default"}), params=VERSION),
    scenario(
        "call",
        "GET",
        f"{GROUP}/Azure.ResourceManager.CommonProperties/confidentialResources/confidential",
        error(404, "ResourceNotFound"),
        params=VERSION,
    ),
    scenario(
        "lro",
        "PUT",
        f"{GROUP}/Azure.ResourceManager.CommonProperties/confidentialResources/confidential",
        error(400, "Username should not contain only numbers."),
        params=VERSION,
        body={"location": "eastus", "properties": {"username": "00"}},
    ),
]
