"""Who and what SCPs and RCPs do not reach, as far as principal, action and resource tell it.

Exemptions that need the organization (management account, foreign accounts) are `simulator.organization`'s business.
Source: AWS Organizations User Guide, orgs_manage_policies_scps and orgs_manage_policies_rcps.
"""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from simulator.decision.request import Principal, PrincipalKind, Request
from simulator.iam.arn import is_service_linked_role
from simulator.iam.catalog import Catalog
from simulator.iam.pattern import Matcher, glob_pieces, matcher
from simulator.policy.document import PolicyType

_SCP_EXEMPT_KINDS: Final[Mapping[PrincipalKind, str]] = {
    PrincipalKind.AWS_SERVICE: "aws-service-principal",
    PrincipalKind.ANONYMOUS: "anonymous",
    # The caller of AssumeRoleWithSAML and AssumeRoleWithWebIdentity has no IAM principal yet.
    PrincipalKind.FEDERATED: "federated-caller",
}

_MAX_ACTIONS: Final = 20_000
"""Actions to remember; hostile logs can name any number of them."""


def principal_exemption(principal: Principal, side: PolicyType) -> str | None:
    """Why this side never reaches the principal, as a stable id; `None` if it may."""
    if principal.service_linked is True:
        return "service-linked-role"
    return _SCP_EXEMPT_KINDS.get(principal.kind) if side is PolicyType.SCP else None


class ActionExemptions:
    """The actions that a side never reaches: the exemption table, and services that RCPs do not support."""

    def __init__(self, catalog: Catalog) -> None:
        text = files("simulator.decision").joinpath("exemptions.toml").read_text(encoding="utf-8")
        self._rows: list[tuple[Matcher, list[str], str]] = [
            (matcher(glob_pieces(row["pattern"].lower())), row["sides"], row["reason"])
            for row in tomllib.loads(text)["action"]
        ]
        self._rcp_services = catalog.rcp_services
        # By action, one for each side: the same few actions are asked again and again.
        self._scp: dict[str, str | None] = {}
        self._rcp: dict[str, str | None] = {}

    def reason(self, action: str, side: PolicyType) -> str | None:
        """Why this side never reaches the action, as a stable id; `None` if it may."""
        known = self._rcp if side is PolicyType.RCP else self._scp
        if action not in known:
            if len(known) >= _MAX_ACTIONS:
                known.clear()
            known[action] = self._reason(action.lower(), side)
        return known[action]

    def _reason(self, lower: str, side: PolicyType) -> str | None:
        for matches, sides, reason in self._rows:
            if side.side in sides and matches(lower):
                return reason
        if side is PolicyType.RCP and lower.partition(":")[0] not in self._rcp_services:
            return "service-without-rcp-support"
        return None


def resource_exemption(request: Request) -> str | None:
    """Why no RCP reaches the resource, as a stable id; `None` if one may.

    AWS managed KMS keys (here: their aliases, or what the normaliser proved), and the trust policies of
    service-linked roles, which services assume (orgs_manage_policies_rcps).
    """
    resource = request.resource
    service = request.action.partition(":")[0].lower()
    if request.exempt_resource is True or (
        service == "kms" and isinstance(resource, str) and ":alias/aws/" in resource
    ):
        return "aws-managed-key"
    if isinstance(resource, str) and is_service_linked_role(resource) and service == "sts":
        return "service-linked-role"
    return None
