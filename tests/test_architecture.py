"""The layout shows the architecture: imports go one way."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from vipswap_rest.emulator import Settings
from vipswap_rest.emulator.server import EmulatorServer

PACKAGE = Path(__file__).resolve().parents[1] / "vipswap_rest"

# Each part may import the parts named for it, and itself: cli -> {measure, methods} -> switchover -> arm.
ALLOWED: dict[str, set[str]] = {
    "arm": set(),
    "extras": set(),
    # What a run is, whatever is switched.
    "switchover": {"arm"},
    "methods": {"arm", "switchover"},
    # Endpoints, events and something to run: it knows no way to switch, and asks nothing of ARM.
    "measure": {"arm", "extras"},
    # The article's environment: a template, and the calls that make and delete it.
    "testenv": {"arm"},
    # One misreading of Azure must not be on both sides: of the client it knows the ids alone.
    "emulator": {"arm"},
    "cli": {"arm", "extras", "switchover", "methods", "measure", "emulator", "testenv"},
    "__main__": {"cli"},
    "__init__": {"arm", "methods", "switchover"},
}
# What those parts may import of arm/ that need little of it.
OF_ARM = {
    "measure": {"clock", "errors"},
    "emulator": {"ids"},
    "switchover": {"client", "clock", "errors", "http", "ids", "lro", "presentable", "refusals", "words"},
}
# Within arm/: each part may import the parts named for it, and itself.
ARM: dict[str, set[str]] = {
    "__init__": set(),
    "refusals": set(),
    "hints": {"refusals"},
    "presentable": set(),
    "errors": {"hints", "presentable", "refusals"},
    "ids": set(),
    "words": set(),
    "clock": set(),
    "clouds": {"errors"},
    "error_body": {"errors"},
    "lro": {"error_body", "errors"},
    "http": {"__init__", "clock", "clouds", "error_body", "errors", "lro", "refusals"},
    "auth": {"clock", "clouds", "errors", "presentable", "http"},
    "paging": {"lro"},
    "client": {"clouds", "error_body", "errors", "lro", "paging", "http"},
    "rules": {"ids", "words"},
    "network": {"client", "ids", "http", "rules", "words"},
    "authorization": {"client"},
    "gateway": {"client", "ids", "network"},
    "compute": {"client", "ids"},
    "resources": {"client", "ids"},
    "login": {"auth", "client", "clock", "clouds", "errors", "http", "ids", "network"},
}
SHELLS = {"asking", "budget", "driver", "fleet", "flip", "health", "run", "settling"}
# The pure core: no request and no clock in it.
PURE = [
    *(f"switchover/{path.stem}" for path in (PACKAGE / "switchover").glob("*.py") if path.stem not in SHELLS),
    "methods/gateway_flip/method",
    "methods/pool_flip/method",
    "methods/vip_swap/begun",
    "methods/vip_swap/conflicts",
    "methods/vip_swap/float_store",
    "methods/vip_swap/method",
    "arm/hints",
    "arm/presentable",
    "arm/refusals",
    "arm/error_body",
    "arm/words",
    "arm/lro",
    "arm/paging",
    "arm/rules",
    "emulator/data_plane/conversation",
    "emulator/data_plane/desired",
    "emulator/control/outages",
    "emulator/settings/pool",
    "emulator/arm/routes",
    "measure/quantities",
    "measure/effect",
    "measure/outages",
    "measure/probe/answer",
    "measure/probe/findings",
    "measure/probe/samples",
    "measure/probe/schedule",
    "measure/pictures/columns",
    "measure/pictures/scene",
    "measure/experiment/design",
    "measure/experiment/measured",
    "measure/experiment/paired",
    "measure/experiment/stats",
    "measure/experiment/summary",
    "methods/vip_swap/model",
    "methods/vip_swap/naming",
    "methods/vip_swap/reconcile",
    "methods/vip_swap/journal",
    "methods/vip_swap/preflight/__init__",
    "methods/vip_swap/preflight/access",
    "methods/vip_swap/preflight/finding",
    "methods/vip_swap/preflight/resources",
    "methods/vip_swap/preflight/services",
    "methods/vip_swap/preflight/surroundings",
    "methods/vip_swap/permissions",
    "methods/vip_swap/placement",
    "methods/vip_swap/rules",
    "methods/vip_swap/shape",
    "methods/vip_swap/survey",
    "methods/vip_swap/float_tags",
    "methods/vip_swap/foresight",
]
IMPURE = {"requests", "time", "socket", "asyncio", "subprocess", "threading", "os"}
IMPURE |= {
    f"vipswap_rest.arm.{name}" for name in ("authorization", "client", "auth", "http.connection", "http.transport")
}
IMPURE |= {"vipswap_rest.methods.vip_swap.surveyor"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> set[str]:
    """The absolute names of the modules that a file imports, anywhere in it."""
    found: set[str] = set()
    package = [PACKAGE.name, *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_part_imports_only_what_stands_below_it(path: Path) -> None:
    part = part_of(path)
    names = [name.split(".") for name in imports(path) if name.split(".")[0] == PACKAGE.name]
    used = {name[1] if len(name) > 1 and (PACKAGE / name[1]).exists() else None for name in names}
    used |= {name[1] for name in names if len(name) > 1 and (PACKAGE / f"{name[1]}.py").exists()}
    used.discard(None)

    assert used - {part} <= ALLOWED[part]


@pytest.mark.parametrize("part", OF_ARM)
def test_who_needs_little_of_the_client_imports_little_of_it(part: str) -> None:
    files = [PACKAGE / f"{part}.py"] if (PACKAGE / f"{part}.py").exists() else (PACKAGE / part).rglob("*.py")
    names = [name.split(".") for path in files for name in imports(path)]

    assert {name[2] for name in names if name[:2] == [PACKAGE.name, "arm"]} <= OF_ARM[part]


@pytest.mark.parametrize("path", sorted((PACKAGE / "arm").rglob("*.py")), ids=lambda path: path.name)
def test_the_client_is_layered(path: Path) -> None:
    part = path.relative_to(PACKAGE / "arm").parts[0].removesuffix(".py")
    names = [name.split(".") for name in imports(path)]
    used = {name[2] for name in names if name[:2] == [PACKAGE.name, "arm"] and len(name) > 2}
    used = {name if name in ARM else "__init__" for name in used}

    assert used - {part} <= ARM[part]


def test_the_client_works_when_everything_else_is_deleted(tmp_path: Path) -> None:
    """A copy of arm/ alone lists, creates, waits for and deletes an address on the emulator."""
    shutil.copytree(PACKAGE / "arm", tmp_path / PACKAGE.name / "arm")
    (tmp_path / PACKAGE.name / "__init__.py").touch()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with EmulatorServer(Settings(latency="instant")) as emulator:
        ran = subprocess.run(
            [sys.executable, "-c", CALLS, emulator.endpoint],
            cwd=tmp_path,
            env=environment,
            text=True,
            capture_output=True,
            timeout=60,
        )

    assert (ran.stdout, ran.stderr) == (f"{tmp_path}\n2 3 2\n", "")


CALLS = """
import sys
from pathlib import Path
from vipswap_rest import arm
from vipswap_rest.arm.auth.ready import ReadyToken
from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.http import Transport
from vipswap_rest.arm.ids import ResourceId
from vipswap_rest.arm.network import create_public_ip, delete_public_ip, list_public_ips

