"""What is known of the world beside the log: the organization's inventory, and what the log itself taught.

The organization floor makes these from a snapshot, the replay adds what a first look at the log taught, and the
cloudtrail floor reads them to fill condition keys. What is not listed is unknown, never absent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Membership(Enum):
    """Whether an account belongs to our organization."""

    MEMBER = "member"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What an AssumeRole* record of the log told of the session it issued, by the issued access key id."""

    tags: Mapping[str, str] = field(default_factory=dict)
    source_identity: str | None = None
    assumed_root: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Inventory facts for condition keys.

    `organization_id` is `None` where no snapshot told it. `org_paths` maps member accounts (the management account
    too) to `o-…/r-…/ou-…/` (AWS IAM User Guide, aws:PrincipalOrgPaths). `principal_tags` and `resource_tags` are
    complete for the ARNs listed, unknown for others. `resource_accounts` maps ARNs or bucket names to owners.
    `stale_accounts` are absent from the snapshot although the log shows they are ours. `assume_members`: no snapshot
    was given, every account of the log counts as a member.
    """

    organization_id: str | None = None
    management_account: str | None = None
    org_paths: Mapping[str, str] = field(default_factory=dict)
    principal_tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    resource_tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    resource_accounts: Mapping[str, str] = field(default_factory=dict)
    stale_accounts: frozenset[str] = frozenset()
    sessions: Mapping[str, SessionFacts] = field(default_factory=dict)
    assume_members: bool = False

    def membership(self, account: str) -> Membership:
        """Whether `account` (twelve digits) is ours, foreign, or cannot be told (the snapshot is stale)."""
        if self.assume_members or account in self.org_paths:
            return Membership.MEMBER
        return Membership.UNKNOWN if account in self.stale_accounts else Membership.FOREIGN
