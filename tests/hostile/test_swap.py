"""A whole `vipswap swap` against an ARM that turns hostile. Each test is a row of README.md's second table."""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.arm.server import Act, answer, close
from tests.cli.conftest import PAIR
from tests.hostile.front import ORIGINAL, SWAPPED, TOKEN, Ended, Front, Passed, Scene, environment, scene, vipswap
from tests.hostile.scenarios import OPERATION, SCENARIOS, SIGNED
from tests.hostile.servers import Call, refused, told
from vipswap_rest.cli.main import main

# How many odd shapes are tried; and what stands in their place.
SHAPES = 1000 if os.environ.get("VIPSWAP_LONG") == "1" else 10
ODD: list[Any] = [None, [], {}, "x", 7, True, [None], [[]], ["x"], [{}], {"id": None}, {"a": {}}, "left out"]
LINE = ("--yes", "--no-probe", "--request-timeout", "1")


def run(world: Scene, folder: Path, *options: str, verb: str = "swap") -> Ended:
    """Run it; whatever happens, there is no traceback, at most one complaint, and no token anywhere."""
    ended = vipswap(world.front.url, folder, *(options or LINE), verb=verb)
    assert "Traceback" not in ended.err
    assert len(ended.complaints) == (0 if ended.code == 0 else 1)
    assert TOKEN not in ended.out + ended.err
    assert "signature-of-it" not in ended.out + ended.err
    assert world.other.connections == 0
    return ended


def is_write(call: Call, name: str = "") -> bool:
    return call.method in ("PUT", "DELETE") and call.path.endswith(name)


