"""Recognizes what other tools keep guardrails in, by name and content, and reads it as a proposal.

Terraform and OpenTofu plans and states, CloudFormation templates, Customizations for AWS Control Tower, the Landing
Zone Accelerator.
"""

import re
from pathlib import Path
from typing import Final

from simulator.errors import OrgsimError
from simulator.organization.proposal import Proposal
from simulator.policy.diagnostic import PolicyError
from simulator.sources.cloudformation import is_template, read_template
from simulator.sources.control_tower import MANIFESTS, is_manifest, read_manifest
from simulator.sources.documents import LIMIT, Reader
from simulator.sources.given import Given
from simulator.sources.landing_zone import ORGANIZATION_CONFIG, read_landing_zone
from simulator.sources.terraform import read_terraform
from simulator.sources.terraform_files import LIMIT as TERRAFORM_LIMIT
from simulator.sources.terraform_files import is_terraform
from simulator.sources.text import read_bytes

_TEMPLATE_ENDINGS: Final = (".json", ".yaml", ".yml", ".template", ".cfn")
PROPOSALS: Final = ("proposal.yaml", "proposal.yml")
"""What a proposal of our own is called: these are never read as another tool's."""

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
        return read_landing_zone(path.parent, given)
    data = read_bytes(path, TERRAFORM_LIMIT, "the proposal")
    if is_terraform(data, path):
        return read_terraform(path, data)
    if path.name in MANIFESTS and _is_cfct(path):
        return read_manifest(path)
    if len(data) <= LIMIT and path.suffix.lower() in _TEMPLATE_ENDINGS and _may_be_template(data):
        return read_template(path, given) if is_template(Reader(path).tree("the template")) else None
    return None


def _folder(folder: Path, given: Given) -> Proposal | None:
    if (folder / ORGANIZATION_CONFIG).is_file():
        return read_landing_zone(folder, given)
    for name in MANIFESTS:
        if (folder / name).is_file() and _is_cfct(folder / name):
            return read_manifest(folder / name)
    return None


def _is_cfct(path: Path) -> bool:
    try:
        return is_manifest(Reader(path).tree("the manifest"))
    except (OrgsimError, PolicyError):
        # A file called manifest.yaml can be anything: only one that looks like ours may complain.
        text = read_bytes(path, LIMIT, "the manifest")
        return b"deploy_method" in text or b"organization_policies" in text


def _may_be_template(data: bytes) -> bool:
    text = data.decode("utf-8", "replace")
    return bool(_RESOURCES.search(text)) and ("AWS::" in text or "AWSTemplateFormatVersion" in text)
