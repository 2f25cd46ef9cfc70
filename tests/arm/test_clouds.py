"""Endpoints: what is one, which cloud it belongs to, and which version a call is pinned to."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vipswap_rest.arm.clouds import API_VERSIONS, CLOUDS, PUBLIC, US_GOVERNMENT, check_endpoint, cloud_of, is_loopback
from vipswap_rest.arm.errors import UsageError


@pytest.mark.parametrize(
    ("given_url", "endpoint"),
    [
        ("https://management.azure.com", "https://management.azure.com"),
        ("https://management.azure.com/", "https://management.azure.com"),
        (" https://management.azure.com:443 ", "https://management.azure.com:443"),
        ("https://proxy.example/arm/", "https://proxy.example/arm"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://127.0.0.1:8080", "https://127.0.0.1:8080"),
    ],
)
def test_an_endpoint_loses_its_last_slash(given_url: str, endpoint: str) -> None:
    assert check_endpoint(given_url) == endpoint


@pytest.mark.parametrize(
    "url",
    [
        *("", "x", "management.azure.com", "ftp://127.0.0.1", "file:///etc/passwd", "https://", "https:///x", "//host"),
        *(
            "https://host:port",
            "https://[",
            "https://host:99999",
            "https://a b",
            "https://h/a b",
            "https://h/é",
        ),
        *(
            "https://u@host",
            "https://u:p@host",
            "https://evil\\@host",
            "https://host\\",
            "https://host?x",
            "https://host#x",
        ),
    ],
)
def test_a_url_that_is_no_endpoint_is_refused(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_endpoint(url)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    "host",
    [
        *("management.azure.com", "10.0.0.1", "0.0.0.0", "128.0.0.1", "127.0.0.1.example.com", "localhost.example.com"),
        *("[::]", "[2001:db8::1]", "127.1", "0x7f000001", "2130706433"),
    ],
)
def test_plain_http_to_anything_but_loopback_is_refused(host: str) -> None:
    with pytest.raises(UsageError, match="clear text"):
        check_endpoint(f"http://{host}:80")


@given(st.text(max_size=40))
def test_any_text_is_an_endpoint_or_a_usage_error(text: str) -> None:
    for url in (text, f"https://{text}", f"http://127.0.0.1{text}"):
        try:
            assert re.match(r"https?://[\w.\[\]:-]+", check_endpoint(url))
        except UsageError:
            continue


@pytest.mark.parametrize("host", ["127.0.0.1", "127.255.0.1", "::1", "localhost", "LOCALHOST"])
def test_this_machine_is_loopback(host: str) -> None:
    assert is_loopback(host)


def test_an_endpoint_has_its_clouds_logins() -> None:
    assert cloud_of("https://MANAGEMENT.usgovcloudapi.net:443/") is US_GOVERNMENT
    assert cloud_of("http://127.0.0.1:8080").authority == PUBLIC.authority
    assert cloud_of("http://127.0.0.1:8080").resource_manager == "http://127.0.0.1:8080"


@pytest.mark.parametrize("cloud", CLOUDS, ids=lambda cloud: cloud.name)
def test_every_cloud_is_https_throughout(cloud: object) -> None:
    for url in (getattr(cloud, name) for name in ("resource_manager", "authority", "audience")):
        assert url.startswith("https://")


def test_every_pin_is_a_stable_version() -> None:
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", version) for version in API_VERSIONS.values())
