"""`orgsim evaluate`: one JSON line in, one JSON line out. For machines and conformance suites.

Nothing is derived: SCP levels and context are complete as given, a key neither in `context` nor in `unknown` is
absent. On the RCP side RCPFullAWSAccess always stands. Only what cannot be parsed is refused.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from simulator.decision.evaluator import Evaluator
from simulator.decision.program import Program
from simulator.decision.request import (
    RESOURCELESS,
    UNKNOWN,
    ContextValue,
    Principal,
    PrincipalKind,
    Request,
    principal_from_arn,
)
from simulator.decision.verdict import Decision, SideVerdict, StatementRef, Verdict
from simulator.errors import OrgsimError
from simulator.iam.arn import account_of
from simulator.iam.catalog import Catalog
from simulator.policy.document import PolicyDocument, PolicyType
from simulator.policy.parser import parse_policy

_NAMED_KINDS: Final = {
    "AWSService": PrincipalKind.AWS_SERVICE,
    "Anonymous": PrincipalKind.ANONYMOUS,
    "Federated": PrincipalKind.FEDERATED,
}
_FACTS: Final = frozenset({"resource", "resource_account", "principal"})
_MAX_CACHED: Final = 4_096


class NamedPrincipal(msgspec.Struct, frozen=True):
    """A principal without ARN: `AWSService`, `Anonymous` or `Federated`."""

    type: str
    name: str | None = None


class RequestLine(msgspec.Struct, frozen=True):
    """The `request` member of a line, as written."""

    action: str
    principal: str | NamedPrincipal | None = None
    resource: str | None = None
    resource_account: str | None = None
    context: dict[str, Any] = {}
    unknown: tuple[str, ...] = ()


class _Line(msgspec.Struct, frozen=True):
    request: RequestLine
    id: Any = None
    scps: list[list[msgspec.Raw]] | None = None
    rcps: list[list[msgspec.Raw]] | None = None


class _Id(msgspec.Struct, frozen=True):
    id: Any = None


class LineEvaluator:
    """Answers lines; parsed policies and compiled programs are remembered, up to a bound."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._evaluator = Evaluator(catalog)
        self._documents: dict[bytes, PolicyDocument] = {}
        self._programs: dict[tuple[PolicyType, tuple[tuple[bytes, ...], ...]], Program] = {}
        self._decoder = msgspec.json.Decoder(_Line)

    def answer(self, line: bytes | str) -> dict[str, Any]:
        """Answer one line; a line that cannot be read answers `{"id", "error"}`."""
        try:
            parsed = self._decoder.decode(line)
            request = request_from_line(parsed.request)
            scp = self._program(PolicyType.SCP, parsed.scps)
            rcp = self._program(PolicyType.RCP, parsed.rcps)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return {"id": _identifier(line), "error": f"the line cannot be read: {error}"}
        except OrgsimError as error:
            return {"id": _identifier(line), "error": str(error)}
        verdict = self._evaluator.evaluate(request, scp, rcp)
        return {"id": parsed.id, **_answer(verdict, _spelling(parsed.request))}

    def _program(self, side: PolicyType, levels: list[list[msgspec.Raw]] | None) -> Program | None:
        if levels is None:
            return None
        texts = tuple(tuple(bytes(policy) for policy in level) for level in levels)
        program = self._programs.get((side, texts))
        if program is None:
            documents = tuple(
                tuple(self._document(text, f"{side.side}s[{number}][{index}]") for index, text in enumerate(level))
                for number, level in enumerate(texts)
            )
            if len(self._programs) >= _MAX_CACHED:
                self._programs.clear()
            program = self._programs[side, texts] = Program(side, documents, self._catalog)
        return program

    def _document(self, text: bytes, place: str) -> PolicyDocument:
        document = self._documents.get(text)
        if document is None:
            document = parse_policy(text.decode("utf-8"), place)
            _refuse_principals(document, place)
            if len(self._documents) >= _MAX_CACHED:
                self._documents.clear()
            self._documents[text] = document
        return document


def evaluate_line(line: dict[str, Any]) -> dict[str, Any]:
    """Answer one line given as plain values; for single questions and tests."""
    return LineEvaluator(Catalog()).answer(json.dumps(line))


def request_from_line(line: RequestLine) -> Request:
    """Read the `request` member of a line. Raises `OrgsimError` for a principal or context value of no known shape."""
    if ":" not in line.action:
        raise OrgsimError("request", f"`{line.action}` is not an action", hint="write `service:Action`")
    unknown = {name.lower() for name in line.unknown}
    principal = _principal(line.principal)
    if "principal" in unknown:
        principal = Principal(PrincipalKind.UNKNOWN, principal.arn, principal.account, service_linked=UNKNOWN)
    resource = RESOURCELESS if line.resource is None else line.resource
    account = line.resource_account or account_of(resource)
    return Request(
        principal=principal,
        action=line.action,
        resource=UNKNOWN if "resource" in unknown else resource,
        resource_account=UNKNOWN if "resource_account" in unknown else account,
        context=_context(line.context, unknown - _FACTS),
    )


