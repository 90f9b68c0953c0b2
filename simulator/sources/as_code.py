"""Recognizes what other tools keep guardrails in, by name and content, and reads it as a proposal.

Terraform and OpenTofu plans and states, CloudFormation templates, Customizations for AWS Control Tower, the Landing
Zone Accelerator. The readers are imported when their form is met: a proposal of our own needs none of them.
"""

import re
from pathlib import Path
from typing import Final

from simulator.errors import OrgsimError
from simulator.organization.proposal import Proposal
from simulator.policy.diagnostic import PolicyError
from simulator.sources.given import Given
from simulator.sources.text import read_bytes

_TEMPLATE_ENDINGS: Final = (".json", ".yaml", ".yml", ".template", ".cfn")
PROPOSALS: Final = ("proposal.yaml", "proposal.yml")
"""What a proposal of our own is called: these are never read as another tool's."""

MANIFESTS: Final = ("manifest.yaml", "manifest.yml")
"""What the manifest of Customizations for AWS Control Tower is called."""

ORGANIZATION_CONFIG: Final = "organization-config.yaml"
"""What makes a folder a configuration of the Landing Zone Accelerator."""

_RESOURCES: Final = re.compile(r"""^\s*["']?Resources["']?\s*:|[{,]\s*"Resources"\s*:""", re.MULTILINE)


def is_proposal(path: Path) -> bool:
    """Whether a path is told by its name to be a proposal of our own."""
    return path.name in PROPOSALS or (path.is_dir() and any((path / name).is_file() for name in PROPOSALS))


def read_as_code(path: Path, given: Given) -> Proposal | None:
    """The proposal in another tool's form at `path`; `None` if it is none of these.

    Raises `OrgsimError` for what the form leaves open, and `PolicyError` for a policy that does not parse.
    """
    if path.is_dir():
        return _folder(path, given)
    if path.name == ORGANIZATION_CONFIG:
        return _folder(path.parent, given)
    from simulator.sources import terraform_files

    data = read_bytes(path, terraform_files.LIMIT, "the proposal")
    if terraform_files.is_terraform(data, path):
        from simulator.sources.terraform import read_terraform

        return read_terraform(path, data)
    if path.name in MANIFESTS and (found := _manifest(path)) is not None:
        return found
    return _template(path, data, given)


def _template(path: Path, data: bytes, given: Given) -> Proposal | None:
    if path.suffix.lower() not in _TEMPLATE_ENDINGS or b"Resources" not in data:
        return None
    from simulator.sources.cloudformation import is_template, read_template
    from simulator.sources.documents import LIMIT, Reader

    if len(data) > LIMIT or not _may_be_template(data) or not is_template(Reader(path).tree("the template")):
        return None
    return read_template(path, given)


def _folder(folder: Path, given: Given) -> Proposal | None:
    if (folder / ORGANIZATION_CONFIG).is_file():
        from simulator.sources.landing_zone import read_landing_zone

        return read_landing_zone(folder, given)
    for name in MANIFESTS:
        if (folder / name).is_file() and (found := _manifest(folder / name)) is not None:
            return found
    return None


def _manifest(path: Path) -> Proposal | None:
    from simulator.sources.control_tower import is_manifest, read_manifest
    from simulator.sources.documents import LIMIT, Reader

    try:
        recognized = is_manifest(Reader(path).tree("the manifest"))
    except (OrgsimError, PolicyError):
        # A file called manifest.yaml can be anything: only one that looks like ours may complain.
        text = read_bytes(path, LIMIT, "the manifest")
        recognized = b"deploy_method" in text or b"organization_policies" in text
    return read_manifest(path) if recognized else None


def _may_be_template(data: bytes) -> bool:
    text = data.decode("utf-8", "replace")
    return bool(_RESOURCES.search(text)) and ("AWS::" in text or "AWSTemplateFormatVersion" in text)
