"""Backend pools and inbound NAT rules: the two children of a load balancer that are PUT and deleted by themselves."""

from __future__ import annotations

from tests.emulator.stage import FRONTEND1, LB1, Json, Stage, error, said, without_etags

POOL = f"{LB1}/backendAddressPools/second"
RULE = f"{LB1}/inboundNatRules/ssh"
NAT: Json = {
    "properties": {
        "frontendIPConfiguration": {"id": FRONTEND1},
        "protocol": "Tcp",
        "frontendPort": 2222,
        "backendPort": 22,
    }
}


def test_a_pool_is_made_and_deleted_while_the_rest_of_the_load_balancer_stays() -> None:
    stage = Stage()
    before = stage.get(LB1)

    made = stage.put(POOL, {"properties": {}})
    state = stage.get(LB1)["properties"]["provisioningState"]
    stage.settle()
    again = stage.put(POOL, {"properties": {}})
    stage.settle()
    found = stage.get(POOL)
    gone = stage.call("DELETE", POOL)
    stage.settle()

    assert (made.status, again.status, gone.status) == (201, 200, 202)
    assert state == "Updating"
    assert (made.json()["id"], found["type"]) == (POOL, "Microsoft.Network/loadBalancers/backendAddressPools")
    assert stage.status(made) == stage.status(gone) == "Succeeded"
    assert error(stage.call("GET", POOL)) == (404, "NotFound")
    assert without_etags(stage.get(LB1)) == without_etags(before)


def test_a_nat_rule_is_made_by_itself_and_its_frontend_knows_of_it() -> None:
    stage = Stage()

    made = stage.put(RULE, NAT)
    stage.settle()

    assert (made.status, made.json()["properties"]["frontendPort"]) == (201, 2222)
    assert stage.get(FRONTEND1)["properties"]["inboundNatRules"] == [{"id": RULE}]


def test_a_pool_that_a_rule_uses_stays() -> None:
    stage = Stage()
    before = stage.get(LB1)

    answer = stage.call("DELETE", f"{LB1}/backendAddressPools/bepool")

    assert answer.status == 400
    assert stage.get(LB1) == before


def test_what_is_not_there_is_not_deleted_and_has_no_children() -> None:
    stage = Stage()

    assert stage.call("DELETE", POOL).status == 204
    answer = stage.call("DELETE", POOL.replace("vipswap1lb", "none"))
    assert error(answer) == (404, "ResourceNotFound")
    assert "'Microsoft.Network/loadBalancers/none'" in said(answer)
    assert error(stage.put(POOL.replace("vipswap1lb", "none"), {})) == (404, "ResourceNotFound")


def test_if_match_is_the_load_balancers_etag() -> None:
    stage = Stage()

    refused = stage.put(POOL, {}, if_match='W/"other"')

    assert error(refused) == (412, "PreconditionFailed")
    assert stage.put(POOL, {}, if_match=stage.get(LB1)["etag"]).status == 201


def test_frontends_and_rules_have_no_put_of_their_own() -> None:
    stage = Stage()

    assert error(stage.put(FRONTEND1, {})) == (405, "MethodNotAllowed")
    assert error(stage.put(f"{LB1}/loadBalancingRules/http", {})) == (405, "MethodNotAllowed")
    assert error(stage.put(f"{LB1}/backendAddressPools", {})) == (405, "MethodNotAllowed")