def _principal(given: str | NamedPrincipal | None) -> Principal:
    if given is None:
        return Principal(PrincipalKind.UNKNOWN)
    if isinstance(given, str):
        if given in ("*", "anonymous"):
            return Principal(PrincipalKind.ANONYMOUS)
        return principal_from_arn(given)
    kind = _NAMED_KINDS.get(given.type)
    if kind is None:
        names = ", ".join(_NAMED_KINDS)
        raise OrgsimError("request", f"there is no principal type `{given.type}`", hint=f"one of {names}, or an ARN")
    return Principal(kind, name=given.name)


def _context(given: dict[str, Any], unknown: set[str]) -> dict[str, ContextValue]:
    read: dict[str, ContextValue | None] = {}
    for key, raw in given.items():
        lower = key.lower()
        value = _context_value(key, raw)
        # Two tags that differ only in case: AWS picks one unpredictably.
        read[lower] = value if read.get(lower, value) == value else UNKNOWN
    read.update(dict.fromkeys(unknown, UNKNOWN))
    return {key: value for key, value in read.items() if value is not None}


def _context_value(key: str, raw: object) -> ContextValue | None:
    if raw is None:
        return None
    if isinstance(raw, list):
        values = tuple(_text(key, item) for item in raw)
        return values or None
    return _text(key, raw)


def _text(key: str, raw: object) -> str:
    if isinstance(raw, str):
        return raw
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, int | float):
        return msgspec.json.encode(raw).decode()
    hint = "a string, number or boolean, or a list of these"
    raise OrgsimError("request", f"the value of `{key}` is no context value", hint=hint)


def _refuse_principals(document: PolicyDocument, place: str) -> None:
    for statement in document.statements:
        principal = statement.principal
        if principal is not None and not (principal.name == "Principal" and principal.everyone):
            message = f"{principal.name} {principal.text} cannot stand in an SCP or RCP"
            span = principal.span
            raise OrgsimError("principal", message, file=place, line=span.line, column=span.column)


def _identifier(line: bytes | str) -> object:
    try:
        return msgspec.json.decode(line, type=_Id).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _spelling(line: RequestLine) -> dict[str, str]:
    return {name.lower(): name for name in (*line.context, *line.unknown)}


# The answer


def _answer(verdict: Verdict, spelling: dict[str, str]) -> dict[str, Any]:
    return {
        "decision": verdict.decision.value,
        "scp": verdict.scp.result.value,
        "rcp": verdict.rcp.result.value,
        "by": [ref_as_dict(ref) for ref in verdict.by],
        "unknown_keys": sorted(spelling.get(key, key) for key in verdict.keys),
        "reason": reason_of(verdict, spelling),
    }


def ref_as_dict(ref: StatementRef) -> dict[str, Any]:
    """A determining statement as `{"side", "level", "policy", "statement", "sid"}`."""
    return {
        "side": ref.side.side,
        "level": ref.level,
        "policy": ref.policy,
        "statement": ref.statement,
        "sid": ref.sid,
    }


def reason_of(verdict: Verdict, spelling: Mapping[str, str] = MappingProxyType({})) -> str:
    """One sentence for people; `spelling` maps lower-case keys to the way the request wrote them."""
    if verdict.decision is Decision.DENIED:
        return "denied: " + "; ".join(_denial(ref) for ref in verdict.by)
    if verdict.decision is Decision.UNDECIDED:
        keys = ", ".join(spelling.get(key, key) for key in verdict.keys)
        return f"undecided: settled by {keys}" if keys else "undecided: AWS states no rule for a value in the policy"
    sides = [("SCPs", verdict.scp), ("RCPs", verdict.rcp)]
    skipped = [f"{name} do not apply ({_why(side)})" for name, side in sides if side.reason]
    return "; ".join(["no guardrail denies this call", *skipped])


def _why(side: SideVerdict) -> str:
    return side.reason.replace("-", " ")


def _denial(ref: StatementRef) -> str:
    if ref.policy is None:
        return f"no {ref.side.name} at level {ref.level} allows the action"
    name = f"`{ref.sid}`" if ref.sid else f"{ref.statement}"
    return f"{ref.side.name} at level {ref.level}, policy {ref.policy}, statement {name}"
