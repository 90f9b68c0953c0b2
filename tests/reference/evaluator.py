"""The naive reference evaluator: the rules of SCPs and RCPs written down once more, for clarity alone.

`evaluate(line)` takes and returns one line of `orgsim evaluate` as plain JSON values. It shares no code with the
product, so the two check each other. Rules: AWS Organizations User Guide (SCP and RCP evaluation) and IAM User Guide
(condition operators, single- and multivalued keys, policy variables, resource element). Where AWS is silent, the
answer is unknown.
"""

import operator
import re

from tests.reference.language import (
    MULTIVALUED,
    NO,
    OPERATORS,
    RCP_SERVICES,
    RELATIONS,
    YES,
    MalformedError,
    all_of,
    any_of,
    check_elements,
    check_statement,
    list_of_texts,
    match_tokens,
    negate,
    parse,
    tokens_of,
    unknown,
)

VARIABLE = re.compile(r"\$\{(?:(?P<escape>[*?$])|(?P<key>[^{}',]+?)(?:,\s*'(?P<default>[^']*)')?)\}")


class Request:
    """The request half of a line: what is known of the call."""

    def __init__(self, raw):
        if not isinstance(raw, dict) or not isinstance(raw.get("action"), str) or ":" not in raw["action"]:
            raise MalformedError("request needs an action such as s3:GetObject")
        self.action = raw["action"].lower()
        self.service = self.action.split(":")[0]
        self.unknown = list(raw.get("unknown") or [])
        self.resource = None if "resource" in self.unknown else (raw.get("resource") or "*")
        self.principal = None if "principal" in self.unknown else raw.get("principal")
        if isinstance(self.principal, dict):
            if self.principal.get("type") not in ("AWSService", "Anonymous", "Federated"):
                raise MalformedError("unknown principal type")
        elif not isinstance(self.principal, str) and "principal" not in self.unknown:
            raise MalformedError("request needs a principal")
        self.context = {name: list_of_texts(value) for name, value in (raw.get("context") or {}).items()}

    def lookup(self, key):
        """("unknown", spelling) or ("values", list of texts, spelling); an empty list means absent."""
        for name in self.unknown:
            if name.lower() == key.lower():
                return "unknown", name
        same = [name for name in self.context if name.lower() == key.lower()]
        if any(self.context[name] != self.context[same[0]] for name in same):
            return "unknown", same[-1]  # AWS picks one unpredictably
        return "values", (self.context[same[-1]] if same else []), (same[-1] if same else key)

    def expand(self, text, wildcards, variables):
        """Replace policy variables: (tokens, keys of unknown variables), or (None, _) if a variable has no value."""
        tokens, keys, end, resolved = [], set(), 0, True
        for found in VARIABLE.finditer(text) if variables else ():
            tokens += tokens_of(text[end : found.start()], wildcards)
            end = found.end()
            if found["escape"]:
                tokens.append(("char", found["escape"]))
                continue
            state, *rest = self.lookup(found["key"])
            if state == "unknown" or len(rest[0]) > 1:  # only single-valued keys can be variables
                tokens.append(("any", True))
                keys.add(rest[-1])
            elif rest[0] or found["default"] is not None:
                tokens += tokens_of(rest[0][0] if rest[0] else found["default"], wildcards=False)
            else:
                resolved = False
        tokens += tokens_of(text[end:], wildcards)
        return (tokens if resolved else None), keys


# --- condition operators: one request value against one policy value ---


def matches(kind, relation, value, pattern, request, variables):
    """Three-valued: does one request value match one policy value under the positive form of the operator?"""
    parsed = parse(kind, value)
    if kind == "String":
        fold = str.lower if relation.endswith("IgnoreCase") else str
        tokens, keys = request.expand(pattern, relation == "Like", variables)
        tokens = tokens and [(t, fold(arg) if t == "char" else arg) for t, arg in tokens]
        matched = tokens is not None and match_tokens(tokens, fold(value))
    elif kind == "Arn":
        outside = re.sub(r"\$\{[^}]*\}", lambda v: v[0].replace(":", "\0"), pattern) if variables else pattern
        parts = [part.replace("\0", ":") for part in outside.split(":", 5)]
        if len(parts) < 6:
            return unknown()
        if parsed is None:
            return NO
        expanded = [request.expand(part, True, variables) for part in parts]
        pairs = zip(expanded, value.split(":", 5), strict=True)
        matched = all(tokens is not None and match_tokens(tokens, part) for (tokens, _), part in pairs)
        keys = set().union(*(keys for _, keys in expanded))
    else:
        wanted, keys = parse(kind, pattern, policy_side=True), set()
        if wanted is None:
            return unknown()  # AWS says nothing of a policy value of the wrong type; no key can settle it
        holds = (lambda a, b: a in b) if kind == "Ip" else RELATIONS.get(relation, operator.eq)
        matched = parsed is not None and holds(parsed, wanted)
    return unknown(*keys) if matched and keys else (matched, frozenset())


