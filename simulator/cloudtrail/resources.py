"""The resources on which AWS checked an action, for one record.

Sources, in this order: the record's `resources[]`, the parameters named by the tables (or by the ARN format's own
variable names), the answer, any fitting ARN among the parameters, and the record's error message, in which AWS itself
names the resource. What none of them tells is `UNKNOWN`: never `*`, which only actions without resources have
(Service Authorization Reference, introduction: "Resource types").
"""

import re
from dataclasses import replace
from typing import Final, Self

from simulator.cloudtrail.actions import ROLE_ACTION, ActionMap, operation_name
from simulator.cloudtrail.arn_format import best_match
from simulator.cloudtrail.checks import ResourceCheck
from simulator.cloudtrail.parameters import Parameters
from simulator.cloudtrail.record import Record
from simulator.cloudtrail.resource_names import Call, KnownNames
from simulator.cloudtrail.resource_owners import Owners, arns_within, kms_exemption, read_json, read_listed
from simulator.cloudtrail.resource_plans import ActionPlan, Planner, TypePlan
from simulator.cloudtrail.resource_search import Search, applies, without_access_point_twins
from simulator.cloudtrail.resource_tables import Absent, load_tables
from simulator.decision.facts import Facts
from simulator.decision.request import RESOURCELESS, UNKNOWN
from simulator.iam.arn import is_account_id, split_arn
from simulator.iam.catalog import Catalog

_REGION_PARTITIONS: Final = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-iso-", "aws-iso"),
    ("eusc-", "aws-eusc"),
)
_SAID: Final = re.compile(
    r"not authorized to perform:? (?P<action>[\w-]+:\w+) on (?:the )?resource:? "
    r"(?:\"(?P<quoted>[^\"]+)\"|(?P<bare>\S.*?))(?= with an explicit deny| because |\s*$)",
    re.DOTALL,
)
_LONGEST_MESSAGE: Final = 1024
"""CloudTrail cuts error messages here (AWS CloudTrail User Guide, record contents)."""
_NOTHING: Final = Parameters(None)
_TAGGED_BY_TABLE: Final = frozenset({"ec2", "s3", "sts"})
"""Services whose tables say what is tagged: EC2 by its tag specifications, S3 and STS beside other checks."""


