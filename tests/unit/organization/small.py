"""A small organization for the tests: two levels of units, a name that occurs twice, one SCP and one RCP of its own."""

import json

from simulator.organization.snapshot import parse_organization
from simulator.policy.document import PolicyType
from simulator.policy.parser import parse_policy

SHOP, BANK, TEST, LOOSE, MANAGEMENT = (
    "111111111111",
    "222222222222",
    "333333333333",
    "444444444444",
    "999999999999",
)
FULL = ["p-FullAWSAccess", "p-RCPFullAWSAccess"]


def deny(action="s3:*", sid="No", **more):
    return {
        "Version": "2012-10-17",
        "Statement": [{"Sid": sid, "Effect": "Deny", "Action": action, "Resource": "*", **more}],
    }


def rcp(action="s3:*", **more):
    return deny(action, Principal="*", **more)


def account(number, name, policies=FULL):
    return {"id": number, "name": name, "policies": list(policies)}


def snapshot(**changes):
    """The snapshot as JSON values; `changes` replace top-level fields."""
    value = {
        "schema": "orgsim/organization/1",
        "id": "o-smallorg01",
        "management_account": MANAGEMENT,
        "root": {
            "id": "r-a1b2",
            "policies": [*FULL, "p-stay"],
            "accounts": [account(MANAGEMENT, "management"), account(LOOSE, "loose")],
            "units": [
                {
                    "id": "ou-a1b2-work",
                    "name": "Workloads",
                    "policies": FULL,
                    "accounts": [],
                    "units": [
                        {
                            "id": "ou-a1b2-wprd",
                            "name": "Prod",
                            "policies": [*FULL, "p-vault"],
                            "units": [],
                            "accounts": [account(SHOP, "shop"), account(BANK, "bank")],
                        }
                    ],
                },
                {
                    "id": "ou-a1b2-labs",
                    "name": "Labs",
                    "policies": FULL,
                    "accounts": [],
                    "units": [
                        {
                            "id": "ou-a1b2-lprd",
                            "name": "Prod",
                            "policies": FULL,
                            "units": [],
                            "accounts": [account(TEST, "test")],
                        }
                    ],
                },
            ],
        },
        "policies": {
            "p-stay": {
                "name": "stay",
                "type": "SERVICE_CONTROL_POLICY",
                "document": deny("organizations:LeaveOrganization"),
            },
            "p-vault": {"name": "vault", "type": "RESOURCE_CONTROL_POLICY", "document": rcp("s3:DeleteBucket")},
        },
    }
    value.update(changes)
    return value


def organization(**changes):
    return parse_organization(json.dumps(snapshot(**changes), indent=1), "org.json")


def document(value=None, file="new.json"):
    return parse_policy(json.dumps(value or deny()), file)


SCP, RCP = PolicyType.SCP, PolicyType.RCP
