"""Builds the JSON that `terraform show -json` prints."""

POLICY = "aws_organizations_policy"
ATTACHMENT = "aws_organizations_policy_attachment"
UNIT = "aws_organizations_organizational_unit"
ACCOUNT = "aws_organizations_account"
ORGANIZATION = "aws_organizations_organization"


def change(address, before=None, after=None, unknown=(), actions=None, **more):
    """A row of `resource_changes`; type, name, index and module come from the address."""
    module, _, rest = address.rpartition(".aws") if address.startswith("module.") else ("", "", address)
    rest = f"aws{rest}" if module else rest
    kind, _, name = rest.partition(".")
    row = {"address": address, "mode": "managed", "type": kind, "name": name.partition("[")[0]}
    if module:
        row["module_address"] = module
    if actions is None:
        actions = ["create"] if before is None else ["delete"] if after is None else ["update"]
    row["change"] = {
        "actions": actions,
        "before": before,
        "after": after,
        "after_unknown": dict.fromkeys(unknown, True),
        "before_sensitive": False,
        "after_sensitive": more.pop("sensitive", {}),
    }
    return {**row, **more}


def resource(address, **references):
    """A resource of a module's configuration: attribute=[references], and `for_each`."""
    kind, _, name = address.partition(".")
    row = {"address": address, "mode": "managed", "type": kind, "name": name}
    if "for_each" in references:
        row["for_each_expression"] = {"references": references.pop("for_each")}
    row["expressions"] = {key: {"references": value} for key, value in references.items()}
    return row


def module(*resources, outputs=None, calls=None):
    """A module of the configuration; `outputs` are references by name."""
    found = {"resources": list(resources), "module_calls": calls or {}}
    found["outputs"] = {key: {"expression": {"references": value}} for key, value in (outputs or {}).items()}
    return found


def call(inner, for_each=None, **references):
    """A module call."""
    found = {"module": inner, "expressions": {key: {"references": value} for key, value in references.items()}}
    return {**found, "for_each_expression": {"references": for_each}} if for_each else found


def plan(*changes, configuration=None, prior=(), **more):
    """A plan."""
    return {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "planned_values": {"root_module": {}},
        "resource_changes": list(changes),
        "prior_state": {"format_version": "1.0", "values": {"root_module": {"resources": list(prior)}}},
        "configuration": {"root_module": configuration or {}},
        **more,
    }


def existing(address, mode="managed", **values):
    """A resource of a state."""
    kind, _, name = address.partition(".")
    return {"address": address, "mode": mode, "type": kind, "name": name, "values": values}


def state(*resources, children=()):
    """A state."""
    root = {"resources": list(resources), "child_modules": [{"address": "module.m", "resources": list(children)}]}
    return {"format_version": "1.0", "terraform_version": "1.11.4", "values": {"root_module": root}}