print(Path(arm.__file__).parents[2])
client = ArmClient(Transport(sys.argv[1], ReadyToken("any")), "00000000-0000-0000-0000-000000000000")
group = f"/subscriptions/{client.subscription}/resourceGroups/vipswap"
id = ResourceId.parse(f"{group}/providers/Microsoft.Network/publicIPAddresses/mine")
counts = [len(list(list_public_ips(client, group)))]
body = {"location": "westus", "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}}
client.wait(create_public_ip(client, id, body))
counts.append(len(list(list_public_ips(client, group))))
client.wait(delete_public_ip(client, id))
counts.append(len(list(list_public_ips(client, group))))
print(*counts)
"""


# Words of a resource type, which the engine knows nothing of.
TYPES = (
    *("load balancer", "loadBalancers", "publicIPAddresses", "frontendIPConfigurations"),
    *("Microsoft.Network", "applicationGateways"),
)


@pytest.mark.parametrize("path", sorted((PACKAGE / "switchover").glob("*.py")), ids=lambda path: path.name)
def test_the_engine_knows_nothing_of_a_resource_type(path: Path) -> None:
    source = path.read_text(encoding="utf-8")

    assert not [word for word in TYPES if word in source]


def test_no_method_imports_another_one() -> None:
    for path in (PACKAGE / "methods").rglob("*.py"):
        own = path.relative_to(PACKAGE / "methods").parts[0]
        used = {name.split(".")[2] for name in imports(path) if name.startswith("vipswap_rest.methods.")}
        assert used <= {own}


def test_no_state_of_a_run_is_changed_in_place() -> None:
    """The classes of the engine and the methods are frozen, but for the driver."""
    found = set()
    for path in [*(PACKAGE / "switchover").glob("*.py"), *(PACKAGE / "methods").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ClassDef):
                continue
            decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
            frozen = any("frozen=True" in decorator for decorator in decorators)
            bases = {ast.unparse(base) for base in node.bases}
            if not frozen and not bases & {"Enum", "Protocol", "VipswapError"}:
                found.add(f"{path.relative_to(PACKAGE)}: {node.name}")

    assert found == {
        *("switchover/driver.py: Driver", "switchover/driver.py: Unguarded"),
        *("switchover/budget.py: Budget", "switchover/budget.py: RunBudget"),
    }


def test_every_part_has_its_place_in_the_order() -> None:
    assert {part_of(path) for path in modules()} == set(ALLOWED)


# Within measure/, from below to above: each part imports only parts that stand before it.
MEASURE = ["quantities", "outages", "files", "probe", "effect", "recording", "watch", "pictures", "experiment"]


@pytest.mark.parametrize("path", sorted((PACKAGE / "measure").rglob("*.py")), ids=lambda path: path.name)
def test_measuring_is_layered(path: Path) -> None:
    """The arithmetic of the bounds does not know who samples, and a picture does not know why it is drawn."""
    part = path.relative_to(PACKAGE / "measure").parts[0].removesuffix(".py")
    below = MEASURE[: MEASURE.index(part) + 1] if part != "__init__" else []
    used = {name.split(".")[2] for name in imports(path) if name.startswith("vipswap_rest.measure.")}

    assert used <= set(below)


def test_the_emulator_opens_sockets_and_starts_threads_in_its_shells_only() -> None:
    found = {
        str(path.relative_to(PACKAGE / "emulator"))
        for path in (PACKAGE / "emulator").rglob("*.py")
        if {name.split(".")[0] for name in imports(path)} & {"socket", "selectors", "threading", "asyncio", "aiohttp"}
    }

    assert found == {"server.py", *(f"data_plane/{name}.py" for name in ("loopback", "reactor", "vip"))}


# Within the emulator: each part may import the parts named for it, and itself. A part is a folder, or one module of it
# where others may import that one alone. server -> core -> control -> types -> arm; the data plane knows no ARM.
EMULATOR: dict[str, set[str]] = {
    "messages": set(),
    "clock": set(),
    "identity/assertions": {"messages"},
    "settings": {"identity/assertions", "messages"},
    "data_plane/desired": set(),
    "data_plane": {"data_plane/desired", "settings"},
    "arm/errors": {"messages", "settings"},
    "arm/effects": {"messages"},
    "arm": {"arm/effects", "arm/errors", "data_plane/desired", "messages", "settings"},
    "types": {"arm", "arm/errors", "messages", "settings"},
    "control": {"arm", "arm/effects", "clock", "data_plane/desired", "messages", "types"},
    "identity": {"arm/errors", "clock", "identity/assertions", "messages", "settings"},
    "exchange": {"arm/effects", "messages"},
    "environment": {"arm", "messages", "settings", "types"},
    "core": {
        *("arm", "arm/effects", "arm/errors", "clock", "control", "data_plane/desired", "environment", "exchange"),
        *("identity", "messages", "settings", "types"),
    },
    "server": {"clock", "core", "data_plane", "environment", "exchange", "identity", "messages", "settings"},
    "__init__": {"clock", "core", "messages", "settings"},
}


def emulator_module(name: str) -> str | None:
    """The module of the emulator that an imported name is, or is in, such as `arm/paths`; None: it is elsewhere."""
    parts = name.split(".")[2:] if name.startswith("vipswap_rest.emulator.") else []
    for size in range(len(parts), 0, -1):
        path = PACKAGE.joinpath("emulator", *parts[:size])
        if path.with_suffix(".py").exists() or path.is_dir():
            return "/".join(parts[:size])
    return None


def emulator_part(module: str) -> str:
    """The part that a module is of: the longest name that it begins with."""
    return max((part for part in EMULATOR if f"{module}/".startswith(f"{part}/")), key=len)


def emulator_imports() -> dict[str, set[str]]:
    """What each module of the emulator imports of the others."""
    found = {}
    for path in (PACKAGE / "emulator").rglob("*.py"):
        module = str(path.relative_to(PACKAGE / "emulator").with_suffix(""))
        used = {emulator_module(name) for name in imports(path)}
        found[module] = {one for one in used if one is not None and one != module}
    return found


@pytest.mark.parametrize("module", sorted(emulator_imports()))
def test_a_part_of_the_emulator_imports_only_what_stands_below_it(module: str) -> None:
    part = emulator_part(module)

    assert {emulator_part(one) for one in emulator_imports()[module]} - {part} <= EMULATOR[part]


def test_the_emulators_parts_and_modules_have_no_circle() -> None:
    """TopologicalSorter raises CycleError where there is one."""
    parts = {part: below - {part} for part, below in EMULATOR.items()}

    for graph in (parts, emulator_imports()):
        assert len(list(TopologicalSorter(graph).static_order())) >= len(graph)


def test_every_write_of_the_emulator_begins_in_one_place() -> None:
    steps = ("operations.start", "operations.supersede", "addresses.accept", "addresses.inherit")
    found = {
        (str(path.relative_to(PACKAGE / "emulator")), step)
        for path in (PACKAGE / "emulator").rglob("*.py")
        for step in steps
        if f"world.{step}(" in path.read_text(encoding="utf-8")
    }

    assert found == {("arm/writes.py", step) for step in steps}


# Calls that no signal ends, and those that let one end anything; and the modules where each may stand.
DEAF: dict[str, set[str]] = {
    "time.sleep": {"arm/clock.py"},
    "input": set(),
    "signal.signal": {"cli/signals.py"},
    "signal.set_wakeup_fd": {"cli/signals.py"},
    "signal.setitimer": set(),
    "signal.alarm": set(),
    "sys._getframe": set(),
    "sys.stdin.read": set(),
    "sys.stdin.readline": set(),
    "select.select": {"measure/probe/poller.py"},
}


def test_only_the_clock_waits_and_only_the_guard_handles_signals() -> None:
    """A prompt or a pause of one's own could not be interrupted; all of them go through the clock."""
    found: dict[str, set[str]] = {name: set() for name in DEAF}
    for path in modules():
        name = str(path.relative_to(PACKAGE))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called in DEAF and not name.startswith("emulator/"):
                found[called].add(name)

    assert found == DEAF


def formats_a_fraction(node: ast.AST) -> bool:
    """Whether it is a part of an f-string whose format ends in f, as `.3f` does."""
    spec = node.format_spec if isinstance(node, ast.FormattedValue) else None
    return spec is not None and any(
        isinstance(part, ast.Constant) and str(part.value).endswith("f") for part in ast.walk(spec)
    )


def test_a_measured_figure_is_rounded_and_formatted_in_one_module() -> None:
    """A second formatter would round bounds its own way. What the command line was given (`:g`) is no measurement."""
    found = set()
    for path in [path for path in modules() if part_of(path) in ("cli", "measure") and path.name != "quantities.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            rounds = isinstance(node, ast.Call) and ast.unparse(node.func) == "round"
            if rounds or formats_a_fraction(node):
                found.add(f"{path.relative_to(PACKAGE)}: {ast.unparse(node)}")

    assert found == set()


@pytest.mark.parametrize(
    ("extra", "users"), [("matplotlib", "measure/pictures/"), ("jinja2", "measure/experiment/page")]
)
def test_what_draws_is_imported_in_one_place_and_when_something_is_drawn(extra: str, users: str) -> None:
    """The extra `plot` is not needed for anything else."""
    found = {path for path in modules() if any(name.split(".")[0] == extra for name in imports(path))}

    assert found
    for path in found:
        assert str(path.relative_to(PACKAGE)).startswith(users)
        first = [ast.unparse(node) for node in ast.parse(path.read_text(encoding="utf-8")).body]
        assert not [line for line in first if line.startswith((f"import {extra}", f"from {extra}"))]


@pytest.mark.parametrize("name", PURE)
def test_the_pure_core_does_no_io_and_reads_no_clock(name: str) -> None:
    used = imports(PACKAGE / f"{name}.py")

    used = {item for item in used if not item.startswith("requests.structures.")}
    assert not {item for item in used for root in IMPURE if item == root or item.startswith(root + ".")}


# Where ARM's bodies are read: ids are compared by ids.py, words and locations by words.py, and nowhere by hand.
COMPARING = [
    *(path for path in modules() if part_of(path) in ("switchover", "methods") and path.name != "health.py"),
    *(PACKAGE / name for name in ("arm/network.py", "arm/authorization.py", "cli/bench.py", "cli/demo.py")),
]


def own_comparisons(source: str) -> list[str]:
    """The places where a text is put into lower case by hand, as one does to compare it."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [
        ast.unparse(call)
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("lower", "casefold")
    ]


@pytest.mark.parametrize("path", COMPARING, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_what_arm_says_is_compared_in_one_place(path: Path) -> None:
    assert own_comparisons(path.read_text(encoding="utf-8")) == []


def test_a_comparison_by_hand_would_be_found() -> None:
    assert own_comparisons("same = one.lower() == other.lower()") == ["one.lower()", "other.lower()"]


@pytest.mark.parametrize("path", COMPARING, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_is_taken_for_granted_about_what_is_found(path: Path) -> None:
    """`next` without a default ends in a traceback where nothing is found."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]

    assert not [call for call in calls if ast.unparse(call.func) == "next" and len(call.args) < 2]


VERBS = {"get", "options", "head", "post", "put", "patch", "delete", "request", "send"}
# Calls that wait for ever unless told otherwise, and which of their positional arguments is the timeout.
WAITING = {"urlopen": 2, "HTTPConnection": 2, "HTTPSConnection": None, "create_connection": 1}
MSAL = {"ConfidentialClientApplication", "PublicClientApplication", "ManagedIdentityClient"}


def endless_calls(source: str) -> list[str]:
    """The calls that could wait for ever: requests without a timeout, and msal with an HTTP client of its own.

    A session is what is named one; an override that hands its options on is its caller's to limit.
    """
    found = []
    tree = ast.parse(source)
    overrides = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name in VERBS]
    handed_on = {
        call
        for function in overrides
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == f"super().{function.name}"
    }
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        target, _, name = ast.unparse(call.func).rpartition(".")
        given = {keyword.arg for keyword in call.keywords}
        asks = name in VERBS and (target == "requests" or target.lower().endswith("session"))
        asks |= name in VERBS and target == "super()" and call not in handed_on
        place = WAITING.get(name)
        waits = name in WAITING and target != "super()" and (place is None or len(call.args) <= place)
        if "timeout" not in given and (asks or waits):
            found.append(f"{ast.unparse(call.func)} without timeout")
        if name in MSAL and "http_client" not in given:
            found.append(f"{name} without http_client")
    return found


def unnamed_sessions(source: str) -> list[str]:
    """Sessions under a name that the check above would not know them by."""
    names: dict[ast.expr, str] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.withitem) and node.optional_vars is not None:
            names[node.context_expr] = ast.unparse(node.optional_vars)
        elif isinstance(node, ast.Assign):
            names[node.value] = ast.unparse(node.targets[0])
    return [
        f"{ast.unparse(made)} as {name}"
        for made, name in names.items()
        if isinstance(made, ast.Call)
        and ast.unparse(made.func).endswith("Session")
        and not name.lower().endswith("session")
    ]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_request_is_made_without_a_timeout(path: Path) -> None:
    source = path.read_text(encoding="utf-8")

    assert endless_calls(source) == []
    assert unnamed_sessions(source) == []


@pytest.mark.parametrize(
    "source",
    [
        "requests.get(url)",
        "requests.post(url, json=body, verify=ca)",
        "self._session.send(prepared, allow_redirects=False)",
        "session.put(url, data=b'')",
        "class Own(requests.Session):\n    def request(self, *a, **o):\n        return super().send(*a, **o)",
        "urllib.request.urlopen(url)",
        "http.client.HTTPConnection(host, port)",
        "socket.create_connection((host, port))",
        "msal.ConfidentialClientApplication(client_id, authority=a)",
    ],
)
def test_a_request_without_a_timeout_would_be_found(source: str) -> None:
    assert endless_calls(source)


def test_a_session_under_another_name_would_be_found() -> None:
    assert unnamed_sessions("connection = requests.Session()")
    assert unnamed_sessions("with _TokenSession(a, b) as http: pass")