def condition_holds(name, key, patterns, request, variables):
    """One key of one operator of a Condition block."""
    found = re.fullmatch(r"(forallvalues:|foranyvalue:)?(\w+?)(ifexists)?", name.lower(), re.ASCII)
    if not found or found[2] not in OPERATORS or (found[2] == "null" and (found[1] or found[3])):
        raise MalformedError(f"unknown condition operator {name}")
    quantifier, if_exists = found[1], bool(found[3])
    kind, relation = OPERATORS[found[2]]
    state, *rest = request.lookup(key)
    if state == "unknown":  # whatever the key turns out to be, unknown variables it is compared with count as well
        expanded = [request.expand(pattern, True, variables and kind in ("String", "Arn")) for pattern in patterns]
        return unknown(rest[0], *(name for tokens, names in expanded if tokens is not None for name in names))
    values, spelling = rest
    if kind == "Null":
        bools = [parse("Bool", pattern) for pattern in patterns]
        return any_of(unknown() if b is None else (b == (not values), frozenset()) for b in bools)
    negated = relation.startswith("Not")

    def compare(value):
        if negated and parse(kind, value) is None:
            return unknown(spelling)
        hit = any_of(matches(kind, relation.removeprefix("Not"), value, p, request, variables) for p in patterns)
        return negate(hit) if negated else hit

    if not quantifier and (len(values) > 1 or (values and key.lower() in MULTIVALUED)):
        return unknown(spelling) if negated else NO
    if quantifier == "forallvalues:":
        return YES if values in ([], [""]) else all_of(map(compare, values))
    if not values:
        return (if_exists or (negated and not quantifier), frozenset())
    return any_of(map(compare, values))  # without a quantifier there is exactly one value


# --- statements ---


def resource_pattern_matches(pattern, text, request, variables):
    """One pattern of a Resource list against one resource that is an ARN."""
    tokens, keys = [], set()
    parts = pattern.split(":", 5)
    for i, part in enumerate(parts):
        tokens += [("char", ":")] if i else []
        if i == 5:  # variables are honoured here only
            last, keys = request.expand(part, True, variables)
            if last is None:
                return NO
            tokens += last
            continue
        for j, c in enumerate(part):
            wild = {"*": ("any", j == len(part) - 1), "?": ("one", False)}
            tokens.append(wild.get(c, ("char", c)))
    if not match_tokens(tokens, text):
        return NO
    service_is_open = len(parts) > 2 and set(parts[2]) & {"*", "?"}
    return unknown(*keys) if keys or service_is_open else YES


def resources_match(patterns, request, variables):
    if any(pattern.strip("*") == "" and pattern for pattern in patterns):
        return YES
    if request.resource is None:
        return unknown("resource") if patterns else NO
    text = request.resource
    if text == "*":
        if request.service != "s3":
            return NO
        text = "arn:aws:s3:::*"
    return any_of(resource_pattern_matches(pattern, text, request, variables) for pattern in patterns)


def statement_holds(statement, request, variables):
    def given(element):
        return list_of_texts(statement.get(element) or statement.get("Not" + element) or [])

    action = any(match_tokens(tokens_of(p.lower(), True), request.action) for p in given("Action"))
    resource = resources_match(given("Resource"), request, variables)
    conditions = [
        condition_holds(name, key, list_of_texts(patterns), request, variables)
        for name, block in (statement.get("Condition") or {}).items()
        for key, patterns in block.items()
    ]
    return all_of(
        [
            (action != ("NotAction" in statement), frozenset()),
            negate(resource) if "NotResource" in statement else resource,
            *conditions,
        ]
    )


# --- sides and the verdict ---


