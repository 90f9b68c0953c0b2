"""Which IAM actions AWS checked for a CloudTrail record.

`eventSource` and `eventName` name an API operation, not an IAM action. The way from one to the other is data
(`mappings/*.toml`); what the tables do not know is `Unmapped`, never guessed. Sources of the rules: Service
Authorization Reference, AWS Service Reference, and the page named in each row; see docs/mapping.md.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec

from simulator.cloudtrail.action_tables import ActionTables, Operation, Rule, SkippedOperation, load_tables
from simulator.cloudtrail.checks import ActionCheck, Skipped, Unmapped
from simulator.cloudtrail.parameters import Parameters
from simulator.cloudtrail.passed_roles import PassedRole, passed_roles
from simulator.cloudtrail.record import Record
from simulator.decision.request import Tier
from simulator.iam.arn import split_arn
from simulator.iam.catalog import ActionInfo, Catalog

ROLE_ACTION: Final = "iam:PassRole"
SAME_NAME: Final = "Service Authorization Reference: the action of the same name"

_DATED: Final = re.compile(r"_?20\d{2}_?\d{2}_?\d{2}(v\d+)?$", re.ASCII)
_SIGNED: Final = frozenset({"Root", "IAMUser", "AssumedRole", "Role", "FederatedUser"})
_RANK: Final = {Tier.REQUIRED: 0, Tier.PROVEN: 1, Tier.POSSIBLE: 2}
_MOST_ENTRIES: Final = 50_000
_TAG_KEYS: Final = ("aws:requesttag/", "aws:tagkeys")


class Explanation(msgspec.Struct, frozen=True):
    """What an event maps to, whatever its parameters: conditional actions name their condition in `source`."""

    event_source: str
    event_name: str
    actions: tuple[ActionCheck, ...] = ()
    skipped: str | None = None
    unmapped: str | None = None


class _Plan(msgspec.Struct, frozen=True):
    """All that is known of an operation without its parameters; `operation` is `service:operation` in lower case."""

    operation: str
    checks: tuple[ActionCheck, ...]
    rules: tuple[Rule, ...]
    tagging: ActionCheck | None
    passes_role: bool
    tags_by_arn: bool

    @property
    def static(self) -> bool:
        return not (self.rules or self.tagging or self.passes_role or self.tags_by_arn)


class _Entry(msgspec.Struct, frozen=True):
    """What an event source and name lead to. Several plans: only the parameters tell which service was called."""

    plans: tuple[_Plan, ...] = ()
    choose: tuple[tuple[str, tuple[str, ...]], ...] = ()
    skip: SkippedOperation | None = None
    unmapped: str = ""


class ActionMap:
    """The mapping from events to IAM actions; results are cached by event source and name. Picklable.

    The operations of the catalog's local update outrank the packaged rows that restate AWS's Service Reference; rows
    made by hand stay above both.
    """

    def __init__(self, catalog: Catalog, tables: ActionTables | None = None) -> None:
        self._catalog = catalog
        self._tables = tables or load_tables()
        self._updates: dict[str, dict[str, tuple[str, ...]]] = {}
        self._entries: dict[tuple[str, str], _Entry] = {}
        self._skip_types = {name: reason for reason in self._tables.skip_reasons for name in reason.event_types}
        self._skip_categories = {name: reason for reason in self._tables.skip_reasons for name in reason.categories}
        self._skip_labels = {name: reason for reason in self._tables.skip_reasons for name in reason.labels}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_entries": {}, "_updates": {}}

    @property
    def skip_reasons(self) -> dict[str, str]:
        """The closed list of reasons for skipping: id to sentence."""
        return {reason.id: reason.sentence for reason in self._tables.skip_reasons}

    def checks(self, record: Record, parameters: Parameters) -> tuple[ActionCheck, ...] | Unmapped | Skipped:
        """The actions AWS checked for the record, required ones first, or why there are none.

        Where every check is only *possible*, AWS made at least one of them or none: the record stays undecided where
        a policy asks for one.
        """
        event_source, event_name = record.event_source or "", record.event_name or ""
        event_type = (record.event_type or "").lower()
        reason = self._skip_types.get(event_type) or self._skip_categories.get((record.event_category or "").lower())
        if reason is not None and f"{_label(event_source)}:{event_name}".lower() not in reason.except_operations:
            return Skipped(reason.id)
        entry = self._entry(event_source, event_name)
        if entry.skip is not None:
            identity = record.user_identity
            signed = identity is not None and identity.type in _SIGNED
            if not (entry.plans and signed and entry.skip.unless_signed):
                return Skipped(entry.skip.reason)
        if not entry.plans:
            # Consoles log acts of their own beside API calls; one that is no action needs no IAM check.
            return Skipped("console-action") if event_type == "awsconsoleaction" else Unmapped(entry.unmapped)
        plans = _chosen(entry, parameters)
        if len(plans) == 1:
            return plans[0].checks if plans[0].static else self._evaluate(plans[0], parameters)
        either = (_as_possible(check) for plan in plans for check in self._evaluate(plan, parameters))
        return _ordered(either)

    def passed_roles(self, record: Record, parameters: Parameters) -> tuple[PassedRole, ...]:
        """The roles and instance profiles on which iam:PassRole was checked for the record, as the request has them."""
        plans = _chosen(self._entry(record.event_source or "", record.event_name or ""), parameters)
        return tuple(
            role
            for plan in plans
            if plan.passes_role
            for role in passed_roles(self._tables.roles, plan.operation, parameters)
        )

    def explain(self, event_source: str, event_name: str) -> Explanation:
        """What the pair maps to and why. `event_source` may leave out `.amazonaws.com`."""
        entry = self._entry(event_source, event_name)
        if entry.skip is not None:
            return Explanation(event_source, event_name, skipped=entry.skip.reason)
        if not entry.plans:
            return Explanation(event_source, event_name, unmapped=entry.unmapped)
        checks = [check for plan in entry.plans for check in self._all_checks(plan)]
        if len(entry.plans) > 1:
            conditions = {f"{name}:": " or ".join(when) for name, when in entry.choose}
            checks = [
                replace(check, source=f"{check.source}, when requestParameters has {conditions[prefix]}")
                if (prefix := check.action.partition(":")[0] + ":") in conditions
                else check
                for check in checks
            ]
        return Explanation(event_source, event_name, _ordered(checks))

    # --- from an event to plans ------------------------------------------------------------------------------------

    def _entry(self, event_source: str, event_name: str) -> _Entry:
        key = (event_source, event_name)
        entry = self._entries.get(key)
        if entry is None:
            if len(self._entries) >= _MOST_ENTRIES:
                self._entries.clear()  # A hostile log may name any number of events.
            entry = self._entries[key] = self._make_entry(_label(event_source), event_name)
        return entry

    def _make_entry(self, label: str, event_name: str) -> _Entry:
        if not label or not event_name:
            return _Entry(unmapped="the record names no event source or event name")
        reason = self._skip_labels.get(label)
        if reason is not None:
            return _Entry(skip=SkippedOperation(reason.id, unless_signed=False, source=reason.source))
        name = operation_name(event_name)
        skip = self._tables.skipped.get((label, event_name.lower()))
        row = self._tables.sources.get(label)
        services = row.services if row is not None else (label,) if label in self._catalog.services else ()
        plans = tuple(plan for service in services if (plan := self._plan(service, name)) is not None)
        choose = row.choose if row is not None else ()
        if not choose:
            plans = plans[:1]
        if plans or skip is not None:
            return _Entry(plans, choose, skip)
        if not services:
            return _Entry(unmapped=f"unknown event source: {label[:100]}")
        return _Entry(unmapped=f"no such action in the catalog: {' or '.join(services)}:{name[:100]}")

    def _plan(self, service: str, name: str) -> _Plan | None:
        operation = f"{service}:{name.lower()}"
        row = self._operation(service, name.lower(), operation)
        if row is None:
            return None
        update = self._update(service, name)
        checks = [*self._known(row.required, Tier.REQUIRED, row.source)]
        checks += self._known(row.possible, Tier.POSSIBLE, row.source)
        if not checks:
            return None
        rules = [rule for rule in self._tables.rules.get(service, ()) if rule.covers(operation)]
        for rule in rules:
            if not rule.when:
                checks += self._known(rule.add, rule.tier, rule.source)
        return _Plan(
            operation,
            _ordered(checks),
            tuple(rule for rule in rules if rule.when),
            self._tagging(service, row, update),
            (operation in self._tables.roles.operations or ROLE_ACTION in update)
            and self._catalog.action(ROLE_ACTION) is not None,
            operation in self._tables.tags.by_arn,
        )

    def _operation(self, service: str, name: str, operation: str) -> Operation | None:
        row = self._tables.operations.get(operation)
        update = self._update(service, name)
        if row is not None and not (row.derived and update):
            return row
        if update:
            return self._updated(operation, update)
        action = self._catalog.actions(service).get(name)
        if action is not None:
            return Operation((action.name,), (), SAME_NAME)
        verbs = self._tables.verbs.get(service)
        verb = verbs.action(name) if verbs is not None else None
        return Operation((f"{service}:{verb}",), (), verbs.source) if verbs is not None and verb is not None else None

    def _update(self, service: str, name: str) -> tuple[str, ...]:
        """The actions that the local update has for an operation, as far as the catalog knows them."""
        if service not in self._updates:
            self._updates[service] = {
                each.lower(): tuple(info.name for action in actions if (info := self._catalog.action(action)))
                for each, actions in self._catalog.operations(service).items()
            }
        return self._updates[service].get(name.lower(), ())

    def _updated(self, operation: str, actions: tuple[str, ...]) -> Operation:
        source = "AWS Service Reference, local update"
        own = self._catalog.action(operation)
        same = (own.name,) if own is not None else ()
        # Passing roles and tagging on create are proved by the parameters, not by this list.
        rest = tuple(each for each in actions if each not in (*same, ROLE_ACTION) and not self._is_tagging(each))
        if set(same) & set(actions):
            return Operation(same, rest, source)
        if len(rest) == 1:
            # Where AWS's two references differ, both actions are required.
            return Operation((*same, *rest), (), source)
        if same:
            return Operation(same, rest, source)
        if len(actions) == 1 and self._is_tagging(actions[0]) and "tag" in operation:
            return Operation(actions, (), source)
        return Operation((), actions, source)

    def _tagging(self, service: str, row: Operation, update: tuple[str, ...]) -> ActionCheck | None:
        infos = [info for name in row.required if (info := self._catalog.action(name)) is not None]
        action = self._tag_action(service, self._tables.tags.tag, "TagResource")
        if action is None or action in row.required:
            return None
        if action not in update and not any(_tags_on_create(info) for info in infos):
            return None
        return ActionCheck(action, Tier.PROVEN, self._tables.tags.source)

    def _is_tagging(self, action: str) -> bool:
        info = self._catalog.action(action)
        return info is not None and "Tagging" in info.access_level

    def _tag_action(self, service: str, table: Mapping[str, str], default: str) -> str | None:
        name = table.get(service, default)
        info = self._catalog.action(f"{service}:{name}") if name else None
        return info.name if info is not None else None

    def _known(self, actions: Iterable[str], tier: Tier, source: str) -> Iterable[ActionCheck]:
        for name in actions:
            info = self._catalog.action(name)
            if info is not None:
                yield ActionCheck(info.name, tier, source)

    # --- from a plan and the parameters to checks ----------------------------------------------------------------

    def _evaluate(self, plan: _Plan, parameters: Parameters) -> tuple[ActionCheck, ...]:
        known = parameters.known
        checks = list(plan.checks)
        for rule in plan.rules:
            if rule.rare if not known else not rule.applies(parameters):
                continue
            if known:
                checks = [check for check in checks if check.action not in rule.replaces]
            else:
                checks = [_as_possible(check) if check.action in rule.replaces else check for check in checks]
            checks += self._known(rule.add, rule.tier if known else Tier.POSSIBLE, rule.source)
        if plan.tagging is not None and (not known or _has_tags(self._tables.tags.names, parameters)):
            checks.append(plan.tagging if known else _as_possible(plan.tagging))
        if plan.passes_role and (not known or passed_roles(self._tables.roles, plan.operation, parameters)):
            tier = Tier.PROVEN if known else Tier.POSSIBLE
            checks.append(ActionCheck(ROLE_ACTION, tier, self._tables.roles.source))
        if plan.tags_by_arn:
            checks += self._tags_by_arn(plan.operation, parameters)
        return _ordered(checks)

    def _tags_by_arn(self, operation: str, parameters: Parameters) -> Iterable[ActionCheck]:
        path, use, source = self._tables.tags.by_arn[operation]
        table, default = (
            (self._tables.tags.tag, "TagResource") if use == "tag" else (self._tables.tags.untag, "UntagResource")
        )
        for text in parameters.all(path):
            arn = split_arn(text)
            action = self._tag_action(arn.service.lower(), table, default) if arn is not None else None
            if action is not None:
                yield ActionCheck(action, Tier.PROVEN, source)

    def _all_checks(self, plan: _Plan) -> Iterable[ActionCheck]:
        yield from plan.checks
        for rule in plan.rules:
            instead = f" instead of {', '.join(rule.replaces)}" if rule.replaces else ""
            yield from self._known(rule.add, rule.tier, f"{rule.source}; {rule.condition}{instead}")
        if plan.tagging is not None:
            yield replace(plan.tagging, source=f"{plan.tagging.source}; when requestParameters has tags")
        if plan.passes_role:
            source = f"{self._tables.roles.source}; when requestParameters has a role or instance profile"
            yield ActionCheck(ROLE_ACTION, Tier.PROVEN, source)


def operation_name(event_name: str) -> str:
    """The operation that an event is named for, without a date: `CreateFunction` for `CreateFunction20150331`."""
    return _DATED.sub("", event_name) or event_name


def _label(event_source: str) -> str:
    """The event source without its domain: `s3` for `s3.amazonaws.com` and `s3.amazonaws.com.cn`."""
    return event_source.lower().partition(".amazonaws.")[0]


def _chosen(entry: _Entry, parameters: Parameters) -> tuple[_Plan, ...]:
    if len(entry.plans) < 2 or not parameters.known:
        return entry.plans
    for service, when in entry.choose:
        if any(parameters.has(path) for path in when):
            named = tuple(plan for plan in entry.plans if plan.operation.startswith(f"{service}:"))
            if named:
                return named
    return entry.plans[:1]


def _ordered(checks: Iterable[ActionCheck]) -> tuple[ActionCheck, ...]:
    """Each action once, at its surest tier; required ones first, otherwise as found."""
    best: dict[str, ActionCheck] = {}
    for check in checks:
        other = best.get(check.action)
        if other is None or _RANK[check.tier] < _RANK[other.tier]:
            best[check.action] = check
    return tuple(sorted(best.values(), key=lambda check: _RANK[check.tier]))


def _as_possible(check: ActionCheck) -> ActionCheck:
    return replace(check, tier=Tier.POSSIBLE)


def _has_tags(names: frozenset[str], parameters: Parameters) -> bool:
    if names.isdisjoint(parameters.names):
        return False
    return parameters.filled(names)


def _tags_on_create(info: ActionInfo) -> bool:
    if info.access_level in ("Read", "List") or "Tagging" in info.access_level:
        return False
    keys = [*info.condition_keys, *(key for use in info.resource_types for key in use.condition_keys)]
    return any(key.lower().startswith(_TAG_KEYS) for key in keys)
