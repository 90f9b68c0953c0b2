"""Where a call came from, in few words: a network, a VPC endpoint or an AWS service.

Source: AWS CloudTrail User Guide, cloudtrail-event-reference-record-contents (sourceIPAddress, vpcEndpointId).
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from simulator.cloudtrail.call import Call, EndpointPath
from simulator.cloudtrail.principal import is_service_name

UNTOLD: Final = "(unknown)"

_AWS_INTERNAL: Final = "AWS Internal"
_PREFIX: Final = {4: 24, 6: 48}
"""One office, site or subnet; any finer and a list of networks would be one of addresses."""


def source_network(call: Call) -> str:
    """The customer's VPC endpoint (`vpce-…`), else the network of the address (/24, IPv6: /48), else the AWS service.

    `(unknown)` where the record has no address, or a text that is none.
    """
    if isinstance(call.path, EndpointPath):
        return call.path.endpoint
    text = call.record.source_ip_address or ""
    if text == _AWS_INTERNAL or is_service_name(text):
        return text
    try:
        address: IPv4Address | IPv6Address = ip_address(text)
    except ValueError:
        return UNTOLD
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    # A zone (`fe80::1%eth0`) is no part of a network.
    return str(ip_network(f"{str(address).partition('%')[0]}/{_PREFIX[address.version]}", strict=False))
