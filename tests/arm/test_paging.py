"""Lists in pages: what the items of a page are, and where the next page is."""

from __future__ import annotations

from typing import Any

import pytest

from vipswap_rest.arm.paging import ARM_NAMES, PageNames, items_of, next_page

HOST = "https://management.azure.com"
FIRST = f"{HOST}/subscriptions/s/things?api-version=2026-03-01&$top=2"


def following(link: Any, names: PageNames = ARM_NAMES, first: str = FIRST) -> str | None:
    return next_page({"nextLink": link, "odata.nextLink": f"{HOST}/odata"}, names, first, first)


def test_items_are_the_json_objects_under_the_name_that_the_list_gives_them() -> None:
    page = {"value": [{"n": 1}, None, "x", 3, [{}], {}], "values": [{"n": 2}]}

    assert list(items_of(page, ARM_NAMES)) == [{"n": 1}, {}]
    assert list(items_of(page, PageNames(items="values"))) == [{"n": 2}]
    assert list(items_of({"value": {"n": 1}}, ARM_NAMES)) == []


@pytest.mark.parametrize("link", [None, "", 3, ["x"], {}])
def test_a_page_without_a_link_is_the_last(link: Any) -> None:
    assert following(link) is None


def test_the_link_has_the_name_that_the_list_gives_it_and_may_mean_nothing() -> None:
    assert following("/x", PageNames(next_link="odata.nextLink")) == f"{HOST}/odata?api-version=2026-03-01"
    assert following("/x", PageNames(next_link=None)) is None


@pytest.mark.parametrize(
    ("link", "url"),
    [
        (
            f"{HOST}/x?api-version=2026-03-01&$skiptoken=a%2fb%2B==",
            f"{HOST}/x?api-version=2026-03-01&$skiptoken=a%2fb%2B==",
        ),
        (f"{HOST}/x?$skiptoken=a%2fb", f"{HOST}/x?$skiptoken=a%2fb&api-version=2026-03-01"),
        ("/x", f"{HOST}/x?api-version=2026-03-01"),
        ("things/2?p=1", f"{HOST}/subscriptions/s/things/2?p=1&api-version=2026-03-01"),
        ("/x?Api-Version=notMe&t=1/1/1970%2012%3A00", f"{HOST}/x?api-version=2026-03-01&t=1/1/1970%2012%3A00"),
        ("/x?p=1&api-version=", f"{HOST}/x?p=1&api-version=2026-03-01"),
        ("/x?my-api-version=1", f"{HOST}/x?my-api-version=1&api-version=2026-03-01"),
    ],
)
def test_a_link_keeps_every_byte_but_the_api_version_which_is_that_of_the_first_page(link: str, url: str) -> None:
    assert following(link) == url


def test_a_list_without_an_api_version_gets_none() -> None:
    assert following("/x?p=1", first=f"{HOST}/things") == f"{HOST}/x?p=1"
