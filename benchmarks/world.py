"""The made-up organization of the benchmark: 40 member accounts in a few units, 25 roles in each, tagged things."""

from dataclasses import dataclass
from typing import Any, Final

ORGANIZATION: Final = "o-benchorg01"
MANAGEMENT: Final = "999999999999"
ACCOUNTS: Final = tuple(f"1000000000{number:02d}" for number in range(40))
UNITS: Final = {
    "Prod": ACCOUNTS[:15],
    "Dev": ACCOUNTS[15:25],
    "Data": ACCOUNTS[25:31],
    "Infrastructure": ACCOUNTS[31:35],
    "Security": ACCOUNTS[35:37],
    "Sandbox": ACCOUNTS[37:],
}
WORKLOADS: Final = ("Prod", "Dev", "Data")
"""The units below `Workloads`; the others stand directly under the root."""

REGIONS: Final = ("eu-central-1",) * 12 + ("eu-west-1",) * 4 + ("us-east-1",) * 3 + ("ap-southeast-2",)
"""Where files come from, as often as they stand here."""

_FULL_ACCESS: Final = ["p-FullAWSAccess", "p-RCPFullAWSAccess"]


@dataclass(frozen=True)
class Role:
    """A role: `path` begins and ends with a slash; `job` names what it does (`benchmarks.events.JOBS`)."""

    path: str
    name: str
    job: str


def roles(account: int) -> tuple[Role, ...]:
    """The 25 roles of the account with this number."""
    suffix = f"{account * 2654435761 % 2**64:016x}"
    sso = "/aws-reserved/sso.amazonaws.com/eu-central-1/"
    return (
        *(Role(f"/team-{number % 4}/", f"app-{number}", "app") for number in range(8)),
        *(Role("/service-role/", f"fn-{number}", "function") for number in range(5)),
        *(Role("/", f"batch-{number}", "batch") for number in range(3)),
        *(Role("/platform/", f"deploy-{number}", "deploy") for number in range(3)),
        *(Role("/", f"eks-node-{number}", "node") for number in range(2)),
        Role(sso, f"AWSReservedSSO_Admin_{suffix}", "person"),
        Role(sso, f"AWSReservedSSO_Reader_{suffix}", "person"),
        Role("/security/", "AuditRead", "audit"),
        Role("/aws-service-role/autoscaling.amazonaws.com/", "AWSServiceRoleForAutoScaling", "linked"),
    )


def bucket(account: str, number: int) -> str:
    """The name of a bucket; number 0 holds restricted data."""
    return f"bench-{account[-2:]}-{'restricted' if number == 0 else f'data-{number}'}"


def key_arn(account: str, region: str, number: int) -> str:
    """The ARN of a KMS key."""
    return f"arn:aws:kms:{region}:{account}:key/00000000-0000-4000-8000-{account[-2:]}000000000{number}"


def snapshot() -> dict[str, Any]:
    """The organization snapshot: full access everywhere; tags of all roles, buckets and keys."""
    principal_tags: dict[str, dict[str, str]] = {}
    resource_tags: dict[str, dict[str, str]] = {}
    owners: dict[str, str] = {}
    for number, account in enumerate(ACCOUNTS):
        for place, role in enumerate(roles(number)):
            tags = {"team": f"team-{place % 4}", "clearance": "high" if place % 3 else "low"}
            principal_tags[f"arn:aws:iam::{account}:role{role.path}{role.name}"] = tags
        for each in range(4):
            tags = {"team": f"team-{each}", "tier": "restricted" if each == 0 else "plain"}
            owners[bucket(account, each)] = account
            resource_tags[f"arn:aws:s3:::{bucket(account, each)}"] = tags
            for region in sorted(set(REGIONS)):
                resource_tags[key_arn(account, region, each)] = tags
    units = {name: _unit(name, members) for name, members in UNITS.items()}
    workloads = {**_unit("Workloads", ()), "units": [units[name] for name in WORKLOADS]}
    return {
        "schema": "orgsim/organization/1",
        "id": ORGANIZATION,
        "management_account": MANAGEMENT,
        "policy_types": ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"],
        "root": {
            "id": "r-bnch",
            "policies": _FULL_ACCESS,
            "accounts": [_account(MANAGEMENT)],
            "units": [workloads, *(unit for name, unit in units.items() if name not in WORKLOADS)],
        },
        "policies": {},
        "principal_tags": principal_tags,
        "resource_tags": resource_tags,
        "resource_accounts": owners,
    }


def _unit(name: str, members: tuple[str, ...]) -> dict[str, Any]:
    return {
        "id": f"ou-bnch-{name.lower()[:8]:0<8}",
        "name": name,
        "policies": _FULL_ACCESS,
        "accounts": [_account(account) for account in members],
    }


def _account(account: str) -> dict[str, Any]:
    return {"id": account, "name": f"bench-{account}", "policies": _FULL_ACCESS}
