"""`vipswap probe` as a user calls it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.measure.probe.answering import Answering
from vipswap_rest.arm.errors import UsageError
from vipswap_rest.cli.main import main
from vipswap_rest.cli.probe import seconds_of
from vipswap_rest.cli.probe_report import print_findings
from vipswap_rest.measure.probe.findings import address_findings
from vipswap_rest.measure.probe.held import Break, HeldFindings, How
from vipswap_rest.measure.probe.prober import Findings
from vipswap_rest.measure.probe.samples import Samples
from vipswap_rest.measure.probe.target import Endpoint, parse_target

Probe = Callable[..., tuple[int, str, str]]
BRIEFLY = ("--duration", "300ms", "--interval", "20ms")


@pytest.fixture
def probe(capsys: pytest.CaptureFixture[str]) -> Probe:
    """Runs the verb in this process; exit code, stdout, stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            code = main(["probe", *arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def dead_url() -> str:
    """Where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/"


def test_the_json_says_of_each_address_what_was_seen_and_what_was_not(probe: Probe) -> None:
    with Answering() as one, Answering() as two:
        code, out, err = probe(one.url, two.url, *BRIEFLY, "-o", "json")
    told: dict[str, Any] = json.loads(out)

    assert (code, err) == (0, "")
    assert [address["url"] for address in told["addresses"]] == [one.url, two.url]
    assert told["interval_s"] == 0.02
    assert told["seconds"] >= 0.3
    assert told["interrupted"] is False
    assert "UDP" in told["coverage"]
    for address in told["addresses"]:
        assert address["observed_outages"] == []
        assert address["samples"]["ok"] >= 1
        assert address["undetected_upper_s"] > 0
        assert [entry["identity"] for entry in address["identities"]] == ["one"]
        assert set(address["round_trip_s"]) == {"p50", "p90", "p99", "max"}


def test_the_table_says_the_same_in_words_and_what_it_does_not_cover(probe: Probe) -> None:
    with Answering() as server:
        code, out, _ = probe(server.url, *BRIEFLY)

    assert code == 0
    assert server.url in out
    assert "none seen" in out
    assert "could have gone unseen" in out
    assert "answered by one" in out
    assert "Not covered" in out


def test_an_address_that_never_answers_is_said_not_to_and_the_other_is_still_reported(
    probe: Probe, dead_url: str
) -> None:
    with Answering() as server:
        code, out, err = probe(dead_url, server.url, *BRIEFLY)

    assert code == 1
    assert f"{dead_url} never answered as it should: " in err
    assert " refused" in err
    assert "it never answered" in out
    assert "none seen" in out


def test_an_outage_at_the_start_has_a_lower_bound_only_in_the_json(probe: Probe, dead_url: str) -> None:
    _, out, _ = probe(dead_url, *BRIEFLY, "-o", "json")

    (outage,) = json.loads(out)["addresses"][0]["observed_outages"]
    assert outage["lower_s"] >= 0
    assert (outage["estimate_s"], outage["upper_s"], outage["after_s"], outage["before_s"]) == (None,) * 4


def test_a_name_is_said_to_be_looked_up_once(probe: Probe) -> None:
    with Answering() as server:
        _, _, err = probe(f"http://localhost:{server.port}/", *BRIEFLY)

    assert "localhost is " in err
    assert "looked up once" in err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "URL"),
        (("nonsense",), 2, "not an http:// or tcp:// URL"),
        (("https://127.0.0.1/",), 2, "https is not supported"),
        (("http://127.0.0.1", "--interval", "0"), 2, "--interval '0'"),
        (("http://127.0.0.1", "--interval", "9ms"), 2, "10 ms"),
        (("http://127.0.0.1", "--interval", "soon"), 2, "--interval 'soon'"),
        (("http://127.0.0.1", "--interval", "-1s"), 2, "--interval"),
        (("http://127.0.0.1", "--interval", "2m"), 2, "60 s"),
        (("http://127.0.0.1", "--duration", "0s"), 2, "--duration '0s'"),
        (("http://127.0.0.1", "--duration", "1000h"), 2, "1,000,000 samples"),
        (("http://127.0.0.1", "--duration", "9" * 400), 2, "--duration"),
        (("http://no-such-host.invalid",), 1, "no-such-host.invalid"),
        (("http://127.0.0.1", "-o", "yaml"), 2, "yaml"),
    ],
)
def test_bad_input_gets_a_sentence_and_its_exit_code(
    arguments: tuple[str, ...], code: int, words: str, probe: Probe
) -> None:
    found, out, err = probe(*arguments)

    assert (found, out) == (code, "")
    assert words in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("text", "seconds"), [("10ms", 0.01), ("0.1s", 0.1), (".5", 0.5), ("30", 30.0), ("5m", 300.0), ("1h", 3600.0)]
)
def test_lengths_of_time_have_units(text: str, seconds: float) -> None:
    assert seconds_of("--interval", text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "ms", "1d", "1e3", "nan", "inf", "0ms", "1s2", "١"])
def test_anything_else_is_no_length_of_time(text: str) -> None:
    with pytest.raises(UsageError):
        seconds_of("--interval", text)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_ends_it_with_the_report_and_130(number: signal.Signals) -> None:
    with Answering() as server:
        line = [sys.executable, "-m", "vipswap_rest", "probe", server.url, "--duration", "5m", "-o", "json"]
        with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            end = time.monotonic() + 30
            while server.answered < 3 and time.monotonic() < end:
                time.sleep(0.01)
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
    told = json.loads(out)

    assert process.returncode == 130
    assert told["interrupted"] is True
    assert told["addresses"][0]["samples"]["ok"] >= 3
    assert err == ""


def test_of_a_name_with_several_addresses_it_says_how_many_there_are(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Answering() as server:
        addresses = [("127.0.0.1", server.port), ("127.0.0.2", server.port)]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        _, _, err = probe(f"http://blue.example:{server.port}/", *BRIEFLY)

    assert "blue.example is 127.0.0.1 (of 2; the first of them), looked up once" in err


@pytest.mark.parametrize("form", ["json", "table"])
def test_a_result_that_stdout_does_not_take_is_one_sentence_and_no_success(form: str) -> None:
    with Answering() as server, open("/dev/full", "w") as full:
        line = [sys.executable, "-m", "vipswap_rest", "probe", server.url, *BRIEFLY, "-o", form]
        ran = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, text=True, timeout=30, check=False)

    assert ran.returncode == 1
    assert ran.stderr == "vipswap: the result could not be written to stdout: No space left on device.\n"


def test_on_a_terminal_without_rich_it_tells_the_changes_in_plain_lines(dead_url: str) -> None:
    program = (
        "import sys; sys.modules['rich'] = None; from vipswap_rest.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    told = on_a_terminal([sys.executable, "-c", program], dead_url)

    assert f"{dead_url} does not answer (refused)" in told
    assert "\x1b" not in told


def test_on_a_terminal_with_rich_there_is_a_line_for_each_address_too(dead_url: str) -> None:
    told = on_a_terminal([sys.executable, "-m", "vipswap_rest"], dead_url)

    assert f"{dead_url} does not answer (refused)" in told
    assert f"{dead_url} does not answer (refused), for " in told


def on_a_terminal(program: list[str], url: str) -> str:
    """What a short probing of `url` writes on a terminal."""
    ours, theirs = os.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    line = [*program, "probe", url, "--duration", "1", "-o", "json"]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=theirs, env=environment) as process:
        process.wait(timeout=30)
    os.close(theirs)
    told = os.read(ours, 65536).decode()
    os.close(ours)
    return told


def test_on_a_terminal_it_tells_when_an_address_answers_and_when_it_does_not(dead_url: str) -> None:
    ours, theirs = os.openpty()
    with Answering() as server:
        line = [sys.executable, "-m", "vipswap_rest", "probe", server.url, dead_url, "--duration", "1", "-o", "json"]
        with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
            out, _ = process.communicate(timeout=30)
    os.close(theirs)
    told = os.read(ours, 65536).decode()
    os.close(ours)

    assert json.loads(out)["addresses"][0]["answered"] is True
    assert f"{server.url} answers (one)" in told
    assert f"{dead_url} does not answer (refused)" in told


def test_of_held_connections_it_says_how_each_broke_and_that_they_are_covered(
    capsys: pytest.CaptureFixture[str],
) -> None:
    breaks = (Break(0, How.RESET, 11.0, 11.25), Break(1, How.SILENCE, 12.0, 12.5, resumed=14.0))
    target = parse_target("http://127.0.0.1:9/")
    found = address_findings(
        Endpoint(target, socket.AF_INET, ("127.0.0.1", 9)),
        Samples(),
        interval_s=0.1,
        begin=10.0,
        end=20.0,
        held=HeldFindings(3, 0, 1, breaks, {"one": 3}),
    )
    print_findings(Findings((found,), 0.1, 10.0, 20.0, False, 0.0, 0.0))
    told = capsys.readouterr().out

    assert "#0: reset between 1.000 s and 1.250 s\n" in told
    silent = "what was asked at 2.000 s was answered, what was asked at 2.500 s was not, answered after all at 4.000 s"
    assert f"#1: fell silent: {silent}\n" in told
    assert "open already but for those held" in told
