"""Parts of a judgement that have few answers, however many records there are.

A *facet* is something that the judge reads of a record as a whole: the caller, a condition key, the resources of an
action, how the call ended. It has a value, and a *sign* that is equal for values which nothing behind it tells apart:
roles that match the same patterns and stand below the same guardrails, regions that no condition distinguishes. The
judge is given a value; what it made of it is remembered for the sign.

A sign must cover all that the evaluator may ask of the value. What that is stands beside each sign here; the condition
keys are asked by their conditions alone, resources by the resource elements, their exemptions and their owner.
"""

from collections.abc import Callable, Hashable
from typing import Any, Final, NamedTuple

from simulator.cloudtrail.call import Call
from simulator.cloudtrail.call_result import CallResult, result_of
from simulator.cloudtrail.caller_keys import CallRule
from simulator.cloudtrail.normalizer import FoundChecks, FoundResource, Normalizer, Reading
from simulator.cloudtrail.parameters import Parameters
from simulator.cloudtrail.principal import principal_of
from simulator.cloudtrail.record import NO_JSON, Record
from simulator.decision.conditions import CompiledCondition
from simulator.decision.exemptions import resource_exemption
from simulator.decision.facts import Facts
from simulator.decision.request import ContextValue, Principal, PrincipalKind, Request
from simulator.decision.resources import CompiledResources, resource_of_request
from simulator.replay.guardrails import GuardrailPair
from simulator.replay.shapes import Classes, Facet, ShapeMemo
from simulator.replay.watched import is_watched, noted

_NO_CONTEXT: Final[dict[str, ContextValue]] = {}
_NOBODY: Final = Principal(PrincipalKind.UNKNOWN)


class _Found(NamedTuple):
    """`named`: their names matter beyond the resource elements."""

    resources: tuple[FoundResource, ...]
    named: bool


