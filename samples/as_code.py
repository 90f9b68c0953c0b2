"""Write the proposal of the samples in the forms of other tools: ``python samples/as_code.py`` (``--check`` compares).

``proposal/`` is written by hand; this script turns it into ``as-code/``: the plan of Terraform, a CloudFormation
template, and the configurations of the Landing Zone Accelerator and of Customizations for Control Tower. The last can
neither attach to accounts nor detach nor move; it holds the policies for units only.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
FOLDER = "as-code"
# The two policies that others replace; the tools that say how things shall be keep them, attached nowhere.
RETIRED = {"workload-regions-2024": "p-regions2024", "sandbox-services-2025": "p-sandboxlist"}
DETACHED = {"no-gpu-servers": "p-nobigservers"}

Json = dict[str, Any]


class World:
    """The organization and the proposal of the samples, as the tools need to know them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "proposal"
        self.organization = json.loads((folder / "organization.json").read_text(encoding="utf-8"))
        self.proposal = yaml.safe_load((self.folder / "proposal.yaml").read_text(encoding="utf-8"))
        root = self.organization["root"]
        self.ids = {"Root": root["id"]}
        self.paths: dict[str, str] = {root["id"]: "Root"}
        self.accounts: dict[str, tuple[str, str]] = {}
        self._walk(root, "")

    def _walk(self, node: Json, path: str) -> None:
        for account in node.get("accounts", ()):
            self.accounts[account["name"]] = (account["id"], path or "Root")
            self.ids[account["name"]] = account["id"]
        for unit in node.get("units", ()):
            inner = f"{path}/{unit['name']}" if path else unit["name"]
            self.ids[inner] = unit["id"]
            self.paths[unit["id"]] = inner
            self._walk(unit, inner)

    def policies(self) -> Iterator[tuple[str, str, Json, list[str]]]:
        """Name, type, document and the targets (paths of units, names of accounts) of every proposed policy."""
        for row in self.proposal["policies"]:
            file = Path(row["file"])
            listed = row["attach"] if isinstance(row["attach"], list) else [row["attach"]]
            kind = "SERVICE_CONTROL_POLICY" if file.parent.name == "scp" else "RESOURCE_CONTROL_POLICY"
            document = json.loads((self.folder / file).read_text(encoding="utf-8"))
            yield row.get("name", file.stem), kind, document, [self.paths.get(each, each) for each in listed]

    def current(self, policy_id: str) -> Json:
        """A policy of the snapshot."""
        policy: Json = self.organization["policies"][policy_id]
        return policy


# Terraform


def _change(address: str, kind: str, name: str, before: Json | None, after: Json | None, **more: Any) -> Json:
    actions = ["create"] if before is None else ["delete"] if after is None else ["update"]
    row: Json = {"address": address, "mode": "managed", "type": kind, "name": name}
    row["provider_name"] = "registry.terraform.io/hashicorp/aws"
    if "index" in more:
        row["index"] = more["index"]
    unknown = more.get("unknown", {})
    change = {"actions": actions, "before": before, "after": after, "after_unknown": unknown}
    row["change"] = {**change, "before_sensitive": False, "after_sensitive": {}}
    return row


def terraform(world: World) -> dict[str, str]:
    """A plan: the ids of new policies are known only after apply, so attachments refer to them by address."""
    policy, attachment, account = (
        "aws_organizations_policy",
        "aws_organizations_policy_attachment",
        "aws_organizations_account",
    )
    changes: list[Json] = []
    resources: list[Json] = []
    for name, kind, document, targets in world.policies():
        label = name.replace("-", "_")
        address = f"{policy}.{label}"
        after = {"content": json.dumps(document, separators=(",", ":")), "description": None, "name": name}
        after |= {"skip_destroy": None, "tags": None, "type": kind}
        changes.append(_change(address, policy, label, None, after, unknown={"arn": True, "id": True}))
        resources.append({"address": address, "mode": "managed", "type": policy, "name": label, "expressions": {}})
        references = {"references": [f"{address}.id", address]}
        single = len(targets) == 1
        for target in targets:
            index = "" if single else f'["{target}"]'
            after = {"skip_destroy": None, "target_id": world.ids[target]}
            extra = {} if single else {"index": target}
            changes.append(
                _change(
                    f"{attachment}.{label}{index}",
                    attachment,
                    label,
                    None,
                    after,
                    unknown={"id": True, "policy_id": True},
                    **extra,
                )
            )
        expressions = {"policy_id": references, "target_id": {"references": ["each.key"]}}
        row = {"address": f"{attachment}.{label}", "mode": "managed", "type": attachment, "name": label}
        resources.append({**row, "expressions": expressions})
    for target, policy_id in (("Workloads", "p-regions2024"), ("Sandbox", "p-sandboxlist")):
        changes.append(_detached(world, attachment, target, policy_id))
        name = world.current(policy_id)["name"]
        before = {"id": policy_id, "name": name, "type": "SERVICE_CONTROL_POLICY", "skip_destroy": None}
        before["content"] = json.dumps(world.current(policy_id)["document"], separators=(",", ":"))
        label = name.replace("-", "_")
        changes.append(_change(f"{policy}.{label}", policy, label, before, None))
    changes.append(_detached(world, attachment, "Workloads/Dev", "p-nobigservers"))
    number, home = world.accounts["sandbox-experiments"]
    before = {"id": number, "name": "sandbox-experiments", "parent_id": world.ids[home]}
    after = {**before, "parent_id": world.ids["Suspended"]}
    changes.append(_change(f"{account}.experiments", account, "experiments", before, after))
    plan = {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "planned_values": {"root_module": {}},
        "resource_changes": changes,
        "prior_state": {"format_version": "1.0", "values": {"root_module": {}}},
        "configuration": {"root_module": {"resources": resources}},
        "applyable": True,
        "complete": True,
        "errored": False,
    }
    return {"terraform/plan.json": json.dumps(plan, indent=1) + "\n"}


