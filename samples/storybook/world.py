"""Names and numbers of the made-up company. Addresses are from the documentation ranges (RFC 5737, RFC 3849)."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any, Final

Json = dict[str, Any]

ORGANIZATION: Final = "o-exampleorg1"

MANAGEMENT: Final = "999999999999"
AUDIT_LOG: Final = "111111110001"
SECURITY_TOOLS: Final = "111111110002"
NETWORK: Final = "222222220001"
BUILD: Final = "222222220002"
BOOKING_PROD: Final = "333333330001"
PAYMENTS_PROD: Final = "333333330002"
BOOKING_DEV: Final = "444444440001"
PAYMENTS_DEV: Final = "444444440002"
# Created after the snapshot was taken: the log knows it, organization.json does not.
PRICING_DEV: Final = "444444440003"
SANDBOX_ANALYTICS: Final = "555555550001"
SANDBOX_EXPERIMENTS: Final = "555555550002"

OUR_ACCOUNTS: Final = frozenset(
    {
        MANAGEMENT,
        AUDIT_LOG,
        SECURITY_TOOLS,
        NETWORK,
        BUILD,
        BOOKING_PROD,
        PAYMENTS_PROD,
        BOOKING_DEV,
        PAYMENTS_DEV,
        PRICING_DEV,
        SANDBOX_ANALYTICS,
        SANDBOX_EXPERIMENTS,
    }
)

# Accounts of other companies.
HARBOUR_AUTHORITY: Final = "777777770001"
MONITORING_VENDOR: Final = "777777770002"
TICKET_RESELLER: Final = "777777770003"
STRANGER: Final = "777777770009"

MIRA: Final = "mira.lindqvist@ferries.example"
JONAS: Final = "jonas.brandt@ferries.example"
ADA: Final = "ada.okafor@ferries.example"
NOOR: Final = "noor.haddad@ferries.example"
ELIN: Final = "elin.sato@ferries.example"

#: Sid of the proposed region guardrail, by far the most frequent reason in the stories.
REGIONS_2026: Final = "OnlyFrankfurtAndStockholm"

FRANKFURT: Final = "eu-central-1"
IRELAND: Final = "eu-west-1"
STOCKHOLM: Final = "eu-north-1"
GLOBAL: Final = "us-east-1"

OFFICE: Final = "198.51.100.24"
HOME: Final = "192.0.2.77"
HOME_IPV6: Final = "2001:db8:4c::17"
GITHUB_RUNNER: Final = "203.0.113.40"
NAT_BOOKING: Final = "203.0.113.10"
NAT_BUILD: Final = "203.0.113.20"
LAMBDA_PUBLIC: Final = "203.0.113.90"

PAYMENTS_ENDPOINT: Final = "vpce-0123400000000aaaa"
ANALYTICS_ENDPOINT: Final = "vpce-0123400000000bbbb"
BOOKING_ENDPOINT: Final = "vpce-0123400000000cccc"

#: Owner of each bucket; ``None`` where neither the log nor the snapshot tells.
BUCKET_OWNERS: Final[dict[str, str | None]] = {
    "nordhaven-audit-log": AUDIT_LOG,
    "nordhaven-build-artifacts": BUILD,
    "nordhaven-tickets": BOOKING_PROD,
    "nordhaven-timetables": BOOKING_PROD,
    "nordhaven-website": BOOKING_PROD,
    "nordhaven-invoices": BOOKING_PROD,
    "nordhaven-payments-export": PAYMENTS_PROD,
    "nordhaven-booking-dev": BOOKING_DEV,
    "nordhaven-payments-dev": PAYMENTS_DEV,
    "nordhaven-sandbox-lab": SANDBOX_ANALYTICS,
    "nordhaven-experiments": SANDBOX_EXPERIMENTS,
    "nordhaven-shared-assets": None,
    "harbour-authority-berths": HARBOUR_AUTHORITY,
}

BUCKET_REGIONS: Final[dict[str, str]] = {"harbour-authority-berths": FRANKFURT}

PERMANENT_KEY: Final = f"arn:aws:kms:{FRANKFURT}:{BOOKING_PROD}:key/0a1f6f4e-0001-4a5e-9c1d-00000000b001"
SHORT_LIVED_KEY: Final = f"arn:aws:kms:{FRANKFURT}:{BOOKING_PROD}:key/0a1f6f4e-0001-4a5e-9c1d-00000000b002"
UNTAGGED_KEY: Final = f"arn:aws:kms:{FRANKFURT}:{BOOKING_PROD}:key/0a1f6f4e-0001-4a5e-9c1d-00000000b003"
PAYMENTS_KEY: Final = f"arn:aws:kms:{FRANKFURT}:{PAYMENTS_PROD}:key/0a1f6f4e-0002-4a5e-9c1d-00000000c001"
AUDIT_KEY: Final = f"arn:aws:kms:{FRANKFURT}:{AUDIT_LOG}:key/0a1f6f4e-0003-4a5e-9c1d-00000000d001"

#: The days on which the log has records; everything happens on one of them.
DAYS: Final = (
    "2026-08-03",
    "2026-08-17",
    "2026-09-01",
    "2026-09-14",
    "2026-09-28",
    "2026-10-01",
    "2026-10-12",
    "2026-10-19",
    "2026-10-26",
    "2026-10-30",
)


def at(day: str, clock: str) -> datetime:
    """A moment in UTC: ``at("2026-08-03", "09:15:00")``."""
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=UTC)


def iso(moment: datetime) -> str:
    """The moment as CloudTrail writes it, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def expiration(moment: datetime, hours: float = 1) -> str:
    """The end of a session in the form STS uses in ``responseElements`` (``Aug 3, 2026, 9:15:00 AM``)."""
    end = moment + timedelta(hours=hours)
    return f"{end.strftime('%b')} {end.day}, {end.year}, {end.hour % 12 or 12}{end.strftime(':%M:%S %p')}"


def digest(*parts: str) -> str:
    """64 hexadecimal digits that depend on the parts alone; every invented id comes from here."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def letters(length: int, *parts: str) -> str:
    """``length`` upper-case letters and digits, the same for the same parts."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    number = int(digest(*parts), 16)
    text = ""
    for _ in range(length):
        number, place = divmod(number, len(alphabet))
        text += alphabet[place]
    return text


def role_arn(account: str, name: str) -> str:
    """ARN of a role given with its path: ``role_arn(BUILD, "platform/deploy/GitHubDeploy")``."""
    return f"arn:aws:iam::{account}:role/{name}"


def single_sign_on_role(account: str, permission_set: str) -> str:
    """ARN of the role that Identity Center keeps in an account for a permission set."""
    suffix = digest("permission-set", account, permission_set)[:16]
    return role_arn(account, f"aws-reserved/sso.amazonaws.com/{FRANKFURT}/AWSReservedSSO_{permission_set}_{suffix}")


def policy_arn(policy: str, kind: str = "service_control_policy") -> str:
    """ARN of a policy of the organization, as error messages quote it."""
    return f"arn:aws:organizations::{MANAGEMENT}:policy/{ORGANIZATION}/{kind}/{policy}"
