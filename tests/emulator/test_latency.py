"""How long operations take: profiles, scale, files, and the pause that answers ask for."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.stage import FLOAT, FRONTEND1, FRONTEND2, IP1, IP2, LB1, NATIVE, Stage, address, settings_of
from tests.emulator.test_native_swap import goal
from vipswap_rest.emulator import Answer, InvalidLatency, InvalidSettings, Settings


def seconds(stage: Stage, answer: Answer) -> float:
    """How long the answer's operation has lasted, by the timeline."""
    operation = answer.headers["Azure-AsyncOperation"].partition("?")[0].rsplit("/", 1)[1]
    stage.clock.advance(100_000)
    events = [event for event in stage.events() if event["operation"] == operation]
    times = {event["event"]: event["t"] for event in events}
    return round(float(times["operation_succeeded"] - times["request_accepted"]), 6)


def update(stage: Stage) -> float:
    return seconds(stage, stage.put(LB1, stage.get(LB1)))


def create(stage: Stage, number: int = 0) -> float:
    return seconds(stage, stage.put(f"{FLOAT}{number}", address()))


def delete(stage: Stage, number: int = 0) -> float:
    return seconds(stage, stage.call("DELETE", f"{FLOAT}{number}"))


def native(stage: Stage) -> float:
    return seconds(stage, stage.call("POST", NATIVE, goal((FRONTEND1, IP2), (FRONTEND2, IP1))))


def test_the_blog_profile_is_the_articles_run() -> None:
    stage = Stage(Settings(latency="blog"))

    assert [update(stage) for _ in range(4)] == [22.5, 28.5, 22.5, 22.5]
    assert (create(stage), delete(stage), native(stage)) == (3, 11, 22.5)


def test_the_instant_profile_takes_no_time() -> None:
    stage = Stage(Settings())

    answer = stage.put(LB1, stage.get(LB1))

    assert answer.json()["properties"]["provisioningState"] == "Updating"
    assert answer.headers["Retry-After"] == "0"
    assert stage.status(answer) == "Succeeded"
    assert (update(stage), create(stage), delete(stage), native(stage)) == (0, 0, 0, 0)


def test_the_standard_profile_is_drawn_about_the_recorded_medians() -> None:
    stage = Stage(Settings(latency="standard", seed=1))

    creates = [create(stage, number) for number in range(200)]
    deletes = [delete(stage, number) for number in range(200)]

    assert 0.7 < statistics.median(creates) < 1.4
    assert 8 < statistics.median(deletes) < 15
    assert 2 < statistics.quantiles(creates, n=10)[-1] < 5


@pytest.mark.parametrize("same", [True, False])
def test_the_seed_decides_what_is_drawn(same: bool) -> None:
    one, other = (Stage(Settings(latency="standard", seed=seed)) for seed in (1, 1 if same else 2))

    assert ([update(one) for _ in range(3)] == [update(other) for _ in range(3)]) is same


@pytest.mark.parametrize(("scale", "expected"), [(0.1, 2.25), (2.0, 45.0), (0.0, 0.0)])
def test_the_time_scale_stretches_every_duration(scale: float, expected: float) -> None:
    assert update(Stage(Settings(latency="blog", time_scale=scale))) == expected


@pytest.mark.parametrize(("scale", "long", "short"), [(1, "10", "1"), (0.1, "1", "1"), (0.01, "0.1", "0.1")])
def test_the_pause_is_scaled_too_and_a_decimal_below_one_second(scale: float, long: str, short: str) -> None:
    stage = Stage(Settings(latency="blog", time_scale=scale))

    put, create = stage.put(LB1, stage.get(LB1)), stage.put(FLOAT, address())

    assert (put.headers["Retry-After"], stage.follow(put).headers["Retry-After"]) == (long, long)
    assert (create.headers["Retry-After"], stage.follow(create).headers["Retry-After"]) == (short, short)


def pauses(stage: Stage, answer: Answer, count: int, header: str = "Azure-AsyncOperation") -> list[str]:
    return [stage.follow(answer, header).headers["Retry-After"] for _ in range(count)]


def test_the_pause_grows_from_poll_to_poll_as_recorded() -> None:
    stage = Stage()

    put, create = stage.put(LB1, stage.get(LB1)), stage.put(FLOAT, address())

    assert pauses(stage, put, 9) == ["10", "20", "20", "40", "40", "80", "160", "100", "100"]
    assert pauses(stage, create, 9) == ["1", "2", "2", "4", "4", "8", "8", "16", "16"]


