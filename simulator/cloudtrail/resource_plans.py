"""What to look for, per action: the resource types it is checked on and where a record names them.

A plan depends on the catalog and the tables alone, so it is made once per action.
"""

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Final

import msgspec

from simulator.cloudtrail.arn_format import ArnFormat, parse_format
from simulator.cloudtrail.resource_forms import FORMS
from simulator.cloudtrail.resource_names import Call, Named, by_name
from simulator.cloudtrail.resource_tables import Absent, CheckRow, ResourceTables, TypeRow, api_paths
from simulator.iam.catalog import Catalog, ResourceUse

_ANY: Final = "*"
_API_VERBS: Final = frozenset(f"apigateway:{verb}" for verb in ("get", "post", "put", "patch", "delete"))
_PLAIN: Final = frozenset({"id", "name", "identifier", "resourceid", "resourcename", "uuid", "resourcepath", "arn"})
"""Variable names that say nothing about the type they belong to."""


class TypePlan(msgspec.Struct, frozen=True):
    """One resource type of one action; most fields are as in the table (see its head).

    `created` tells of resources that the record does not name, `created_if_named` of those that it names.
    `scan` allows any fitting ARN among the parameters to name it; `guessed` marks types without a row; `constant`
    marks formats without variables that are always checked.
    """

    name: str
    format: ArnFormat
    required: bool
    paths: tuple[str, ...]
    every: bool
    variables: Mapping[str, tuple[str, ...]]
    form: Callable[[Call, ArnFormat, str], Named]
    response: tuple[str, ...]
    fixed: ArnFormat | None
    wildcard: bool
    plus_new: bool
    created: bool
    created_if_named: bool
    absent: Absent
    listed: bool
    when: tuple[str, ...]
    unless: tuple[str, ...]
    where: tuple[str, str] | None
    sure: tuple[str, ...]
    expected_when: tuple[str, ...]
    possible_when: tuple[str, ...]
    sure_answer: tuple[str, str] | None
    scan: bool
    guessed: bool
    constant: bool
    owner_unknown: bool
    owner_aws: bool
    owner_home: bool
    possible_suffix: str

    @property
    def doubtful(self) -> bool:
        """Whether a record may leave open that a resource of this type is checked at all."""
        possible = self.possible_when or self.possible_suffix or self.absent is Absent.POSSIBLE
        return bool(possible or (self.wildcard and (self.sure or self.sure_answer)))


class ActionPlan(msgspec.Struct, frozen=True):
    """`resourceless`: the action takes none. `alternatives`: one of the types is enough.

    `self_named`: without a user name the call is about the caller. `paths`: the resource is the path of the request.
    `tagging`: the action does nothing but tag.
    """

    types: tuple[TypePlan, ...]
    resourceless: bool = False
    alternatives: bool = False
    self_named: bool = False
    paths: tuple[str, ...] | None = None
    tagging: bool = False