def judge_policies(side, levels, request):
    """What the policies of one side say, exemptions apart: (decision, determining statements, settling keys)."""
    rows = []  # per level: (effect, entry, truth, keys)
    for level_index, level in enumerate(levels):
        rows.append([])
        for policy_index, policy in enumerate(level):
            check_elements("policy", policy, {"Version", "Id", "Statement"}, needed="Statement")
            statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
            for index, statement in enumerate(statements):
                check_statement(statement, side)
                entry = {"side": side, "level": level_index, "policy": policy_index, "statement": index}
                entry["sid"] = statement.get("Sid")
                holds = statement_holds(statement, request, policy.get("Version") == "2012-10-17")
                rows[-1].append((statement["Effect"], entry, *holds))
    denies = [row for level in rows for row in level if row[0] == "Deny"]
    if any(truth for _, _, truth, _ in denies):
        return "explicit-deny", [entry for _, entry, truth, _ in denies if truth], set()
    undecided = [row for row in denies if row[2] is None]
    for level_index, level in enumerate(rows if side == "scp" else []):  # RCPFullAWSAccess always stands
        allows = [row for row in level if row[0] == "Allow" and row[2] is not False]
        if not allows:
            nobody = {"side": side, "level": level_index, "policy": None, "statement": None, "sid": None}
            return "implicit-deny", [nobody], set()
        if not any(truth for _, _, truth, _ in allows):
            undecided += allows
    if undecided:
        return "undecided", [row[1] for row in undecided], set().union(*(row[3] for row in undecided))
    return "allowed", [], set()


def exemption(side, request):
    """(reason why this side does not apply or None, facts of the request that might still exempt it)."""
    principal, resource = request.principal, request.resource
    kind = principal["type"] if isinstance(principal, dict) else None
    kind = "Anonymous" if principal in ("*", "anonymous") else kind
    arn = principal if isinstance(principal, str) else ""
    doubts = {"principal"} if principal is None or ":assumed-role/AWSServiceRoleFor" in arn else set()
    if request.action in ("sts:getcalleridentity", "sts:getsessiontoken"):
        return "no policy controls this action", doubts
    if ":role/aws-service-role/" in arn:
        return "the caller is a service-linked role", doubts
    if side == "scp":
        return (f"SCPs do not govern {kind} callers" if kind else None), doubts
    if request.service not in RCP_SERVICES:
        return "the service is outside RCP support", doubts
    if request.action == "kms:retiregrant":
        return "kms:RetireGrant is exempt", doubts
    if "resource_account" in request.unknown:
        doubts.add("resource_account")
    if resource is None:
        doubts |= {"resource"} if request.service in ("kms", "sts") else set()  # it may be one of the two below
    elif request.service == "kms" and re.match(r"arn:[^:]*:kms:[^:]*:[^:]*:alias/aws/", resource):
        return "AWS managed KMS keys are exempt", doubts
    elif request.service == "sts" and ":role/aws-service-role/" in resource:
        return "trust policies of service-linked roles are exempt", doubts
    return None, doubts


def judge_side(side, levels, request):
    if levels is None:
        return "not-applicable", [], set(), "left out"
    decision, by, keys = judge_policies(side, levels, request)
    reason, doubts = exemption(side, request)
    if reason:
        return "not-applicable", [], set(), reason
    if decision != "allowed" and doubts:
        decision, keys = "undecided", keys | doubts
    return decision, by, keys, decision


def evaluate(line):
    """Answer one line: a dict with id, decision, scp, rcp, by, unknown_keys and reason, or with id and error."""
    try:
        request = Request(line.get("request"))
        scp, rcp = (judge_side(side, line.get(side + "s"), request) for side in ("scp", "rcp"))
    except MalformedError as error:
        return {"id": line.get("id"), "error": str(error)}
    denying = [side for side in (scp, rcp) if side[0].endswith("-deny")]
    open_sides = [side for side in (scp, rcp) if side[0] == "undecided"]
    decision = "denied" if denying else "undecided" if open_sides else "allowed"
    decisive = denying or open_sides
    return {
        "id": line.get("id"),
        "decision": decision,
        "scp": scp[0],
        "rcp": rcp[0],
        "by": [entry for side in decisive for entry in side[1]],
        "unknown_keys": sorted(set().union(*(side[2] for side in decisive))) if decision == "undecided" else [],
        "reason": f"SCP: {scp[3]}; RCP: {rcp[3]}",
    }
