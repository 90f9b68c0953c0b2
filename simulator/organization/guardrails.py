"""Which policies govern an account, level by level, and which accounts no guardrail of ours reaches."""

from typing import Literal

import msgspec

from simulator.decision.facts import Facts, Membership
from simulator.decision.request import UNKNOWN, Principal, PrincipalKind, Unknown
from simulator.organization.tree import Node, Organization, Policy
from simulator.policy.document import PolicyDocument, PolicyType


class Level(msgspec.Struct, frozen=True):
    """One node of a chain with its policies of one type.

    `complete` is false where the snapshot does not tell what else is attached here: the level may deny more, or allow
    more, than its policies say.
    """

    node: Node
    policies: tuple[Policy, ...]
    complete: bool = True

    @property
    def documents(self) -> tuple[PolicyDocument, ...]:
        """The documents of the policies, in the same order."""
        return tuple(policy.document for policy in self.policies)


def levels(organization: Organization, account: str, policy_type: PolicyType) -> tuple[Level, ...]:
    """The levels that govern an account, the root's first; none if the policy type is off.

    Source: AWS Organizations User Guide, orgs_manage_policies_scps_evaluation and orgs_manage_policies_rcps_evaluation.
    Raises `OrgsimError` for an account that is not in the tree.
    """
    if policy_type not in organization.policy_types:
        return ()
    return tuple(
        Level(
            node,
            tuple(organization.policies[each] for each in node.attached(policy_type)),
            organization.knows(node.id, policy_type),
        )
        for node in organization.chain(account)
    )


class Governed(msgspec.Struct, frozen=True):
    """Whose guardrails one side of a request meets; exactly one of the three is set.

    `account`: these levels apply. `exempt`: none do, for this reason (a kebab-case id). `unknown`: it cannot be told
    whether they do; the fact that would settle it (`principal` or `resource_account`).
    """

    account: str | None = None
    exempt: str | None = None
    unknown: str | None = None


def scp_governed(organization: Organization, facts: Facts, principal: Principal) -> Governed:
    """Whose SCPs the caller meets, as far as its account tells it: SCPs follow the caller's account.

    Exempt: `management-account`, `foreign-principal`, `no-principal-account` (services, anonymous and federated
    callers, which have no account), `policy-type-off`. What the kind of the principal alone tells (service-linked
    roles, ...) is `simulator.decision.exemptions`'s business. Source: AWS Organizations User Guide,
    orgs_manage_policies_scps.
    """
    if PolicyType.SCP not in organization.policy_types:
        return Governed(exempt="policy-type-off")
    if principal.account is None:
        if principal.kind in (PrincipalKind.AWS_SERVICE, PrincipalKind.ANONYMOUS, PrincipalKind.FEDERATED):
            return Governed(exempt="no-principal-account")
        return Governed(unknown="principal")
    return _governed(organization, facts, principal.account, "foreign-principal", "management-account", "principal")


def rcp_governed(
    organization: Organization, facts: Facts, resource_account: str | Literal[Unknown.UNKNOWN] | None
) -> Governed:
    """Whose RCPs the resource meets: those of its owner's account, whoever calls.

    Exempt: `management-account-resource`, `foreign-resource`, `no-resource-account`, `policy-type-off`.
    Source: AWS Organizations User Guide, orgs_manage_policies_rcps.
    """
    if PolicyType.RCP not in organization.policy_types:
        return Governed(exempt="policy-type-off")
    if resource_account is None:
        return Governed(exempt="no-resource-account")
    if resource_account is UNKNOWN:
        return Governed(unknown="resource_account")
    reasons = "foreign-resource", "management-account-resource", "resource_account"
    return _governed(organization, facts, resource_account, *reasons)


def _governed(
    organization: Organization, facts: Facts, account: str, foreign: str, management: str, key: str
) -> Governed:
    if account == organization.management_account:
        return Governed(exempt=management)
    if organization.account(account) is not None:
        return Governed(account=account)
    if organization.may_lack_accounts or facts.membership(account) is Membership.UNKNOWN:
        return Governed(unknown=key)
    return Governed(exempt=foreign)
