"""A recorded conversation with ARM, held again with the emulator.

What the recording presupposes is seeded by rule, just before the line that first shows it, because calls outside the
file made it at an unknown time: a resource that a line finds there and no line before it created; the group it is in;
public IPs that only a load balancer's body speaks of, and prefixes that only an address's does. A resource whose
recorded etag has changed although no recorded write explains it was changed by a call outside the file, and is seeded
anew; an address whose deletion was accepted had been let go by what held it, if the file says nothing of that.
"""

from __future__ import annotations

import copy
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tests.arm.cassettes import Line
from tests.emulator.stage import Json, Stage, key_paths, settings_of
from vipswap_rest.emulator import Answer
from vipswap_rest.emulator.settings.latency import Profile
from vipswap_rest.emulator.types.scale_sets import model as scale_sets

# An operation lasts as long as the recording needs it to.
LONG_S = 3600.0
# Headers that recorders are known to have taken out: where a whole file has none of them, nothing is known.
REMOVED = {
    "retry-after",
    "x-ms-request-id",
    "x-ms-correlation-request-id",
    "x-ms-arm-service-request-id",
    "x-ms-ratelimit reads",
    "x-ms-ratelimit writes",
    "x-ms-ratelimit deletes",
}
KEPT = {
    "azure-asyncoperation",
    "location",
    "retry-after",
    "azure-asyncnotification",
    "etag",
    "x-ms-correlation-request-id",
    "x-ms-request-id",
    "x-ms-arm-service-request-id",
    "x-ms-failure-cause",
    "canceled-by-azure-asyncoperation",
    "content-type",
}
# Values that are nobody's but their maker's; whatever else is a GUID is compared as one.
OWN = (
    *("etag", "resourceGuid", "ipAddress", "templateHash", "timestamp", "duration", "startTime", "endTime"),
    *("lastActionTime", "operationId", "uniqueId", "publicCertData"),
)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_BUDGET = re.compile(r"x-ms-ratelimit-remaining-subscription(?:-global)?-(reads|writes|deletes)")


def headers_of(headers: Any) -> set[str]:
    """The names of ARM's headers. The budgets' names have changed over the years: one name for each kind of call."""
    names = {name.lower() for name in headers}
    budgets = {f"x-ms-ratelimit {found.group(1)}" for name in names if (found := _BUDGET.fullmatch(name))}
    return (names & KEPT) | budgets


def values(body: Any) -> Iterator[tuple[str, Any]]:
    """The values of a body that ARM did not make up, with the way to each."""
    for path in key_paths(body):
        if path.rsplit(".", 1)[-1] not in OWN:
            found = body
            for step in re.findall(r"[^.\[\]]+", path):
                found = found[int(step)] if isinstance(found, list) else found[step]
            if not isinstance(found, (dict, list)):
                yield path, _GUID.sub("<guid>", found) if isinstance(found, str) else found


