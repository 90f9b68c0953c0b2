"""A made-up organization of 30 accounts: built in moto, and written down by hand from the same table."""

import json

import boto3

FULL = {"SERVICE_CONTROL_POLICY": "p-FullAWSAccess", "RESOURCE_CONTROL_POLICY": "p-RCPFullAWSAccess"}
UNITS = ("Workloads", "Workloads/Prod", "Workloads/Test", "Platform", "Sandbox")
ACCOUNTS = {
    "": ["audit"],
    "Workloads/Prod": [f"shop-{number}" for number in range(1, 13)],
    "Workloads/Test": [f"test-{number}" for number in range(1, 8)],
    "Platform": ["network", "logs", "images"],
    "Sandbox": [f"sandbox-{number}" for number in range(1, 7)],
}


def deny(*actions, side="scp", **more):
    principal = {"Principal": "*"} if side == "rcp" else {}
    statement = {"Sid": "No", "Effect": "Deny", **principal, "Action": list(actions), "Resource": "*", **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


REGIONS = {"StringNotEquals": {"aws:RequestedRegion": ["eu-central-1", "eu-west-1"]}}
POLICIES = {
    # name: (type, document, where it is attached)
    "stay": ("SERVICE_CONTROL_POLICY", deny("organizations:LeaveOrganization"), [""]),
    "regions": ("SERVICE_CONTROL_POLICY", deny("ec2:*", Condition=REGIONS), ["Workloads"]),
    "keep-trails": ("SERVICE_CONTROL_POLICY", deny("cloudtrail:StopLogging"), ["Platform", "logs"]),
    "spare": ("SERVICE_CONTROL_POLICY", deny("s3:DeleteBucket"), []),
    "own-people": (
        "RESOURCE_CONTROL_POLICY",
        deny("s3:*", side="rcp", Condition={"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-exampleorg1"}}),
        ["Workloads/Prod"],
    ),
}
MANAGEMENT = "123456789012"
CLOSED = "sandbox-6"
DELEGATED = ("audit", "guardduty.amazonaws.com")


def build(proxy, rcps=True):
    """Make it in moto, past the proxy; ids by path and by account name."""
    client = boto3.client("organizations", endpoint_url=f"http://127.0.0.1:{proxy.backend}")
    ids = {"o": client.create_organization(FeatureSet="ALL")["Organization"]["Id"]}
    root = ids[""] = client.list_roots()["Roots"][0]["Id"]
    types = [each for each in FULL if rcps or each != "RESOURCE_CONTROL_POLICY"]
    for each in types:
        client.enable_policy_type(RootId=root, PolicyType=each)
    for path in UNITS:
        parent, _, name = path.rpartition("/")
        unit = client.create_organizational_unit(ParentId=ids[parent], Name=name)["OrganizationalUnit"]
        ids[path] = unit["Id"]
    for path, names in ACCOUNTS.items():
        for name in names:
            made = client.create_account(AccountName=name, Email=f"{name}@example.com")["CreateAccountStatus"]
            ids[name] = made["AccountId"]
            if path:
                client.move_account(AccountId=ids[name], SourceParentId=root, DestinationParentId=ids[path])
    for name, (kind, document, places) in POLICIES.items():
        if kind not in types:
            continue
        made = client.create_policy(Content=json.dumps(document), Description=name, Name=name, Type=kind)
        ids[name] = made["Policy"]["PolicySummary"]["Id"]
        for place in places:
            client.attach_policy(PolicyId=ids[name], TargetId=ids[place])
    account, service = DELEGATED
    client.register_delegated_administrator(AccountId=ids[account], ServicePrincipal=service)
    client.close_account(AccountId=ids[CLOSED])
    return ids


def by_hand(ids):
    """The snapshot that a person would write of it."""

    def attached(place):
        return [*FULL.values(), *(ids[name] for name, row in POLICIES.items() if place in row[2])]

    def account(name):
        status = "SUSPENDED" if name == CLOSED else "ACTIVE"
        return {"id": ids[name], "name": name, "status": status, "policies": attached(name)}

    def below(path):
        units = [unit for unit in UNITS if unit.rpartition("/")[0] == path]
        return {
            "policies": attached(path),
            "accounts": [account(name) for name in ACCOUNTS.get(path, ())],
            "units": [{"id": ids[unit], "name": unit.rpartition("/")[2], **below(unit)} for unit in units],
        }

    root = {"id": ids[""], "name": "Root", **below("")}
    policies = list(FULL.values())
    root["accounts"].append({"id": MANAGEMENT, "name": "master", "status": "ACTIVE", "policies": policies})
    return {
        "schema": "orgsim/organization/1",
        "id": ids["o"],
        "management_account": MANAGEMENT,
        "policy_types": list(FULL),
        "root": root,
        "policies": {
            ids[name]: {"name": name, "type": kind, "document": document}
            for name, (kind, document, _) in POLICIES.items()
        },
        "delegated_administrators": [{"account": ids[DELEGATED[0]], "services": [DELEGATED[1]]}],
    }
