"""A swap that fails says the run's correlation id and the failed request's own, in the report, too."""

from __future__ import annotations

import requests

from tests.methods.vip_swap.lab import Lab


def test_a_failed_swaps_error_has_the_ids_of_the_request_that_was_refused() -> None:
    lab, seen = Lab(), list[requests.PreparedRequest]()
    lab.wire.before = lambda request: seen.append(request)
    lab.strike({"match": {"method": "PUT", "path": "publicIPAddresses"}, "effect": {"status": 403}, "times": 9})

    report = lab.swap()

    refused = [request for request in seen if request.method == "PUT"][-1]
    assert report.error is not None
    told = str(report.as_json()["error"]["message"])
    assert told == str(report.error)
    assert f"client request id {refused.headers['x-ms-client-request-id']}" in told
    assert f"correlation id {refused.headers['x-ms-correlation-request-id']}" in told
    assert len({request.headers["x-ms-correlation-request-id"] for request in seen}) == 1
    assert len({request.headers["x-ms-client-request-id"] for request in seen}) == len(seen)


def test_a_swap_that_stops_half_way_without_an_answer_says_our_own_ids() -> None:
    lab, seen = Lab(), list[requests.PreparedRequest]()

    def before(request: requests.PreparedRequest) -> None:
        seen.append(request)
        if any(one.method == "PUT" and "loadBalancers" in str(one.url) for one in seen):
            raise requests.ReadTimeout

    lab.wire.before = before

    report = lab.swap()

    assert report.exit_code == 6
    told = str(report.as_json()["error"]["message"])
    ids = {str(request.headers["x-ms-client-request-id"]) for request in seen}
    assert any(f"client request id {one}" in told for one in ids)
    assert f"correlation id {seen[0].headers['x-ms-correlation-request-id']}" in told
