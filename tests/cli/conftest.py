"""The command against the emulator on a socket: `vipswap` as a user would call it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jsonschema
import pytest
import requests

from vipswap_rest.cli.main import main
from vipswap_rest.cli.schema import SCHEMAS, schema_of
from vipswap_rest.emulator.server import EmulatorServer
from vipswap_rest.emulator.settings import SUBSCRIPTION, Settings

NETWORK = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/vipswap/providers/Microsoft.Network"
PRODUCTION_LB, STAGING_LB = (f"{NETWORK}/loadBalancers/vipswap{number}lb" for number in (1, 2))
PRODUCTION_IP, STAGING_IP = (f"{NETWORK}/publicIPAddresses/vipswap{number}pip" for number in (1, 2))
PAIR = ("-g", "vipswap", "--lb1", "vipswap1lb", "--lb2", "vipswap2lb")


@dataclass
class Arm:
    """The emulator as seen from outside: its /emulator/ paths. `trusted` is its authority's certificate, over TLS."""

    endpoint: str
    trusted: str | None = None

    def state(self) -> dict[str, dict[str, Any]]:
        found = requests.get(f"{self.endpoint}/emulator/state", timeout=10, verify=self.trusted).json()["resources"]
        return {item["id"]: item for item in found}

    def seed(self, *bodies: dict[str, Any]) -> None:
        answer = requests.put(
            f"{self.endpoint}/emulator/state", json={"resources": bodies}, timeout=10, verify=self.trusted
        )
        assert answer.status_code == 200, answer.text

    def change(self, id: str, edit: Callable[[dict[str, Any]], None]) -> None:
        body = copy.deepcopy(self.state()[id])
        edit(body)
        self.seed(body)

    def requests(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = requests.get(
            f"{self.endpoint}/emulator/requests", timeout=10, verify=self.trusted
        ).json()
        return found

    def writes(self) -> list[str]:
        """All that may change something: asking for a rule's health is a POST too, and changes nothing."""
        found = [item for item in self.requests() if item["method"] != "GET" and not item["path"].endswith("/health")]
        return [f"{item['method']} {item['path']}" for item in found]

    def timeline(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = requests.get(
            f"{self.endpoint}/emulator/timeline", timeout=10, verify=self.trusted
        ).json()["events"]
        return found

    def holds(self, load_balancer: str) -> str:
        frontend = self.state()[load_balancer]["properties"]["frontendIPConfigurations"][0]
        return str(frontend["properties"]["publicIPAddress"]["id"])


@dataclass(frozen=True)
class Ran:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


Vipswap = Callable[..., Ran]


def unprobed(*arguments: str) -> tuple[str, ...]:
    """A command line that asks no address: without a data plane the emulator's are nobody's on this machine."""
    return (*arguments, "--no-probe") if arguments[:1] == ("swap",) else arguments


def check_schema(arguments: Sequence[str], out: str) -> None:
    """Whatever a verb prints with `-o json` is valid by its schema."""
    verb = "plan" if "--plan" in arguments else "".join(arguments[:1])
    if "json" in arguments and verb in SCHEMAS and "--resolve" not in arguments and out:
        jsonschema.validate(json.loads(out), schema_of(verb))


@pytest.fixture
def settings() -> Settings:
    """The emulator's settings; a test module may have its own."""
    return Settings(latency="instant")


@pytest.fixture
def arm(settings: Settings) -> Iterator[Arm]:
    with EmulatorServer(settings) as server:
        yield Arm(server.endpoint)


@pytest.fixture
def vipswap(
    arm: Arm, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Vipswap:
    """Runs the command in this process, with the environment that the README names."""
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_RM_ENDPOINT", arm.endpoint)
    monkeypatch.setenv("AZURE_ACCESS_TOKEN", "any")
    monkeypatch.setenv("AZURE_SUBSCRIPTION_ID", SUBSCRIPTION)

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        try:
            code = main(list(arguments if settings.data_plane else unprobed(*arguments)))
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        check_schema(arguments, out)
        return Ran(code, out, err)

    return run