class Planner:
    """Makes plans from the catalog and the tables, and keeps them."""

    def __init__(self, catalog: Catalog, tables: ResourceTables) -> None:
        self._catalog = catalog
        self._tables = tables
        self._formats: dict[str, dict[str, ArnFormat]] = {}
        self._plans: dict[tuple[str, str], ActionPlan] = {}

    def formats(self, service: str) -> dict[str, ArnFormat]:
        """The ARN formats of a service prefix, by resource type in the reference's spelling."""
        if service not in self._formats:
            found = {}
            for kind in self._catalog.resource_types(service).values():
                # A few formats hold two ARNs, separated by a comma.
                parsed = parse_format(kind.arn.partition(", arn:")[0], open_star=service in self._tables.open_formats)
                if parsed is not None:
                    found[kind.name] = parsed
            self._formats[service] = found
        return self._formats[service]

    def plan(self, action: str, event: str) -> ActionPlan:
        """The plan of an action (`service:Action`) in a call named `event`."""
        action, event = action.lower(), event.lower()
        if action in _API_VERBS:
            return ActionPlan((), paths=api_paths().get(event, ()))
        key = (action, event if (action, event) in self._tables.checks else "")
        if key not in self._plans:
            self._plans[key] = self._make(*key)
        return self._plans[key]

    def _make(self, action: str, event: str) -> ActionPlan:
        rows: dict[str, CheckRow] = {}
        for where in ("", event):
            rows |= {row.type: row for row in self._tables.checks.get((action, where), ())}
        info = self._catalog.action(action)
        service = action.partition(":")[0]
        formats = {name.lower(): (name, form) for name, form in self.formats(service).items()}
        uses = {use.name.lower(): use for use in info.resource_types} if info else {}
        # A row for a type that the reference does not list for the action adds it.
        uses |= {name: ResourceUse(name, True, ()) for name in rows if name not in uses}
        alternatives = any(fnmatchcase(action, pattern) for pattern in self._tables.alternatives)
        if _ANY in rows and formats:
            # Any type of the service: the table's form builds whole ARNs, the format does not matter.
            uses = {_ANY: ResourceUse(_ANY, True, ())}
            formats = {_ANY: (_ANY, next(iter(formats.values()))[1])}
        plans = []
        for name, use in uses.items():
            row = rows.get(name)
            if name in formats and not (row is not None and row.skip):
                spelled, form = formats[name]
                alone = len(uses) == 1
                constant = not form.variables and (alone or (use.required and not alternatives))
                plans.append(self._type(service, action, spelled, form, use.required, row, alone, constant))
        return ActionPlan(
            types=tuple(plans),
            resourceless=info is not None and not uses,
            alternatives=alternatives,
            self_named=action in self._tables.caller_is_default,
            tagging=info is not None and "Tagging" in info.access_level,
        )

    def _type(
        self, service: str, action: str, name: str, form: ArnFormat, required: bool, row: CheckRow | None, sole: bool,
        constant: bool,
    ) -> TypePlan:  # fmt: skip
        found = self._tables.types.get(f"{service}:{name.lower()}")
        base, row = found or TypeRow(), row or CheckRow(name)
        paths, variables, every = base.paths, base.variables, base.every
        replaced = row.paths is not None or row.variables is not None
        if replaced:
            paths, variables, every = row.paths or (), row.variables or {}, row.every
        elif found is None:
            variables = _guess(service, name, form, sole)
        makes = _makes(action, name)
        created = makes if row.created is None else row.created
        wildcard = row.wildcard or (service == "ec2" and makes)
        named = row.form or base.form
        return TypePlan(
            name=name,
            format=form,
            required=required,
            paths=paths,
            every=every,
            variables=variables,
            form=FORMS[named] if named else by_name,
            response=row.response,
            fixed=parse_format(row.fixed) if row.fixed else None,
            wildcard=wildcard,
            plus_new=row.plus_new,
            created=created,
            created_if_named=created and not row.wildcard,
            absent=row.absent,
            listed=row.listed and not (service == "ec2" and makes),
            when=row.when,
            unless=row.unless,
            where=row.where,
            sure=row.sure,
            expected_when=row.expected_when,
            possible_when=row.possible_when,
            sure_answer=row.sure_answer,
            scan=not replaced,
            guessed=found is None and not replaced,
            constant=constant,
            owner_unknown=base.owner_unknown,
            owner_aws=base.owner_aws,
            owner_home=base.owner_home,
            possible_suffix=base.possible_suffix,
        )


def _squeeze(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _makes(action: str, kind: str) -> bool:
    """Whether the action's name says that it makes a resource of this type (`ec2:CreateVpc`, `vpc`)."""
    service, _, verb = action.partition(":")
    # Creating a topic or queue that exists succeeds and returns it (SNS CreateTopic, SQS CreateQueue).
    return verb == f"create{_squeeze(kind)}" and service not in ("sns", "sqs")


def _guess(service: str, kind: str, form: ArnFormat, sole: bool) -> dict[str, tuple[str, ...]]:
    """Parameter names for the variables of a format: the same name, or the type's own name with the same ending.

    A name never fills the place of an id. A bare `name`, `id`, ... counts only if the action takes one type of
    resource.
    """
    short = _squeeze(kind)
    found: dict[str, tuple[str, ...]] = {}
    for variable in form.variables:
        if variable == "*":
            # An id that the service makes up: only an ARN tells it.
            found[variable] = (f"{short}Arn", f"{short}Arns")
            continue
        names = [] if variable.lower() in _PLAIN else [variable]
        if len(form.variables) == 1:
            if variable.endswith("Name"):
                names += [f"{short}Name", variable[:-4] or short, short]
                bare = "name"
            else:
                names += [f"{short}Id", f"{short}Identifier"]
                if variable.endswith("Id") and variable not in ("Id", "ResourceId"):
                    names.append(f"{variable[:-2]}Identifier")
                bare = "id"
            names.append(f"{short}Arn")
            names += [f"{name}s" for name in names]
            if service == "ec2":
                # EC2 writes lists as objects: spotInstanceRequestIdSet.items[].spotInstanceRequestId.
                names += [f"{variable}Set.items[].{variable}"]
            names += [bare] if sole else []
        found[variable] = tuple(dict.fromkeys(names))
    return found
