"""The values of typed condition keys: numbers, dates, booleans, binary data, IP addresses and ranges.

Source: AWS IAM User Guide, reference_policies_elements_condition_operators. The evaluator compares with these
readings; the validator reports what cannot be read.
"""

import base64
import binascii
import ipaddress
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Final

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_DATE: Final = re.compile(
    r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2})"
    r"(?:T(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?P<fraction>\.[0-9]+)?)?"
    r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?)?)?)?"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_TEXT: Final = 400
"""Longer texts are no numbers, dates or addresses; bounds the work for hostile input."""


def parse_number(text: str) -> Decimal | None:
    """An integer or decimal number; `None` if `text` is none."""
    return Decimal(text) if len(text) <= _MAX_TEXT and _NUMBER.fullmatch(text) else None


def parse_date(text: str) -> Decimal | None:
    """Seconds since 1970 of a W3C ISO-8601 date or of epoch seconds; `None` if `text` is neither.

    Four digits are a year. A time without zone counts as UTC.
    """
    if len(text) > _MAX_TEXT:
        return None
    match = _DATE.fullmatch(text)
    if match is None:
        return parse_number(text)
    zone = match["zone"]
    offset = timedelta()
    if zone and zone != "Z":
        digits = zone[1:].replace(":", "")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        offset = -offset if zone[0] == "-" else offset
    try:
        moment = datetime(
            int(match["year"]),
            int(match["month"] or 1),
            int(match["day"] or 1),
            int(match["hour"] or 0),
            int(match["minute"] or 0),
            int(match["second"] or 0),
            tzinfo=timezone(offset),
        )
    except ValueError:
        return None
    passed = moment - _EPOCH
    return Decimal(passed.days * 86400 + passed.seconds) + Decimal("0" + (match["fraction"] or ".0"))


def parse_bool(text: str) -> bool | None:
    """`true` or `false` in any case; `None` for anything else."""
    return {"true": True, "false": False}.get(text.lower())


def parse_binary(text: str) -> bytes | None:
    """Base64; `None` if `text` is not."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


Address = tuple[int, int]
"""IP version and the address as a number."""


OCTETS: Final = MappingProxyType({str(number): number for number in range(256)})
"""The parts of an IPv4 address as they are written; a leading zero is none of them. Read-only."""


def parse_address(text: str) -> Address | None:
    """One IPv4 or IPv6 address; `None` for anything else (a service name, two addresses, leading zeros)."""
    try:
        # Nearly all addresses in logs are IPv4: read without the library, which takes ten times as long.
        first, second, third, fourth = text.split(".")
        return 4, OCTETS[first] << 24 | OCTETS[second] << 16 | OCTETS[third] << 8 | OCTETS[fourth]
    except (ValueError, KeyError):
        pass
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return address.version, int(address)


def parse_network(text: str) -> tuple[int, int, int] | None:
    """IP version, mask and network of a CIDR range; without a prefix length, one host. `None` if `text` is none."""
    head, slash, length = text.partition("/")
    if slash and not (length.isascii() and length.isdigit() and len(length) <= 3):
        return None
    try:
        network = ipaddress.ip_network(f"{head}/{length}" if slash else head, strict=False)
    except ValueError:
        return None
    return network.version, int(network.netmask), int(network.network_address)