# By the write whose operation is on another host: how the swap ends.
ELSEWHERE = {
    "vipswap-float": (1, ORIGINAL),
    "vipswap2lb": (5, ORIGINAL),
    "vipswap1lb": (0, SWAPPED),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_swap_operation_elsewhere(name: str, tmp_path: Path) -> None:
    def front(call: Call, passed: Callable[[], Passed]) -> Act:
        if is_write(call) and name in call.path:
            return passed().act(("Azure-AsyncOperation", f"{call.other}{OPERATION}{SIGNED}"))
        return passed().act()

    with scene(front) as world:
        ended = run(world, tmp_path)

        assert (ended.code, world.held, world.floats) == (*ELSEWHERE[name], [])
        assert "the token was not sent there" in ended.err


def test_swap_redirected(tmp_path: Path) -> None:
    def front(call: Call, passed: Callable[[], Passed]) -> Act:
        if is_write(call) and "loadBalancers" in call.path:
            return told(307, None, Location=f"{call.other}{call.request.target}")
        return passed().act()

    with scene(front) as world:
        ended = run(world, tmp_path)

        assert ended.code == 1
        assert "redirect" in ended.complaints[0]
        assert (world.held, world.floats) == (ORIGINAL, [])


def test_swap_answers_cut(tmp_path: Path) -> None:
    def front(call: Call, passed: Callable[[], Passed]) -> Act:
        if call.method == "GET":
            return passed().act()
        passed()
        return close

    with scene(front) as world:
        assert run(world, tmp_path).code == 0
        assert (world.held, world.floats) == (SWAPPED, [])
        assert (world.writes("vipswap1lb"), world.writes("vipswap2lb")) == (1, 2)
        assert world.front.asked("DELETE") == 1


def test_swap_answer_drips(tmp_path: Path) -> None:
    def front(call: Call, passed: Callable[[], Passed]) -> Act:
        if is_write(call, "vipswap2lb") and call.count == 2:
            passed()
            return SCENARIOS["dripping_body: of a write"].rule(call)
        return passed().act()

    with scene(front) as world:
        ended = run(world, tmp_path)

        assert ended.code == 0
        assert "took too long to answer" in ended.err
        assert (world.held, world.floats) == (SWAPPED, [])
        assert world.writes("vipswap2lb") == 2


def test_swap_pages_instead_of_answers(tmp_path: Path) -> None:
    def front(call: Call, passed: Callable[[], Passed]) -> Act:
        first = call.path.endswith("vipswap2lb") and call.count == 1
        if is_write(call) and "loadBalancers" in call.path and not first:
            return answer(200, b"<html>Hello</html>")
        return passed().act()

    with scene(front) as world:
        ended = run(world, tmp_path)

        assert ended.code == 6
        assert "stopped half-way" in ended.complaints[0]
        assert "vipswap recover" in ended.err
        assert world.held[0] == ORIGINAL[0]
        assert [world.held[1]] == world.floats
        world.front.rule = lambda call: Passed(call.request, world.arm.endpoint).act()
        assert run(world, tmp_path, "--rollback", "--request-timeout", "1", verb="recover").code == 0
        assert (world.held, world.floats) == (ORIGINAL, [])


def test_swap_pages_after_the_deed(tmp_path: Path) -> None:
    def front(call: Call, passed: Callable[[], Passed]) -> Act:
        if is_write(call, "vipswap1lb"):
            return refused(403, "AuthorizationFailed")
        if is_write(call, "vipswap2lb"):
            passed()
            return answer(200, b"<html>Hello</html>")
        return passed().act()

    with scene(front) as world:
        # A load balancer was written, and everything is as it was before.
        assert run(world, tmp_path).code == 5
        assert (world.held, world.floats) == (ORIGINAL, [])
        assert world.writes("vipswap2lb") == 2


def test_swap_operation_unreadable(tmp_path: Path) -> None:
    polls: list[str] = []

    def front(call: Call, passed: Callable[[], Passed]) -> Act:
        if "/operations/" in call.path and len(polls) < 2:
            polls.append(call.path)
            return refused(403, "AuthorizationFailed")
        return passed().act()

    with scene(front) as world:
        assert run(world, tmp_path).code == 0
        assert (world.held, world.floats) == (SWAPPED, [])
        assert (world.writes("vipswap1lb"), world.writes("vipswap2lb")) == (1, 2)


BAD_READS: dict[str, Act] = {
    name: SCENARIOS[name].rule(None)  # type: ignore[arg-type]
    for name in ("wrong_json: GET a list", "unpacked_bomb")
} | {"properties null": told(200, {"id": "/x", "properties": None})}


@pytest.mark.parametrize("name", BAD_READS)
def test_swap_unreadable_load_balancer(name: str, tmp_path: Path) -> None:
    front: Front = lambda call, passed: (  # noqa: E731 - as short as it is
        BAD_READS[name] if call.path.endswith("vipswap1lb") else passed().act()
    )
    with scene(front) as world:
        ended = run(world, tmp_path)

        assert ended.code == 1
        assert (world.held, world.floats) == (ORIGINAL, [])
        assert world.front.asked("PUT") == 0


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the parts of a JSON value stand."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield (*at, key)
        yield from places(part, (*at, key))


def misshapen(body: Any, chance: random.Random) -> Any:
    """The body with one part of it left out, or something else in its place."""
    result, found = copy.deepcopy(body), list(places(body))
    if not found:
        return chance.choice(ODD)
    *way, last = chance.choice(found)
    holder = result
    for key in way:
        holder = holder[key]
    odd = chance.choice(ODD)
    if odd == "left out":
        del holder[last]
    else:
        holder[last] = odd
    return result


def test_swap_odd_shapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """In this process: an exception that is not one of ours would end the test."""
    for seed in range(SHAPES):
        chance = random.Random(seed)
        nth, shown = chance.randrange(1, 35), []

        def front(
            call: Call,
            passed: Callable[[], Passed],
            chance: random.Random = chance,
            nth: int = nth,
            shown: list[str] = shown,
        ) -> Act:
            real = passed()
            shown.append(call.path)
            if len(shown) != nth or not real.body:
                return real.act()
            return real.act(body=json.dumps(misshapen(json.loads(real.body), chance)).encode())

        with scene(front) as world:
            for name, text in environment(world.front.url, tmp_path).items():
                monkeypatch.setenv(name, text)
            code = main(["swap", *PAIR, *LINE])
            err = capsys.readouterr().err

            assert code in (0, 1, 3, 4, 5, 6, 7), f"seed {seed}"
            assert (code == 0) == (world.held == SWAPPED), f"seed {seed}: {err}"
            assert ("vipswap recover" in err) == (code == 6), f"seed {seed}: {err}"