def test_the_pause_of_a_result_grows_too_and_each_operations_by_itself() -> None:
    stage = Stage()
    first, second = stage.call("DELETE", stage.make_address()), stage.put(LB1, stage.get(LB1))

    assert pauses(stage, first, 3, "Location") == ["10", "20", "20"]
    assert pauses(stage, second, 2) == ["10", "20"]


def test_the_pause_stays_where_the_setting_says_so() -> None:
    stage = Stage(Settings(latency="blog", retry_after="constant"))

    assert pauses(stage, stage.put(LB1, stage.get(LB1)), 4) == ["10"] * 4


@pytest.mark.parametrize(
    ("given", "expected"),
    [(2.5, [2.5, 2.5, 2.5]), ([1, 2], [1, 2, 1]), ({"median": 3, "p90": 3}, [3, 3, 3]), (0, [0, 0, 0])],
)
def test_a_file_gives_a_number_a_list_or_a_spread(tmp_path: Path, given: Any, expected: list[float]) -> None:
    stage = Stage(settings_of(tmp_path, {"load_balancer_update": given}))

    assert [update(stage) for _ in range(3)] == expected
    assert (create(stage), delete(stage)) == (0, 0)


def test_a_file_may_send_no_pause_at_all(tmp_path: Path) -> None:
    stage = Stage(settings_of(tmp_path, {"load_balancer_update": 5, "retry_after": None}))

    answer = stage.put(LB1, stage.get(LB1))

    assert "Retry-After" not in answer.headers
    assert "Retry-After" not in stage.follow(answer).headers


BAD = [
    ("[", "is not JSON"),
    ("[]", "must hold a JSON object"),
    ('{"load_balancers": 1}', "unknown key 'load_balancers'"),
    ('{"native_swap": "2"}', 'native_swap is "2"'),
    ('{"native_swap": true}', "native_swap is true"),
    ('{"native_swap": null}', "native_swap is null"),
    ('{"native_swap": []}', "native_swap is []"),
    ('{"native_swap": [1, "x"]}', 'native_swap[1] is "x"'),
    ('{"native_swap": -1}', "0 or more seconds"),
    ('{"native_swap": NaN}', "NaN is no number"),
    ('{"native_swap": 1e999}', "0 or more seconds"),
    ('{"native_swap": {"median": 1}}', "native_swap is"),
    ('{"native_swap": {"median": 2, "p90": 1}}', "p90 not below"),
    ('{"native_swap": {"median": 0, "p90": 1}}', "median above 0"),
]


@pytest.mark.parametrize(("text", "trouble"), BAD)
def test_a_bad_file_is_refused_with_one_sentence(tmp_path: Path, text: str, trouble: str) -> None:
    with pytest.raises(InvalidLatency) as raised:
        settings_of(tmp_path, text)

    message = str(raised.value)
    assert trouble in message
    assert str(tmp_path / "latency.json") in message
    assert message.endswith(".")
    assert "\n" not in message


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x80"])
def test_a_file_that_is_no_text_is_refused_with_one_sentence(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "latency.json"
    file.write_bytes(content)

    with pytest.raises(InvalidLatency, match="is not JSON"):
        Settings(latency=str(file))


@pytest.mark.parametrize("name", ["instnt", "/", "no\0thing"])
def test_a_profile_that_there_is_not_is_refused_with_the_ones_there_are(name: str) -> None:
    with pytest.raises(InvalidLatency, match="instant, blog, standard"):
        Settings(latency=name)


def test_deeply_nested_json_is_refused_with_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InvalidLatency, match="is not JSON"):
        settings_of(tmp_path, "[" * 100_000)


@pytest.mark.parametrize(
    ("wrong", "trouble"),
    [
        ({"env": "blogg"}, "env is 'blogg'; it must be one of blog, roads, none."),
        ({"release": "never"}, "release is"),
        ({"native": ""}, "native is"),
        ({"if_none_match": "maybe"}, "if_none_match is"),
        ({"time_scale": -1}, "time_scale is -1"),
        ({"time_scale": float("nan")}, "time_scale is nan"),
        ({"time_scale": float("inf")}, "time_scale is inf"),
    ],
)
def test_a_bad_setting_is_refused_with_one_sentence(wrong: dict[str, Any], trouble: str) -> None:
    with pytest.raises(InvalidSettings) as raised:
        Settings(**wrong)

    assert str(raised.value).startswith(trouble)


def test_a_file_is_read_once_and_then_left_alone(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, {"load_balancer_update": 7})
    (tmp_path / "latency.json").write_text(json.dumps({"load_balancer_update": 1}), encoding="utf-8")

    assert update(Stage(settings)) == 7