class ResourceMap:
    """Finds the resources of actions. Keeps what depends on the action alone; results depend on the arguments only."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._tables = load_tables()
        self._planner = Planner(catalog, self._tables)
        self._names: tuple[tuple[Facts, KnownNames], ...] = ()
        self._actions: ActionMap | None = None

    def __reduce__(self) -> tuple[type[Self], tuple[Catalog]]:
        """Pickle the catalog alone: plans and tables are made again where the copy is used."""
        return type(self), (self._catalog,)

    def resources(self, record: Record, parameters: Parameters, action: str, facts: Facts) -> tuple[ResourceCheck, ...]:
        """The resources that `action` (`service:Action`) was checked on: at least one, in a stable order."""
        event = record.event_name or ""
        plan = self._planner.plan(action, event)
        home = _home(record)
        if plan.resourceless:
            checks = [ResourceCheck(RESOURCELESS, home or UNKNOWN)]
        else:
            checks = self._tagged(record, parameters, action, home, facts) if plan.tagging else []
            checks = checks or self._look(record, parameters, action, plan, home, facts)
        said = _said(record, action)
        if said is not None and all(check.arn != said for check in checks):
            checks = self._believe(said, checks, action, record, facts)
        return tuple(checks)

    def is_surely_checked(self, action: str, event: str) -> bool:
        """Whether at least one of the `resources` is certain, whatever a record of this event holds.

        Only types that the tables mark as possible make all checks of an action uncertain; a guess beside another type
        leaves that one certain.
        """
        return not any(kind.doubtful for kind in self._planner.plan(action, event).types)

    def _look(
        self, record: Record, parameters: Parameters, action: str, plan: ActionPlan, home: str | None, facts: Facts
    ) -> list[ResourceCheck]:
        call = Call(
            partition=_partition(record),
            region=record.aws_region or None,
            home=home,
            event=record.event_name or "",
            action=action.lower(),
            caller=_caller(record),
            parameters=parameters,
            names=self._known(facts),
            organization=_organization(facts),
            ec2_ids=self._tables.ec2_ids,
            ec2_formats=self._planner.formats("ec2") if action.lower().startswith("ec2:") else {},
        )
        owners = Owners(record, read_listed(record), facts)
        search = Search(record, call, owners, self._planner.formats(action.partition(":")[0].lower()))
        if plan.paths is not None:
            return [search.of_path(plan.paths)]
        if call.action == ROLE_ACTION.lower():
            return self._passed(record, parameters, plan, search)
        named: dict[str, tuple[TypePlan, list[ResourceCheck]]] = {}
        missing: list[TypePlan] = []
        for kind in plan.types:
            checks = search.of_type(kind, self_named=plan.self_named)
            if checks:
                named[kind.name] = (kind, checks)
            elif _expected(kind, call):
                missing.append(kind)
        found = _told_apart(named, home)
        for kind in [kind for kind in missing if _is_sure(kind, call)]:
            found.append(search.lost(kind))
            missing.remove(kind)
        if not found:
            found += search.foreign_type()
        if not found:
            # Nothing at all: one check on something, of a type if there is only one that it can be.
            sole = missing if len(missing) == 1 else plan.types if len(plan.types) == 1 else ()
            found.append(search.lost(sole[0] if sole else None))
        elif missing and not plan.alternatives:
            found += [search.lost(kind, certain=False) for kind in missing]
        return list(dict.fromkeys(without_access_point_twins(found)))

    def _passed(self, record: Record, parameters: Parameters, plan: ActionPlan, search: Search) -> list[ResourceCheck]:
        """The roles that the call hands to a service."""
        if self._actions is None:
            self._actions = ActionMap(self._catalog)
        kind = plan.types[0]
        roles = self._actions.passed_roles(record, parameters)
        return list(dict.fromkeys(search.of_role(kind, role) for role in roles)) or [search.lost(kind)]

    def _tagged(
        self, record: Record, parameters: Parameters, action: str, home: str | None, facts: Facts
    ) -> list[ResourceCheck]:
        """What a call tags while it creates it: its own new resource, not others that it names.

        Empty where the action is no tagging within another call. Where the call's own action takes no resource, only
        the answer tells the new one.
        """
        event = record.event_name or ""
        service, _, name = action.lower().partition(":")
        operation = operation_name(event).lower()
        own = self._catalog.action(f"{service}:{operation}")
        if own is None or name == operation or service in _TAGGED_BY_TABLE:
            return []
        plan = self._planner.plan(own.name, event)
        if plan.tagging or (action.lower(), event.lower()) in self._tables.checks:
            return []
        if plan.resourceless:
            answered = set(arns_within(read_json(record.response_elements), depth=4))
            checks = self._look(record, parameters, action, self._planner.plan(action, event), home, facts)
            new = [replace(check, created=True) for check in checks if check.arn in answered]
            return new if len(new) == 1 else [ResourceCheck(UNKNOWN, home or UNKNOWN)]
        checks = self._look(record, parameters, own.name, plan, home, facts)
        checks = [check for check in checks if check.certain and check.type is not None]
        new = [check for check in checks if check.created]
        if not new:
            new = [check for check in checks if operation.endswith(_short(check.type))]
            # One of them is the source of a copy, or the call is about several: which one is tagged is not known.
            new = new if len(new) == 1 else [ResourceCheck(UNKNOWN, home or UNKNOWN)]
        return new

    def _believe(
        self, said: str, checks: list[ResourceCheck], action: str, record: Record, facts: Facts
    ) -> list[ResourceCheck]:
        """Put the resource that AWS names in place of what was found of its type."""
        if said == RESOURCELESS:
            return [ResourceCheck(RESOURCELESS, _home(record) or UNKNOWN)]
        arn = split_arn(said)
        kinds = best_match(arn, self._planner.formats(action.partition(":")[0].lower()).items()) if arn else ()
        owners = Owners(record, read_listed(record), facts)
        exempt = kms_exemption(record, _NOTHING, action, said, facts)
        kind = kinds[0] if kinds else None
        created = any(check.created for check in checks if check.type == kind)
        named = ResourceCheck(said, owners.of(said), kind, created, exempt)
        if not kinds:
            return [named]
        return [named, *(check for check in checks if check.type not in (named.type, None))]

    def _known(self, facts: Facts) -> KnownNames:
        for known, names in self._names:
            if known is facts:
                return names
        names = KnownNames({*facts.resource_accounts, *facts.resource_tags, *facts.principal_tags})
        # A replay asks with two sets of facts in turn: the organization now, and as proposed.
        self._names = (*self._names[-1:], (facts, names))
        return names


def _expected(kind: TypePlan, call: Call) -> bool:
    """Whether AWS checks some resource of the type although the record names none."""
    if kind.absent is Absent.NONE or not applies(kind, call):
        return False
    return kind.required or _is_sure(kind, call)


def _short(kind: str | None) -> str:
    """A resource type as operations name it: `jobdefinition`, `rule` for a rule on a bus."""
    return re.sub("[^a-z0-9]", "", (kind or "").lower().partition("-on-")[0])


def _told_apart(named: dict[str, tuple[TypePlan, list[ResourceCheck]]], home: str | None) -> list[ResourceCheck]:
    """What was found of all types, without guesses that one parameter gave for several types.

    Types with the very same variables are alternatives (`fleet`, `containerfleet`): one of them is checked, which is
    not known. An optional type that shares variables with another one is only possible.
    """
    found: list[ResourceCheck] = []
    before: list[TypePlan] = []
    for kind, checks in named.values():
        variables = set(kind.format.variables)
        twins = [
            other
            for other, _ in named.values()
            if kind.guessed
            and other.guessed
            and other is not kind
            and variables
            and variables == {*other.format.variables}
        ]
        if twins:
            found.append(ResourceCheck(UNKNOWN, home or UNKNOWN))
        elif kind.guessed and not kind.required and any(variables & {*other.format.variables} for other in before):
            found += [replace(check, certain=False) for check in checks]
        else:
            found += checks
        before.append(kind)
    return found


def _is_sure(kind: TypePlan, call: Call) -> bool:
    """Whether the tables say what follows for this type, whatever else was found."""
    if any(call.parameters.has(path) for path in kind.expected_when):
        return True
    return kind.absent in (Absent.UNKNOWN, Absent.POSSIBLE)


def _home(record: Record) -> str | None:
    """The account in which names without an account are looked up.

    The owner's copy of a cross-account call goes to the owner; all others to the caller.
    """
    identity = record.user_identity
    account = record.recipient_account_id or (identity.account_id if identity else None)
    return account if account and is_account_id(account) else None


def _caller(record: Record) -> str | None:
    """The IAM ARN of the caller: the role's own for sessions."""
    identity = record.user_identity
    if identity is None:
        return None
    context = identity.session_context
    issuer = context.session_issuer if context else None
    return (issuer.arn if issuer else None) or identity.arn


def _partition(record: Record) -> str:
    """The partition by region; for regions not known, that of the caller (AWS General Reference, ARN format)."""
    region = record.aws_region or ""
    for prefix, partition in _REGION_PARTITIONS:
        if region.startswith(prefix):
            return partition
    arn = split_arn(_caller(record) or "")
    return arn.partition if arn and arn.partition.startswith("aws") else "aws"


def _organization(facts: Facts) -> tuple[str, str] | None:
    if facts.management_account is None or facts.organization_id is None:
        return None
    return facts.management_account, facts.organization_id


def _said(record: Record, action: str) -> str | None:
    """The resource that the record's own error message names for this action: an ARN or `*`.

    AWS IAM User Guide, troubleshoot_access-denied. Some messages hold a bare name instead; those tell nothing more.
    """
    message = record.error_message
    if message is None or " on resource" not in message:
        return None
    match = _SAID.search(message)
    if match is None or match["action"].lower() != action.lower():
        return None
    if len(message.encode()) >= _LONGEST_MESSAGE and match.end() == len(message):
        return None
    said = match["quoted"] or match["bare"]
    return said if said == RESOURCELESS or split_arn(said) is not None else None