def _detached(world: World, attachment: str, target: str, policy_id: str) -> Json:
    label = f"old_{policy_id.removeprefix('p-')}"
    before = {"policy_id": policy_id, "target_id": world.ids[target], "skip_destroy": None}
    return _change(
        f"{attachment}.{label}", attachment, label, {"id": f"{before['target_id']}:{policy_id}", **before}, None
    )


# CloudFormation


class _Tag:
    """A short function: `!Ref x`."""

    def __init__(self, tag: str, value: Any) -> None:
        self.tag = tag
        self.value = value


class _Dumper(yaml.SafeDumper):
    """Writes tags, indents lists, and never makes aliases."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, *_indentless: bool, **_more: bool) -> None:
        super().increase_indent(flow, False)


def _represent(dumper: yaml.SafeDumper, data: _Tag) -> yaml.Node:
    if isinstance(data.value, list):
        return dumper.represent_sequence(data.tag, data.value, flow_style=True)
    style = "|" if "\n" in data.value else None
    return dumper.represent_scalar(data.tag, data.value, style=style)


_Dumper.add_representer(_Tag, _represent)


def _yaml(value: Json) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=110)


def cloudformation(world: World) -> dict[str, str]:
    """A template: some targets are parameters, one policy is a text with variables, one stands under a condition."""
    parameters = {
        "RootId": {"Type": "String", "Default": world.ids["Root"]},
        "Workloads": {"Type": "String", "Default": world.ids["Workloads"]},
        "Environment": {"Type": "String", "AllowedValues": ["test", "live"]},
    }
    resources: Json = {}
    rows = [
        *world.policies(),
        *((name, "", world.current(i)["document"], []) for name, i in (RETIRED | DETACHED).items()),
    ]
    for name, kind, document, targets in rows:
        ids: list[Any] = [world.ids[each] for each in targets]
        ids = [_Tag("!Ref", "RootId") if each == parameters["RootId"]["Default"] else each for each in ids]
        ids = [_Tag("!Sub", "${Workloads}") if each == parameters["Workloads"]["Default"] else each for each in ids]
        content: Any = document
        if name == "protect-stored-data":
            # In Fn::Sub, `${!x}` is a policy variable.
            content = _Tag("!Sub", json.dumps(document, indent=2).replace("${", "${!") + "\n")
        properties = {
            "Name": name,
            "Type": kind or "SERVICE_CONTROL_POLICY",
            "Content": content,
            "TargetIds": ids,
        }
        resource: Json = {"Type": "AWS::Organizations::Policy"}
        if name == "payments-network":
            resource["Condition"] = "Live"
        resources["".join(part.title() for part in name.split("-"))] = {**resource, "Properties": properties}
    experiments = {"AccountName": "sandbox-experiments", "Email": "experiments@nordhaven.example"}
    experiments |= {"ParentIds": [world.ids["Suspended"]]}
    resources["Experiments"] = {"Type": "AWS::Organizations::Account", "Properties": experiments}
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Guardrails of Nordhaven Ferries",
        "Parameters": parameters,
        "Conditions": {"Live": _Tag("!Equals", [_Tag("!Ref", "Environment"), "live"])},
        "Resources": resources,
    }
    return {"cloudformation/guardrails.yaml": _yaml(template)}


# Landing Zone Accelerator


def landing_zone(world: World) -> dict[str, str]:
    """A configuration folder, with a replacement and the placeholders of policies."""
    files: dict[str, str] = {}
    sections: Json = {"SERVICE_CONTROL_POLICY": [], "RESOURCE_CONTROL_POLICY": []}
    current = ((world.current(i)["name"], "", world.current(i)["document"], []) for i in (RETIRED | DETACHED).values())
    for name, kind, document, targets in [*world.policies(), *current]:
        kind = kind or "SERVICE_CONTROL_POLICY"
        folder = "service-control-policies" if kind.startswith("SERVICE") else "resource-control-policies"
        text = json.dumps(document, indent=2) + "\n"
        if name == "workload-regions-2026":
            text = text.replace(
                '[\n            "eu-central-1",\n            "eu-north-1"\n          ]',
                "${ACCEL_LOOKUP::CUSTOM:Regions}",
            )
        if name == "organization-perimeter":
            text = text.replace("o-exampleorg1", "${ORG_ID}")
        files[f"{folder}/{name}.json"] = text
        row: Json = {"name": name, "description": name, "policy": f"{folder}/{name}.json", "type": "customerManaged"}
        if name == "sandbox-services-2026":
            row["strategy"] = "allow-list"
        units = [each for each in targets if each not in world.accounts]
        accounts = [each for each in targets if each in world.accounts]
        row["deploymentTargets"] = {"organizationalUnits": units, **({"accounts": accounts} if accounts else {})}
        sections[kind].append(row)
    units = [path for path in world.paths.values() if path != "Root"]
    organization = {
        "enable": True,
        "organizationalUnits": [{"name": path} for path in units],
        "serviceControlPolicies": sections["SERVICE_CONTROL_POLICY"],
        "resourceControlPolicies": sections["RESOURCE_CONTROL_POLICY"],
        "taggingPolicies": [],
        "backupPolicies": [],
    }
    files["organization-config.yaml"] = _yaml(organization).replace(
        "name: payments-network", "name: {{ PaymentsPolicy }}"
    )
    homes = {name: home for name, (_, home) in world.accounts.items()} | {"sandbox-experiments": "Suspended"}
    emails = {name: f"aws+{name}@nordhaven.example" for name in homes}
    listed = [{"name": name, "email": emails[name], "organizationalUnit": home} for name, home in homes.items()]
    ids = [{"email": emails[name], "accountId": number} for name, (number, _) in world.accounts.items()]
    files["accounts-config.yaml"] = _yaml(
        {"mandatoryAccounts": listed[:1], "workloadAccounts": listed[1:], "accountIds": ids}
    )
    regions = {"key": "Regions", "type": "StringList", "value": ["eu-central-1", "eu-north-1"]}
    policy = {"key": "PaymentsPolicy", "type": "String", "value": "payments-network"}
    files["replacements-config.yaml"] = _yaml({"globalReplacements": [regions, policy]})
    return {f"landing-zone/{name}": text for name, text in files.items()}


# Customizations for Control Tower


def control_tower(world: World) -> dict[str, str]:
    """A configuration folder: the policies for units; nested units are written with colons."""
    files: dict[str, str] = {}
    resources = []
    for name, kind, document, targets in world.policies():
        if any(each in world.accounts for each in targets):
            continue
        files[f"policies/{name}.json"] = json.dumps(document, indent=2) + "\n"
        units = [each.replace("/", ":") for each in targets]
        row: Json = {"name": name, "resource_file": f"policies/{name}.json"}
        row["deploy_method"] = "scp" if kind.startswith("SERVICE") else "rcp"
        resources.append({**row, "deployment_targets": {"organizational_units": units}})
    text = _yaml({"region": "eu-central-1", "resources": resources})
    files["manifest.yaml"] = "---\nversion: 2021-03-15\n" + text
    return {f"control-tower/{name}": text for name, text in files.items()}


def build(folder: Path = HERE) -> dict[str, str]:
    """All files by path relative to ``samples/as-code``."""
    world = World(folder)
    return {**terraform(world), **cloudformation(world), **landing_zone(world), **control_tower(world)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, or with ``--check`` end with 1 if they are not what this script writes."""
    parser = argparse.ArgumentParser(description="Write the proposal of the samples in the forms of other tools.")
    parser.add_argument("--output", type=Path, default=HERE / FOLDER, help="folder to write to (default: as-code/)")
    parser.add_argument("--check", action="store_true", help="compare with the folder instead of writing")
    options = parser.parse_args(arguments)
    files = build()
    if options.check:
        paths = [path for path in options.output.rglob("*") if path.is_file()]
        there = {path.relative_to(options.output).as_posix(): path.read_text(encoding="utf-8") for path in paths}
        wrong = sorted(name for name in files.keys() | there.keys() if files.get(name) != there.get(name))
        sys.stderr.write("".join(f"differs: {name}\n" for name in wrong))
        return 1 if wrong else 0
    shutil.rmtree(options.output, ignore_errors=True)
    for name, text in files.items():
        path = options.output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
