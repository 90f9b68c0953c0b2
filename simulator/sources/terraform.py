"""A Terraform or OpenTofu plan or state, as `terraform show -json` prints it, as a proposal.

A plan is a change: policies and attachments that it creates, updates, replaces and deletes, accounts that it moves,
units that it creates. A state is what exists: its policies are proposed where they are attached. Source: Terraform
documentation, "JSON Output Format"; provider documentation of `aws_organizations_policy`, `…_policy_attachment`,
`…_organizational_unit`, `…_account` and `…_organization`. The format itself is read in `terraform_files`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from simulator.errors import OrgsimError
from simulator.organization.additions import NewUnit
from simulator.organization.proposal import Attachment, Detachment, Move, Proposal, ProposedPolicy
from simulator.organization.reference import Reference
from simulator.organization.tree import ROOT_NAME
from simulator.policy.document import PolicyType
from simulator.sources.documents import policy_of
from simulator.sources.terraform_files import Change, Instance, TerraformFile, read_file
from simulator.sources.terraform_references import References

POLICY: Final = "aws_organizations_policy"
ATTACHMENT: Final = "aws_organizations_policy_attachment"
UNIT: Final = "aws_organizations_organizational_unit"
ACCOUNT: Final = "aws_organizations_account"
ORGANIZATION: Final = "aws_organizations_organization"
_READ: Final = frozenset((POLICY, ATTACHMENT, UNIT, ACCOUNT, ORGANIZATION))
_UNREAD: Final = ("aws_organizations_", "awscc_organizations_", "aws_controltower_")
_HARMLESS: Final = ("delegated_administrator", "resource_policy", "aws_service_access", "features")
_TYPES: Final = {each.value: each for each in PolicyType}


def read_terraform(path: Path, data: bytes) -> Proposal:
    """Read a plan or a state. Raises `OrgsimError` for what the file leaves open, `PolicyError` for a broken policy."""
    file = read_file(path, data, _READ)
    if file.changes is None:
        return _State(file).proposal()
    return _Plan(file, file.changes).proposal()


@dataclass(slots=True)
class _Parts:
    """The parts of a proposal as they are found."""

    policies: list[ProposedPolicy] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    detachments: list[Detachment] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    units: list[NewUnit] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    removals: list[Reference] = field(default_factory=list)

    def proposal(self) -> Proposal:
        return Proposal(
            tuple(self.policies),
            tuple(self.attachments),
            tuple(self.detachments),
            tuple(self.moves),
            tuple(self.notes),
            tuple(self.removals),
            tuple(self.units),
        )


class _Plan:
    """Reads the changes of one plan (use it once)."""

    def __init__(self, file: TerraformFile, changes: tuple[Change, ...]) -> None:
        self.file = file
        self.changes = {kind: tuple(each for each in changes if each.type == kind) for kind in _READ}
        self.by_address = {each.address: each for each in changes if each.after is not None}
        self.references = References(file.configuration, self.by_address)
        self.other = tuple(each for each in changes if each.type not in _READ)
        self.parts = _Parts()
        # What a policy that is made is called here: the id it has or takes over, else its address.
        self.identity: dict[str, str] = {}
        self.foreign: set[str] = set()
        self.skipped_policies = 0

    def proposal(self) -> Proposal:
        self.check_organization()
        self.read_units()
        self.read_accounts()
        self.read_types()
        attached, detached = self.pairs()
        for change in self.changes[POLICY]:
            self.read_policy(change, [reference for pair, reference in attached.items() if pair[0] == change.address])
        for (policy, _), target in attached.items():
            if policy not in self.by_address:
                self.parts.attachments.append(Attachment(self.reference(policy, target), (target,)))
        for (policy, _), target in detached.items():
            self.parts.detachments.append(Detachment(self.reference(policy, target), (target,)))
        if self.skipped_policies:
            self.parts.notes.append(f"{self.file.path}: {self.skipped_policies} policies of other types take no part")
        proposal = self.parts.proposal()
        if not any((proposal.policies, attached, detached, proposal.moves, proposal.removals)):
            return replace(proposal, notes=(*proposal.notes, f"{self.file.path}: the plan changes no SCP and no RCP"))
        return proposal

    def reference(self, text: str, place: Reference) -> Reference:
        return Reference(text, place.file, place.line)

    def refusal(self, code: str, message: str, change: Change, hint: str = "") -> OrgsimError:
        return OrgsimError(code, message, hint=hint, file=self.file.path, line=change.line)

    # Policies

    def read_types(self) -> None:
        """Tell SCPs and RCPs from tag policies and the like, which take no part."""
        for row in self.file.instances:
            if row.type == POLICY and _is_foreign(row.values):
                self.foreign.add(str(row.values.get("id")))
        for change in self.changes[POLICY]:
            for values in (change.before, change.after):
                if values is not None and _is_foreign(values):
                    self.foreign |= {change.address, str(values.get("id"))}
            before, after = change.before, change.after
            if before is None or after is None:
                continue
            same = (before.get("name"), before.get("type")) == (after.get("name"), after.get("type"))
            if not change.replaces or same:
                self.identity[change.address] = str(before.get("id"))

    def read_policy(self, change: Change, targets: list[Reference]) -> None:
        before, after = change.before, change.after
        if change.address in self.foreign:
            self.skipped_policies += 1
            return
        if after is None:
            if before is not None and before.get("skip_destroy"):
                return
            self.parts.removals.append(Reference(str((before or {}).get("id")), self.file.path, change.line))
            return
        name = self.known(change, "name")
        policy_type = _TYPES[self.known(change, "type") if "type" in after else PolicyType.SCP.value]
        document = policy_of(self.file.text_of(change, "content", self.known(change, "content")), self.file.path)
        place = Reference(name, self.file.path, change.line)
        current = self.identity.get(change.address)
        self.parts.policies.append(
            ProposedPolicy(
                name=name,
                type=policy_type,
                document=document,
                attach=tuple(targets),
                place=place,
                edits=self.reference(current, place) if current else None,
                needs_place=False,
            )
        )

    def known(self, change: Change, attribute: str) -> str:
        """The value of a text attribute after the change; an error if the plan does not hold it."""
        value = (change.after or {}).get(attribute)
        if isinstance(value, str) and value:
            return value
        if change.is_unknown(attribute):
            message = f"`{attribute}` of {change.address} is known only after apply"
            hint = "let it depend on nothing that is yet to be created, or simulate the policy files themselves"
            raise self.refusal("terraform-unknown", message, change, hint)
        if change.is_sensitive(attribute):
            message = f"`{attribute}` of {change.address} is sensitive and left out of the plan"
            raise self.refusal("terraform-sensitive", message, change, "use a plan that shows it")
        raise self.refusal("terraform-shape", f"`{attribute}` of {change.address} is missing or no text", change)

    # Attachments

    def pairs(self) -> tuple[dict[tuple[str, str], Reference], dict[tuple[str, str], Reference]]:
        """What is attached and what is detached, by policy and target; what is both (a replacement) is neither."""
        attached: dict[tuple[str, str], Reference] = {}
        detached: dict[tuple[str, str], Reference] = {}
        for change in self.changes[ATTACHMENT]:
            place = Reference(change.address, self.file.path, change.line)
            if change.before is not None and (change.after is None or change.replaces):
                policy, target = str(change.before.get("policy_id")), str(change.before.get("target_id"))
                if change.before.get("skip_destroy"):
                    self.parts.notes.append(f"{change.address} is removed with skip_destroy: the policy stays attached")
                elif policy not in self.foreign:
                    detached[policy, target] = self.reference(target, place)
            if change.after is not None and (change.before is None or change.replaces):
                policy = self.meant(change, "policy_id", POLICY)
                target = self.meant(change, "target_id", UNIT, ACCOUNT, ORGANIZATION)
                if policy in self.foreign:
                    continue
                if target in self.by_address and self.by_address[target].type == ACCOUNT:
                    self.parts.notes.append(f"{change.address}: the account is new, no log holds calls of it")
                    continue
                attached[policy, target] = self.reference(target, place)
        for pair in list(attached):
            same = (self.identity.get(pair[0], pair[0]), pair[1])
            if same in detached:
                del attached[pair], detached[same]
        return attached, detached

    def meant(self, change: Change, attribute: str, *kinds: str) -> str:
        """The id that an attribute has or, before apply, the address of what it refers to."""
        value = (change.after or {}).get(attribute)
        if isinstance(value, str) and value:
            return value
        if not change.is_unknown(attribute):
            return self.known(change, attribute)
        found = self.references.targets(change.module, change.resource, change.index, attribute) or frozenset()
        wanted = sorted(each for each in found if self.by_address[each].type in kinds)
        if len(wanted) == 1:
            known = self.by_address[wanted[0]]
            if known.type == ORGANIZATION:
                return ROOT_NAME  # of its ids only the root's is a place: `roots[0].id`
            current = (known.after or {}).get("id")
            return current if isinstance(current, str) and not known.replaces else wanted[0]
        message = f"`{attribute}` of {change.address} is known only after apply, and it is not clear to what it refers"
        hint = (
            "refer to the resource itself, such as aws_organizations_policy.name[each.key].id, or apply that one first"
        )
        raise self.refusal("terraform-unresolved", message, change, hint)

    # Units, accounts, the organization

    def read_units(self) -> None:
        for change in self.changes[UNIT]:
            if change.after is None:
                self.parts.notes.append(f"{change.address} is deleted; AWS refuses that unless the unit is empty")
            elif change.before is None or change.replaces:
                place = Reference(self.known(change, "name"), self.file.path, change.line)
                parent = self.reference(self.meant(change, "parent_id", UNIT, ORGANIZATION), place)
                self.parts.units.append(NewUnit(change.address, place, parent))
            elif change.before.get("name") != change.after.get("name"):
                self.parts.notes.append(f"{change.address} is renamed to `{change.after.get('name')}`")

    def read_accounts(self) -> None:
        for change in self.changes[ACCOUNT]:
            if change.before is None or change.replaces:
                self.parts.notes.append(f"{change.address} is a new account: no log holds calls of it")
            elif change.after is None:
                self.parts.notes.append(f"{change.address} is removed; its calls in the log are judged all the same")
            elif change.before.get("parent_id") != change.after.get("parent_id"):
                place = Reference(change.address, self.file.path, change.line)
                account = self.reference(str(change.before.get("id")), place)
                parent = self.reference(self.meant(change, "parent_id", UNIT, ORGANIZATION), place)
                self.parts.moves.append(Move(account, parent))

    def check_organization(self) -> None:
        """Changes that are not simulated, and would change everything, must not pass in silence."""
        if self.file.incomplete:
            hint = "make a plan that is complete"
            raise OrgsimError("terraform-incomplete", self.file.incomplete, hint=hint, file=self.file.path)
        if not self.file.complete:
            self.parts.notes.append(
                f"{self.file.path}: the plan leaves something for a later one (-target, for example)"
            )
        for change in self.changes[ORGANIZATION]:
            off = _policy_types(change.before) - _policy_types(change.after)
            if change.before is not None and (off or change.after is None):
                shown = ", ".join(sorted(off)) or "all policies"
                raise self.refusal(
                    "terraform-unsupported", f"{change.address} turns off {shown}", change, "this is not simulated"
                )
        for change in self.other:
            if not change.type.startswith(_UNREAD) or change.type.endswith(_HARMLESS):
                continue
            if change.type.startswith("awscc_"):
                message = f"{change.address}: resources of the provider awscc are not read"
                raise self.refusal(
                    "terraform-unsupported", message, change, "use aws_organizations_policy, or the policy files"
                )
            self.parts.notes.append(
                f"{change.address} is changed by the plan; what it does to policies is not simulated"
            )


class _State:
    """Reads what a state holds (use it once)."""

    def __init__(self, file: TerraformFile) -> None:
        self.file = file

    def proposal(self) -> Proposal:
        parts = _Parts()
        rows = self.file.instances
        targets: dict[str, list[Reference]] = {}
        for row in rows:
            if row.type == ATTACHMENT and row.managed:
                policy, target = self.text(row, "policy_id"), self.text(row, "target_id")
                targets.setdefault(policy, []).append(Reference(target, self.file.path, row.line))
        known = set()
        for row in rows:
            if row.type != POLICY or not row.managed:
                continue
            policy_id = self.text(row, "id")
            known.add(policy_id)
            if _is_foreign(row.values):
                continue
            if policy_id not in targets:
                parts.notes.append(f"{row.address} is attached nowhere in the state and takes no part")
                continue
            parts.policies.append(self.policy(row, tuple(_unique(targets[policy_id]))))
        for policy_id in sorted(targets.keys() - known):
            first = targets[policy_id][0]
            reference = Reference(policy_id, first.file, first.line)
            parts.attachments.append(Attachment(reference, tuple(_unique(targets[policy_id]))))
        if not parts.policies and not parts.attachments:
            hint = "it holds no attached aws_organizations_policy"
            raise OrgsimError("proposal-empty", "the state holds no proposal", hint=hint, file=self.file.path)
        parts.notes.append(f"{self.file.path} is a state: policies that it does not hold stay as they are")
        return parts.proposal()

    def policy(self, row: Instance, targets: tuple[Reference, ...]) -> ProposedPolicy:
        name = self.text(row, "name")
        document = policy_of(self.file.text_of(row, "content", self.text(row, "content")), self.file.path)
        policy_type = _TYPES[row.values.get("type", PolicyType.SCP.value)]
        return ProposedPolicy(name, policy_type, document, targets, place=Reference(name, self.file.path, row.line))

    def text(self, row: Instance, attribute: str) -> str:
        value = row.values.get(attribute)
        if isinstance(value, str) and value:
            return value
        message = f"`{attribute}` of {row.address} is missing or no text"
        raise OrgsimError("terraform-shape", message, file=self.file.path, line=row.line)


def _is_foreign(values: dict[str, Any]) -> bool:
    """Whether a policy is a tag policy or the like."""
    policy_type = values.get("type")
    return isinstance(policy_type, str) and policy_type not in _TYPES


def _policy_types(values: dict[str, Any] | None) -> set[str]:
    listed = (values or {}).get("enabled_policy_types")
    return {each for each in listed if each in _TYPES} if isinstance(listed, list) else set()


def _unique(references: Iterable[Reference]) -> list[Reference]:
    return list({each.text: each for each in references}.values())