@dataclass
class Talk:
    """The emulator's side of one conversation."""

    lines: list[Line]

    def __post_init__(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            long: Json = {**dict.fromkeys((field.name for field in fields(Profile)), LONG_S), "retry_after": 10}
            # Several of them, one after the other, are one operation.
            long["instance_upgrade"] = LONG_S / 8
            self.stage = Stage(settings_of(Path(folder), long, env="none"))
        self._urls: dict[str, str] = {}
        self._etags: dict[str, str] = {}
        # By an operation's recorded URLs: its resource's path, and when the emulator's is due.
        self._due: dict[frozenset[str], tuple[str, float]] = {}
        # The last recorded etag by path, None once a recorded call may have changed it.
        self._seen: dict[str, str | None] = {}
        # How many GETs were preceded by seeding what they show.
        self.seeded = 0
        self.unknown = REMOVED - set().union(*(headers_of(line.headers) for line in self.lines))

    def differences(self, skipped: set[int]) -> Iterator[tuple[int, str]]:
        """What the emulator answers otherwise: number of the line and one difference."""
        for index, line in enumerate(self.lines):
            if line.n in skipped:
                continue
            self._prepare(index, line)
            answer = self._ask(line)
            self._learn(line, answer)
            for one in self._compare(line, answer):
                yield line.n, one

    def _prepare(self, index: int, line: Line) -> None:
        self.stage.clock.advance(1)
        later = self.lines[index:]
        for urls, (path, due) in self._due.items():
            polls = [one for one in later if one.url in urls]
            shown = {str(one.body.get("status")) for one in polls if isinstance(one.body, dict)}
            if "Running" in shown or (line.path.lower() == path and state_of(line) == "Running"):
                self.stage.clock.time = max(self.stage.clock.time, due - LONG_S / 2)
            waiting = {"InProgress", "Accepted", "Running", "Canceled"} & shown or any(
                one.status == 202 for one in polls
            )
            if not waiting and not is_at_work(later, path):
                self.stage.clock.time = max(self.stage.clock.time, due)
        present = self.stage.state()
        made = [
            *presupposed(line, present, self._seen),
            *gateway_of(line, later, present),
            *parent_of(line, later, present),
        ]
        for body in made:
            self.stage.seed(body)
            if "/virtualmachinescalesets/" in body["id"].lower():
                scale_sets.staff(self.stage.emulator.world, body)
            self.seeded += line.method == "GET" and body["id"].lower() == line.path.lower()

        for one in later:
            if line.method == "DELETE" and one.url == line.headers.get("location") and one.status >= 400:
                told = next(iter(one.body.values()))
                blocked = {"code": told["Code"], "message": told["Message"]}
                self.stage.fault({"fail_operation": blocked}, method="DELETE", path=line.path)

    def _ask(self, line: Line) -> Answer:
        target = self._urls.get(line.url, target_of(line.url))
        headers = {name: self._translate(value) for name, value in line.request_headers.items()}
        body = self._translate(line.request_body)
        return self.stage.send(line.method, target, body.encode() if isinstance(body, str) else body, headers)

    def _translate(self, value: Any) -> Any:
        """A request in the emulator's own etags."""
        if isinstance(value, dict):
            return {name: self._translate(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._translate(inner) for inner in value]
        return self._etags.get(value, value) if isinstance(value, str) else value

    def _learn(self, line: Line, answer: Answer) -> None:
        pairs = [
            (line.headers.get(name.lower()), answer.headers.get(name)) for name in ("Azure-AsyncOperation", "Location")
        ]
        urls = {recorded: target_of(own) for recorded, own in pairs if recorded and own}
        # A poll may hand out another URL than the one before it.
        before = next((key for key in self._due if line.url in key), None)
        if before is not None:
            self._due[before | frozenset(urls)] = self._due.pop(before)
        self._urls.update(urls)
        if urls and not line.is_poll:
            self._due[frozenset(urls)] = line.path.lower(), self.stage.clock.time + LONG_S
        recorded, own = line.body, answer.json()
        if isinstance(recorded, dict) and isinstance(own, dict) and "etag" in recorded and "etag" in own:
            self._etags[recorded["etag"]] = own["etag"]
        remember(line, self._seen)

    def _compare(self, line: Line, answer: Answer) -> Iterator[str]:
        if answer.status != line.status:
            yield f"status {line.status} -> {answer.status}"
        recorded, own = headers_of(line.headers), headers_of(answer.headers)
        yield from (f"header - {name}" for name in sorted(recorded - own))
        yield from (f"header + {name}" for name in sorted(own - recorded - self.unknown))
        there, here = set(key_paths(line.body)), set(key_paths(answer.json()))
        yield from (f"key - {name}" for name in sorted(there - here))
        yield from (f"key + {name}" for name in sorted(here - there))
        own_values = dict(values(answer.json()))
        for path, value in values(line.body):
            if path in own_values and own_values[path] != value:
                yield f"value {path}: {value} -> {own_values[path]}"


def is_at_work(later: list[Line], path: str) -> bool:
    """Whether the next recorded look at a resource finds a write still under way."""
    shown = next((one for one in later if one.path.lower().removesuffix("/cancel") == path), None)
    if shown is not None and shown.path.lower() != path:
        return shown.status < 300
    at_work = ("Updating", "Creating", "Accepted", "Running")
    return shown is not None and shown.method == "GET" and state_of(shown) in at_work


def state_of(line: Line) -> str:
    properties = line.body.get("properties") if isinstance(line.body, dict) else None
    return str((properties or {}).get("provisioningState"))


def resource_of(line: Line) -> str | None:
    """The path of the resource that a line is about, lower case."""
    parts = line.path.lower().strip("/").split("/")
    return line.path.lower() if len(parts) == 8 and parts[2] == "resourcegroups" else None


def presupposed(line: Line, present: dict[str, Json], seen: dict[str, str | None]) -> Iterator[Json]:
    """What has to be there before a line."""
    known = {id.lower() for id in present}
    path, body = resource_of(line), line.body if isinstance(line.body, dict) else {}
    group = re.match(r"(/subscriptions/[^/]+/resourcegroups/[^/]+)", line.path, re.IGNORECASE)
    found = line.status != 404 or body.get("error", {}).get("code") != "ResourceGroupNotFound"
    new = group is not None and line.method == "PUT" and line.status == 201 and group.group(1) == line.path
    if group and found and not new and group.group(1).lower() not in known:
        sent = line.request_body if isinstance(line.request_body, dict) else {}
        location = body.get("location") or sent.get("location") or "westus"
        spelled = re.sub("/resourcegroups/", "/resourceGroups/", group.group(1), flags=re.IGNORECASE)
        yield {"id": spelled, "name": group.group(1).rsplit("/", 1)[1], "location": location}
    if path is None or line.status >= 300:
        return
    if line.method == "GET" and (path not in known or changed_outside(line, seen)):
        yield from with_addresses(body, known)
        yield copy.deepcopy(body)
    elif line.method in ("PUT", "PATCH") and line.status == 200 and path not in known:
        body = copy.deepcopy(body)
        body["properties"]["provisioningState"] = "Succeeded"
        yield from with_addresses(body, known)
        yield body
    elif line.method == "PUT" and isinstance(line.request_body, dict):
        yield from with_addresses(line.request_body, known)
        yield from with_prefix(line.request_body, known)
    elif line.method == "DELETE":
        yield from let_go(next((one for id, one in present.items() if id.lower() == path), {}), known)


def gateway_of(line: Line, later: list[Line], present: dict[str, Json]) -> Iterator[Json]:
    """The application gateway whose health is asked for, made of what its result says."""
    if line.method != "POST" or not line.path.lower().endswith(("/backendhealth", "/getbackendhealthondemand")):
        return
    id = line.path.rpartition("/")[0]
    told = next((one.body for one in later if one.url.startswith(line.headers["location"][:150]) and one.body), None)
    if id.lower() in {one.lower() for one in present} or told is None:
        return
    made: Json = {"backendAddressPools": [], "backendHttpSettingsCollection": [], "requestRoutingRules": []}
    tags = set()
    single = {**told, "backendHttpSettingsCollection": [told.get("backendHealthHttpSettings")]}
    for number, pool in enumerate(told.get("backendAddressPools") or [single]):
        pool_id = pool["backendAddressPool"]["id"]
        (settings,) = pool["backendHttpSettingsCollection"]
        settings_id, servers = settings["backendHttpSettings"]["id"], settings["servers"]
        members = {
            "backendAddresses": [{"ipAddress": one["address"]} for one in servers if "ipConfiguration" not in one],
            "backendIPConfigurations": [one["ipConfiguration"] for one in servers if "ipConfiguration" in one],
        }
        tags |= {pool_id.rsplit("/", 1)[1] for one in servers if one["health"] == "Unhealthy"}
        made["backendAddressPools"].append({"id": pool_id, "name": pool_id.rsplit("/", 1)[1], "properties": members})
        made["backendHttpSettingsCollection"].append({"id": settings_id, "name": settings_id.rsplit("/", 1)[1]})
        uses = {"backendAddressPool": {"id": pool_id}, "backendHttpSettings": {"id": settings_id}}
        rule = {"id": f"{id}/requestRoutingRules/r{number}", "name": f"r{number}", "properties": uses}
        made["requestRoutingRules"].append(rule)
    location = line.headers["location"].split("/locations/")[1].split("/")[0]
    body = {"id": id, "name": id.rsplit("/", 1)[1], "type": "Microsoft.Network/applicationGateways"}
    yield {**body, "location": location, "tags": {"emulator-down": ",".join(tags)}, "properties": made}


def parent_of(line: Line, later: list[Line], present: dict[str, Json]) -> Iterator[Json]:
    """The load balancer whose pool is PUT and that no line shows: a Global one, with the frontends that it leads to.

    Its other pools are those that a later list shows.
    """
    parts = line.path.split("/")
    known = {one.lower() for one in present}
    id = "/".join(parts[:9])
    if line.method != "PUT" or len(parts) != 11 or "loadbalancers" not in id.lower() or id.lower() in known:
        return
    shown = next((one.body["value"] for one in later if one.path.lower() == line.path.rpartition("/")[0].lower()), [])
    pools = [{**one, "properties": {"loadBalancerBackendAddresses": []}} for one in shown if one["name"] != parts[-1]]
    location = line.headers["azure-asyncoperation"].split("/locations/")[1].split("/")[0]
    base = {"type": "Microsoft.Network/loadBalancers", "location": location}
    kinds = ("frontendIPConfigurations", "loadBalancingRules", "probes", "inboundNatRules", "outboundRules")
    made: Json = {kind: [] for kind in (*kinds, "inboundNatPools")}
    sku = {"name": "Standard", "tier": "Global"}
    yield {**base, "id": id, "name": parts[8], "sku": sku, "properties": {**made, "backendAddressPools": pools}}
    members = {
        one["properties"]["loadBalancerFrontendIPConfiguration"]["id"]: one["properties"]["ipAddress"]
        for answer in [line, *later]
        if answer.path == line.path and isinstance(answer.body, dict)
        for one in answer.body["properties"]["loadBalancerBackendAddresses"]
    }
    for frontend, address in members.items():
        owner = frontend.split("/frontendIPConfigurations/")[0]
        ip = f"{owner.replace('/loadBalancers/', '/publicIPAddresses/')}ip"
        yield {"id": ip, "name": ip.rsplit("/", 1)[1], "properties": {"ipAddress": address}}
        told = {"id": frontend, "name": frontend.rsplit("/", 1)[1], "properties": {"publicIPAddress": {"id": ip}}}
        found = {**made, "frontendIPConfigurations": [told], "backendAddressPools": []}
        yield {**base, "id": owner, "name": owner.rsplit("/", 1)[1], "sku": {"name": "Standard"}, "properties": found}


def let_go(body: Json, known: set[str]) -> Iterator[Json]:
    """A public IP that something outside the file has held until now."""
    owner = body.get("properties", {}).get("ipConfiguration", {}).get("id", "").lower()
    if owner and not any(owner.startswith(f"{id}/") for id in known if "/providers/" in id):
        del body["properties"]["ipConfiguration"]
        yield body


def changed_outside(line: Line, seen: dict[str, str | None]) -> bool:
    """Whether a call outside the file has changed what a GET shows since a recorded line showed it."""
    before = seen.get(line.path.lower())
    return before is not None and "etag" in line.body and before != line.body["etag"]


def with_addresses(body: Json, known: set[str]) -> Iterator[Json]:
    """Public IPs that only a load balancer's body speaks of; of the load balancer's own kind."""
    sku = body.get("sku") or {"name": "Basic"}
    for frontend in body.get("properties", {}).get("frontendIPConfigurations") or ():
        id = ((frontend.get("properties") or {}).get("publicIPAddress") or {}).get("id")
        if id and id.lower() not in known:
            made = {"publicIPAllocationMethod": "Static", "provisioningState": "Succeeded"}
            owner = {"ipConfiguration": {"id": frontend["id"]}} if "etag" in frontend else {}
            yield {"id": id, "name": id.rsplit("/", 1)[1], "sku": sku, "properties": {**made, **owner}}


def with_prefix(body: Json, known: set[str]) -> Iterator[Json]:
    """The public IP prefix that an address was made from."""
    id = ((body.get("properties") or {}).get("publicIPPrefix") or {}).get("id")
    if id and id.lower() not in known:
        made = {"type": "Microsoft.Network/publicIPPrefixes", "location": body.get("location")}
        yield {"id": id, "name": id.rsplit("/", 1)[1], **made, "properties": {"provisioningState": "Succeeded"}}


def remember(line: Line, seen: dict[str, str | None]) -> None:
    """Keep the etag that a line shows, and forget those that it may have changed."""
    path = resource_of(line)
    if path is None or line.status >= 400:
        return
    if line.method == "GET":
        seen[path] = line.body.get("etag")
    elif "loadbalancers" in path:
        seen.update(dict.fromkeys((one for one in seen if "publicip" in one), None))
    if line.method != "GET":
        settled = isinstance(line.body, dict) and line.body["properties"]["provisioningState"] == "Succeeded"
        seen[path] = line.body.get("etag") if settled else None


def target_of(url: str) -> str:
    """A URL's path and query."""
    return "/" + url.split("/", 3)[3]