class Facets(Reading):
    """The facets of the judge's reading, under one set of facts."""

    def __init__(
        self,
        guardrails: GuardrailPair,
        normalizer: Normalizer,
        facts: Facts,
        judged_by: Facts,
        classes: Classes,
    ) -> None:
        """`facts` fill the condition keys and name resources, `judged_by` place accounts."""
        self._guardrails = guardrails
        self._normalizer = normalizer
        self._facts = facts
        self._judged_by = judged_by
        self._classes = classes
        self._principal = Facet(ShapeMemo(principal_of), lambda found: guardrails.sign_of_caller(found, judged_by))
        self._result = Facet(ShapeMemo(result_of), _itself)
        self._checks: Facet[FoundChecks] | None = None
        self._fields: dict[str, Facet[Any]] = {}
        self._keys: dict[tuple[str, tuple[str, ...]], Facet[ContextValue | None]] = {}
        self._same_keys: dict[tuple[str, tuple[int, ...] | None], Facet[ContextValue | None]] = {}
        self._values: dict[str, ShapeMemo[ContextValue | None]] = {}
        self._found: dict[str, Facet[_Found]] = {}

    def result(self, record: Record) -> CallResult:
        """How the call ended."""
        result: CallResult = noted(record, self._result) if is_watched(record) else result_of(record)
        return result

    # What the normalizer reads

    def checks(
        self, find: Callable[[Record, Parameters], FoundChecks], record: Record, parameters: Parameters
    ) -> FoundChecks:
        """The actions, told apart as they are."""
        if not is_watched(record):
            return find(record, parameters)
        if self._checks is None:
            self._checks = Facet(ShapeMemo(lambda each: find(each, Parameters.from_record(each))), _itself)
        found: FoundChecks = noted(record, self._checks)
        return found

    def principal(self, record: Record) -> Principal:
        """A caller below the same guardrails: its kind, its account's chains, whether it is service-linked."""
        principal: Principal = noted(record, self._principal) if is_watched(record) else principal_of(record)
        return principal

    def caller(self, record: Record) -> Principal:
        """The caller itself; each field is a facet of its own."""
        if not is_watched(record):
            return principal_of(record)
        watched: Any = _WatchedPrincipal(record, self._fields)
        caller: Principal = watched
        return caller

    def key(self, key: str, rule: CallRule, call: Call, actions: tuple[str, ...]) -> ContextValue | None:
        """A condition key, told apart by the conditions on it in statements that name one of the actions."""
        if not is_watched(call.record):
            return rule(call)
        facet = self._keys.get((key, actions))
        if facet is None:
            facet = self._keys[key, actions] = self._key(key, rule, actions)
        value: ContextValue | None = noted(call.record, facet)
        return value

    def resources(
        self, find: Callable[[Call, str], tuple[FoundResource, ...]], call: Call, action: str
    ) -> tuple[FoundResource, ...]:
        """The resources of an action, told apart by the resource elements and RCPs of statements that name it."""
        if not is_watched(call.record):
            return find(call, action)
        facet = self._found.get(action)
        if facet is None:
            facet = self._found[action] = self._resources(action)
        found: _Found = noted(call.record, facet)
        return found.resources

    # Making facets

    def _call(self, record: Record) -> Call:
        return _LazyCall(record, self._facts)

    def _key(self, key: str, rule: CallRule, actions: tuple[str, ...]) -> Facet[ContextValue | None]:
        conditions, elements = self._guardrails.asked(actions)
        mixed = any(key in each.keys and (each.key != key or len(each.keys) > 1) for each in conditions)
        plain = mixed or any(key in each.keys for each in elements)
        asking = () if plain else tuple(each for each in conditions if each.key == key)
        same = (key, None if plain else tuple(id(each) for each in asking))
        facet = self._same_keys.get(same)
        if facet is None:
            values = self._values.get(key)
            if values is None:
                values = self._values[key] = ShapeMemo(lambda record: rule(self._call(record)), self._classes)
            # Used beside other keys (as a policy variable), it counts as it is.
            sign = _itself if plain else lambda value: _sign_of_value(key, value, asking)
            facet = self._same_keys[same] = Facet(values, sign)
        return facet

    def _resources(self, action: str) -> Facet[_Found]:
        _, elements = self._guardrails.asked((action,))
        named = self._normalizer.asks_of_checks(action) or any(each.keys for each in elements)

        def find(record: Record) -> _Found:
            resources = self._normalizer.find_resources(self._call(record), action)
            # An event's own context is laid over that of its resources, by their names.
            return _Found(resources, named or record.event_context is not NO_JSON)

        def sign(found: _Found) -> Hashable:
            if found.named:
                return repr(found.resources)
            return tuple(self._sign_of_resource(action, each, elements) for each in found.resources)

        return Facet(ShapeMemo(find, self._classes), sign)

    def _sign_of_resource(self, action: str, found: FoundResource, elements: tuple[CompiledResources, ...]) -> Hashable:
        check, resource, certain = found
        asked = resource_of_request(action, resource)
        return (
            resource.__class__,
            certain,
            check.exempt,
            resource_exemption(Request(_NOBODY, action, resource, exempt_resource=check.exempt)),
            self._guardrails.sign_of_owner(check.account, self._judged_by),
            tuple(each.test(asked, _NO_CONTEXT) for each in elements),
        )


class _LazyCall(Call):
    """A call whose caller and parameters are only looked at where a rule asks for them, so that reads are few."""

    def __init__(self, record: Record, facts: Facts) -> None:
        self.record = record
        self.facts = facts

    def __getattr__(self, name: str) -> Any:
        if name == "principal":
            self.principal = principal_of(self.record)
            return self.principal
        if name == "parameters":
            self.parameters = Parameters.from_record(self.record)
            return self.parameters
        raise AttributeError(name)


class _WatchedPrincipal:
    """Notes each field that is read of the caller."""

    __slots__ = ("_fields", "_record")

    def __init__(self, record: Record, fields: dict[str, Facet[Any]]) -> None:
        self._record = record
        self._fields = fields

    def __getattr__(self, name: str) -> Any:
        facet = self._fields.get(name)
        if facet is None:
            facet = self._fields[name] = Facet(ShapeMemo(lambda record: getattr(principal_of(record), name)), _itself)
        return noted(self._record, facet)


def _itself(value: Hashable) -> Hashable:
    return value


def _sign_of_value(key: str, value: ContextValue | None, conditions: tuple[CompiledCondition, ...]) -> Hashable:
    """A text, or a set of them, by the answers of all conditions on it; what is open or absent counts as it is."""
    if not isinstance(value, str | tuple):
        return value
    answers = tuple(each.test({key: value}) for each in conditions)
    return value if None in answers else (value.__class__, answers)
