"""Where a call came from, folded to something that a report can list."""

import pytest

from simulator.cloudtrail.call import Call
from simulator.cloudtrail.parameters import Parameters
from simulator.cloudtrail.principal import principal_of
from simulator.cloudtrail.source_network import source_network
from simulator.decision.facts import Facts
from tests.replay_tools import record, role, service
from tests.unit.replay.world import APP, parsed


def network(address, who=None, **more):
    found = parsed(record("s3", "GetObject", who or role(APP, "r"), recipient=APP, sourceIPAddress=address, **more))
    return source_network(Call(found, Parameters.from_record(found), principal_of(found), Facts()))


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("10.1.2.3", "10.1.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("2001:DB8:1:2::4", "2001:db8:1::/48"),
        ("::ffff:192.0.2.7", "192.0.2.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("lambda.amazonaws.com", "lambda.amazonaws.com"),
        ("AWS Internal", "AWS Internal"),
        ("81.2.69.142, 192.168.10.10", "(unknown)"),
        ("225.178.039.250", "(unknown)"),
        ("...", "(unknown)"),
        ("192.0.2.0/24", "(unknown)"),
        ("<script>", "(unknown)"),
        ("", "(unknown)"),
        (None, "(unknown)"),
    ],
)
def test_addresses(address, told):
    assert network(address) == told


def test_the_customers_endpoint_says_more_than_the_address_behind_it():
    assert network("10.1.2.3", vpcEndpointId="vpce-0a") == "vpce-0a"
    assert network("10.1.2.3", additionalEventData={"vpcEndpointId": "vpce-0b"}) == "vpce-0b"


def test_an_endpoint_of_aws_itself_is_not_the_customers():
    who = role(APP, "r", invokedBy="athena.amazonaws.com")
    assert network("athena.amazonaws.com", who, vpcEndpointId="vpce-0a") == "athena.amazonaws.com"
    assert network("delivery.logs.amazonaws.com", service("delivery.logs.amazonaws.com"), vpcEndpointId="vpce-0a") == (
        "delivery.logs.amazonaws.com"
    )
