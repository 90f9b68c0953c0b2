"""A folder of the Landing Zone Accelerator on AWS as a proposal: organization-config.yaml and its policies.

The configuration says how things shall be: its policies are attached to their deployment targets and nowhere else, and
accounts lie in their units. Source: Landing Zone Accelerator on AWS, configuration reference of OrganizationConfig
(serviceControlPolicies, resourceControlPolicies, organizationalUnits), AccountsConfig and ReplacementsConfig.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from simulator.errors import OrgsimError
from simulator.organization.additions import NewUnit
from simulator.organization.proposal import Attachment, Detachment, Move, Proposal, ProposedPolicy
from simulator.organization.reference import Reference
from simulator.organization.tree import FULL_ACCESS, ROOT_NAME
from simulator.policy.document import PolicyType
from simulator.policy.json_text import Node, Text
from simulator.policy.parser import parse_policy
from simulator.sources.as_code import ORGANIZATION_CONFIG
from simulator.sources.documents import LIMIT, Reader, file_within
from simulator.sources.given import Given
from simulator.sources.placeholders import ConfiguredAccount, Placeholders, Value, check_marks, without_marks
from simulator.sources.text import read_text
from simulator.sources.yaml_tree import parse_tree

_ACCOUNTS_CONFIG: Final = "accounts-config.yaml"
_GLOBAL_CONFIG: Final = "global-config.yaml"
_REPLACEMENTS_CONFIG: Final = "replacements-config.yaml"
_SECTIONS: Final = {"serviceControlPolicies": PolicyType.SCP, "resourceControlPolicies": PolicyType.RCP}
_SETTINGS: Final = {"homeRegion": "HOME_REGION", "managementAccountAccessRole": "MANAGEMENT_ACCOUNT_ACCESS_ROLE"}


def read_landing_zone(folder: Path, given: Given) -> Proposal:
    """Read a configuration folder. Raises `OrgsimError` for what stays open, `PolicyError` for a broken policy."""
    placeholders = Placeholders(given, _replacements(folder))
    placeholders.accounts = tuple(_accounts(folder, placeholders))
    placeholders.settings = _settings(folder, placeholders)
    return _LandingZone(folder, placeholders).proposal()


class _ConfigReader(Reader):
    """A reader of one YAML file of the configuration, in which placeholders may stand."""

    def __init__(self, file: Path, placeholders: Placeholders | None = None) -> None:
        super().__init__(file)
        self.placeholders = placeholders

    def tree(self, what: str) -> Node:
        text = read_text(Path(self.file), LIMIT, what)
        return parse_tree(self.placeholders.in_yaml(text) if self.placeholders else text, self.file)

    def text(self, node: Node, what: str) -> Reference:
        found = super().text(node, what)
        check_marks(found.text, self.file, found.line)
        return found


def _replacements(folder: Path) -> dict[str, Value]:
    """The values of replacements-config.yaml; those that are kept in Parameter Store have none here."""
    file = folder / _REPLACEMENTS_CONFIG
    if not file.is_file() or not read_text(file, LIMIT, "the replacements").strip():
        return {}
    reader = _ConfigReader(file)
    found: dict[str, Value] = {}
    for row in reader.rows(reader.members(reader.tree("the replacements"), "the file"), "globalReplacements"):
        members = reader.members(row, "a replacement")
        key = reader.required_text(row, members, "key").text
        if "value" not in members or "path" in members:
            continue
        value = members["value"]
        is_text = isinstance(value, Text)
        found[key] = reader.text(value, "`value`").text if is_text else tuple(map(str, reader.texts(members, "value")))
    return found


def _accounts(folder: Path, placeholders: Placeholders) -> Iterator[ConfiguredAccount]:
    """The accounts of accounts-config.yaml that can be named."""
    file = folder / _ACCOUNTS_CONFIG
    if not file.is_file():
        return
    reader = _ConfigReader(file, placeholders)
    members = reader.members(reader.tree("the accounts"), "the file")
    ids = {}
    for row in reader.rows(members, "accountIds"):
        inner = reader.members(row, "an account id")
        ids[reader.required_text(row, inner, "email").text] = reader.required_text(row, inner, "accountId").text
    for section in ("mandatoryAccounts", "workloadAccounts"):
        for row in reader.rows(members, section):
            inner = reader.members(row, "an account")
            email = inner.get("email")
            address = email.value if isinstance(email, Text) and without_marks([email.value]) else ""
            name = reader.required_text(row, inner, "name").text
            unit = (
                reader.text(inner["organizationalUnit"], "`organizationalUnit`").text
                if "organizationalUnit" in inner
                else ""
            )
            yield ConfiguredAccount(name, unit, ids.get(address))


def _settings(folder: Path, placeholders: Placeholders) -> dict[str, str]:
    """What policies may use of global-config.yaml."""
    file = folder / _GLOBAL_CONFIG
    if not file.is_file():
        return {}
    reader = _ConfigReader(file, placeholders)
    members = reader.members(reader.tree("the configuration"), "the file")
    texts = ((to, members[name]) for name, to in _SETTINGS.items() if name in members)
    return {to: node.value for to, node in texts if isinstance(node, Text) and without_marks([node.value])}


class _LandingZone:
    """Reads one configuration (use it once)."""

    def __init__(self, folder: Path, placeholders: Placeholders) -> None:
        self.folder = folder
        self.placeholders = placeholders
        self.reader = _ConfigReader(folder / ORGANIZATION_CONFIG, placeholders)
        self.top = self.reader.tree("the configuration")
        self.members = self.reader.members(self.top, "the configuration")
        self.unit_ids = self.read_unit_ids()
        self.notes: list[str] = []

    def proposal(self) -> Proposal:
        enable = self.members.get("enable")
        if enable is not None and self.reader.text(enable, "`enable`").text == "false":
            raise self.reader.refusal(
                "proposal-empty", "`enable: false`: the accelerator manages no organization", enable
            )
        policies: list[ProposedPolicy] = []
        attachments: list[Attachment] = []
        # Full access by strategy: what the policies of a strategy say at one node, they say once.
        strategies: dict[str, dict[str, Reference]] = {"allow-list": {}, "deny-list": {}}
        for section, policy_type in _SECTIONS.items():
            for row in self.reader.rows(self.members, section):
                members = self.reader.members(row, f"an item of `{section}`")
                name = self.reader.required_text(row, members, "name")
                targets = tuple(self.targets(row, members))
                if self.choice(members, "type", ("customerManaged", "awsManaged")) == "awsManaged":
                    attachments += [Attachment(name, targets)] if targets else []
                    continue
                policies.append(self.policy(row, members, name, policy_type, targets))
                strategy = self.choice(members, "strategy", ("", "deny-list", "allow-list"))
                if strategy and policy_type is PolicyType.SCP:
                    strategies[strategy].update((target.text, target) for target in targets)
        full = Reference(FULL_ACCESS[PolicyType.SCP], self.reader.file)
        if strategies["deny-list"]:
            attachments.append(Attachment(full, tuple(strategies["deny-list"].values())))
        detached = tuple(strategies["allow-list"].values())
        if not policies and not attachments:
            hint = f"it has no {' or '.join(_SECTIONS)}"
            message = "the configuration holds no proposal"
            raise OrgsimError("proposal-empty", message, hint=hint, file=self.reader.file)
        self.note("policies that the configuration no longer holds stay as they are")
        return Proposal(
            policies=tuple(policies),
            attachments=tuple(attachments),
            detachments=(Detachment(full, detached, if_needed=True),) if detached else (),
            moves=tuple(self.moves()),
            notes=(*self.notes, *(f"{self.reader.file}: {each}" for each in self.placeholders.notes)),
            units=tuple(self.units()),
        )

    def note(self, text: str) -> None:
        self.notes.append(f"{self.reader.file}: {text}")

    def choice(self, members: dict[str, Node], name: str, known: tuple[str, ...]) -> str:
        """One of a few words; the first if it is left out."""
        if name not in members:
            return known[0]
        value = self.reader.text(members[name], f"`{name}`").text
        if value not in known:
            raise self.reader.refusal(
                "source-shape", f"`{name}` is not `{value}`", members[name], f"it is {' or '.join(known)}"
            )
        return value

    def policy(
        self,
        row: Node,
        members: dict[str, Node],
        name: Reference,
        policy_type: PolicyType,
        targets: tuple[Reference, ...],
    ) -> ProposedPolicy:
        path = file_within(self.folder, self.reader.required_text(row, members, "policy"))
        text = self.placeholders.in_policy(read_text(path, LIMIT, "the policy"), str(path))
        quarantine = name.text == self.quarantine()
        return ProposedPolicy(
            name=name.text,
            type=policy_type,
            document=parse_policy(text, str(path)),
            attach=targets,
            place=name,
            # The accelerator attaches the quarantine policy itself, to accounts while they are new.
            attach_only=not quarantine,
            needs_place=False,
        )

    def quarantine(self) -> str | None:
        """The name of the policy for new accounts."""
        if "quarantineNewAccounts" not in self.members:
            return None
        members = self.reader.members(self.members["quarantineNewAccounts"], "`quarantineNewAccounts`")
        return (
            self.reader.text(members["scpPolicyName"], "`scpPolicyName`").text if "scpPolicyName" in members else None
        )

    # Targets

    def targets(self, row: Node, members: dict[str, Node]) -> Iterator[Reference]:
        targets = self.reader.members(self.reader.required(row, members, "deploymentTargets"), "`deploymentTargets`")
        for unit in self.reader.texts(targets, "organizationalUnits"):
            yield self.unit(unit)
        for account in self.reader.texts(targets, "accounts"):
            yield self.account(account)
        if self.reader.rows(targets, "excludedAccounts"):
            line = targets["excludedAccounts"].span.line
            self.note(f"`excludedAccounts` on line {line} does not keep a policy from accounts below its units")

    def unit(self, name: Reference) -> Reference:
        """A unit by its id, where the configuration tells it, else by its path below the root."""
        path = ROOT_NAME if name.text == ROOT_NAME else f"{ROOT_NAME}/{name.text}"
        return Reference(self.unit_ids.get(name.text, path), name.file, name.line)

    def account(self, name: Reference) -> Reference:
        return Reference(self.placeholders.account_id(name.text) or name.text, name.file, name.line)

    def read_unit_ids(self) -> dict[str, str]:
        found = {}
        for row in self.reader.rows(self.members, "organizationalUnitIds"):
            members = self.reader.members(row, "an item of `organizationalUnitIds`")
            name = self.reader.required_text(row, members, "name").text
            found[name] = self.reader.required_text(row, members, "id").text
        return found

    def unit_rows(self) -> Iterator[tuple[Reference, bool]]:
        """The units of the configuration, and whether the accelerator leaves them alone."""
        for row in self.reader.rows(self.members, "organizationalUnits"):
            members = self.reader.members(row, "an organizational unit")
            ignore = "ignore" in members and self.reader.text(members["ignore"], "`ignore`").text == "true"
            yield self.reader.required_text(row, members, "name"), ignore

    def units(self) -> Iterator[NewUnit]:
        """The units that the accelerator creates where they are missing."""
        for name, ignore in self.unit_rows():
            if ignore or name.text == ROOT_NAME or name.text in self.unit_ids:
                continue
            above, _, last = name.text.rpartition("/")
            parent = self.unit(Reference(above or ROOT_NAME, name.file, name.line))
            yield NewUnit(self.unit(name).text, Reference(last, name.file, name.line), parent, if_needed=True)

    def moves(self) -> Iterator[Move]:
        """An account belongs into its unit."""
        units = {name.text for name, ignore in self.unit_rows() if not ignore}
        for account in self.placeholders.accounts:
            if account.unit in units or account.unit == ROOT_NAME:
                place = Reference(account.name, str(self.folder / _ACCOUNTS_CONFIG))
                to = self.unit(Reference(account.unit, place.file))
                yield Move(self.account(place), to, if_needed=True)
