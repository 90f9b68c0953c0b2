"""Hypothesis strategies: random guardrails and requests as `orgsim evaluate` lines, over alphabets so small they meet.

Every name and value is drawn from a short list, so that a random statement often reaches a random request and each
outcome (true, false, unknown) is common. Only lines that can be read are made: errors have cases of their own.
"""

from hypothesis import strategies as st

VERSIONS = ["2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17", None]
ACTIONS = [
    *["s3:GetObject"] * 8,
    "s3:PutObject",
    "s3:ListAllMyBuckets",
    "ec2:RunInstances",
    "kms:Decrypt",
    "kms:RetireGrant",
    "sts:AssumeRole",
    "sts:GetCallerIdentity",
    "sqs:SendMessage",
]
ACTION_PATTERNS = [
    *["*"] * 12,
    *["s3:*"] * 6,
    "S3:getobject",
    "s3:?etObject",
    "s3:*Object",
    "ec2:*",
    "kms:*",
    "kms:De*",
    "sts:*",
    "sqs:SendMessage",
    "*:*e*",
]
RCP_ACTION_PATTERNS = [*["s3:*"] * 8, "s3:Get*", "S3:PutObject", "kms:*", "sts:*", "sqs:*"]
SERVICE_LINKED_ROLE = "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"
MANAGED_KEY = "arn:aws:kms:us-east-1:111122223333:alias/aws/s3"
RESOURCES = [
    "*",
    "arn:aws:s3:::b",
    "arn:aws:s3:::b/red/k",
    "arn:aws:s3:::b/red:k",
    "arn:aws:s3:::b/*",
    "arn:aws:sqs:us-east-1:111122223333:red",
    "arn:aws:kms:us-east-1:111122223333:key/k",
    MANAGED_KEY,
    "arn:aws:iam::111122223333:role/app",
    SERVICE_LINKED_ROLE,
]
RESOURCE_PATTERNS = [
    *["*"] * 30,
    "arn:aws:s3:::*",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::b",
    "arn:aws:s3*",
    "arn:aws:s*:::b/*",
    "arn:*:k",
    "arn:a*s:s3:::b/?ed*",
    "arn:aws:s?s:us-east-1:*:red",
    "arn:aws:s3:::b/${aws:username}/*",
    "arn:aws:s3:::b/${aws:PrincipalTag/team, 'red'}?k",
    "arn:aws:s3:::b/${*}",
    "arn:aws:s3:::${aws:username}/${aws:PrincipalTag/team}",
    "arn:aws:sqs:us-east-1:${aws:PrincipalAccount}:red",
    "arn:aws:kms:*:*:key/*",
    "arn:aws:iam::*:role/app",
]
ROLE = "arn:aws:iam::111122223333:role/app"
PRINCIPALS = [
    *[ROLE] * 24,
    "arn:aws:iam::111122223333:root",
    "arn:aws:sts::111122223333:assumed-role/app/s",
    "arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForX/s",
    SERVICE_LINKED_ROLE,
    {"type": "AWSService", "name": "x.amazonaws.com"},
    {"type": "Anonymous"},
    {"type": "Federated", "name": "idp"},
    "*",
]

# --- keys and values by type: what a policy writes, what a request sends ---

STRING_KEYS = ["aws:PrincipalTag/team", "aws:ResourceTag/team", "aws:username"]
SET_KEYS = ["aws:TagKeys", "aws:CalledVia", "aws:PrincipalOrgPaths"]
STRING_PATTERNS = [
    "red",
    "red",
    "RED",
    "blue",
    "r*",
    "?ed",
    "*",
    "",
    "${aws:PrincipalTag/team}",
    "${aws:username}",
    "${AWS:UserName, 'red'}",
    "r${aws:username}*",
    "x${aws:username}",
    "${aws:PrincipalTag/team}-${aws:username}",
    "${aws:TagKeys}",
    "${*}",
    "r${?}d",
    "${$}{x}",
]
STRING_VALUES = ["red", "red", "RED", "blue", "reddish", "r*", "*", "", "red-red", "${x}"]
ARN_PATTERNS = [
    "arn:aws:iam::*:role/*",
    "arn:aws:iam::111122223333:r*",
    "arn:aws:iam::*",
    "arn:aws:*:us-east-1:*:red",
    "arn:aws:sqs:us-?ast-1:111122223333:${aws:username}",
    "arn:aws:iam::${aws:PrincipalAccount}:role/*",
    "arn:aws:sqs:${aws:PrincipalTag/team}:111122223333:red",
    "arn:aws:iam::*:user/${aws:username}",
    "*",
]
ARN_VALUES = [ROLE, ROLE, "arn:aws:iam::444455556666:role/x/y", "arn:aws:sqs:us-east-1:111122223333:red", "app"]
TYPES = {
    # type: (operators, keys, policy values, request values)
    "string": (
        [
            "StringEquals",
            "StringNotEquals",
            "StringEqualsIgnoreCase",
            "StringNotEqualsIgnoreCase",
            "StringLike",
            "StringNotLike",
        ],
        STRING_KEYS,
        STRING_PATTERNS,
        STRING_VALUES,
    ),
    "arn": (["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"], ["aws:PrincipalArn"], ARN_PATTERNS, ARN_VALUES),
    "number": (
        [
            "NumericEquals",
            "NumericNotEquals",
            "NumericLessThan",
            "NumericLessThanEquals",
            "NumericGreaterThan",
            "NumericGreaterThanEquals",
        ],
        ["s3:max-keys"],
        ["10", "9.5", 10, "ten", "${aws:username}"],
        ["10", "10.0", 9.5, 11, "-1", "ten"],
    ),
    "date": (
        [
            "DateEquals",
            "DateNotEquals",
            "DateLessThan",
            "DateLessThanEquals",
            "DateGreaterThan",
            "DateGreaterThanEquals",
        ],
        ["aws:CurrentTime"],
        ["2026-01-01T00:00:00Z", "2026-01-01", "1767225600", "soon"],
        ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00.5Z", 1767225600, 1, "soon"],
    ),
    "bool": (["Bool"], ["aws:SecureTransport"], ["true", "false", "False", True, "yes"], [True, False, "TRUE", "yes"]),
    "ip": (
        ["IpAddress", "NotIpAddress"],
        ["aws:SourceIp"],
        ["203.0.113.0/24", "203.0.113.5", "2001:db8::/32", "0.0.0.0/0", "office"],
        ["203.0.113.5", "203.0.113.6", "198.51.100.1", "2001:db8::1", "ec2.amazonaws.com"],
    ),
    "binary": (["BinaryEquals"], ["aws:RequestTag/blob"], ["UXVpY2s=", "QQ==", "no!"], ["UXVpY2s=", "QQ==", "no!"]),
}
KEY_TYPES = {key: kind for kind, (_, keys, _, _) in TYPES.items() for key in keys} | dict.fromkeys(SET_KEYS, "string")
CONTEXT_KEYS = [*KEY_TYPES, "aws:PrincipalAccount"]
FACTS = ["resource", "resource_account", "principal"]
FULL_ACCESS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def spelled(names):
    """One of the names, now and then in another case (names of keys, operators and actions are case-blind)."""
    return st.sampled_from([form for name in names for form in (name, name, name, name.lower(), name.upper())])


def one_or_two(values):
    """One of the values, a list of one, or a list of two: made beforehand, for one draw is far cheaper than three."""
    pairs = [[first, second] for first, second in zip(values, values[1:] + values[:1], strict=True) if first != second]
    wide = [[first, second] for first, second in zip(values, values[5:], strict=False) if first != second]
    return st.sampled_from([*values, *values, *([value] for value in values), *pairs, *wide])


def among(key, keys):
    return key.lower() in {other.lower() for other in keys}


ANY_KEY = {kind: spelled([*keys, *SET_KEYS] if kind == "string" else keys) for kind, (_, keys, _, _) in TYPES.items()}
POLICY_VALUES = {kind: one_or_two(patterns) for kind, (_, _, patterns, _) in TYPES.items()}
OPERATORS = {
    (kind, qualified): st.sampled_from(
        [
            form
            for operator in operators
            for quantifier in (("ForAllValues:", "ForAnyValue:", "") if qualified else ("", "", "", "ForAnyValue:"))
            for suffix in ("", "", "IfExists")
            for form in (quantifier + operator + suffix,) * 5 + ((quantifier + operator + suffix).upper(),)
        ]
    )
    for kind, (operators, _, _, _) in TYPES.items()
    for qualified in (False, True)
}
KINDS = st.sampled_from(["string"] * 5 + ["null"] + list(TYPES))
NULL_VALUES = st.sampled_from(["true", "false", True, "no", ["true", "false"]])
ACTION_LISTS = {
    "Action": one_or_two(ACTION_PATTERNS),
    "NotAction": one_or_two(ACTION_PATTERNS[17:]),
    "rcp": one_or_two(RCP_ACTION_PATTERNS),
}
RESOURCE_LISTS = one_or_two(RESOURCE_PATTERNS)
NARROW_RESOURCE_LISTS = one_or_two([pattern for pattern in RESOURCE_PATTERNS if pattern != "*"])


@st.composite
def conditions(draw, some=False):
    """A Condition block. Keys and operators never differ in case alone: Organizations would refuse those."""
    block = {}
    for _ in range(draw(st.sampled_from([1, 1, 1, 1, 2, 2, 3] if some else [0, 1, 1, 1, 1, 2, 2, 3]))):
        kind = draw(KINDS)
        key = draw(ANY_KEY["string" if kind == "null" else kind])
        name = "Null" if kind == "null" else draw(OPERATORS[kind, among(key, SET_KEYS)])
        if not among(name, block):
            block[name] = {key: draw(NULL_VALUES if kind == "null" else POLICY_VALUES[kind])}
    return block


@st.composite
def statements(draw, side="scp", effect=None):
    statement = {"Effect": effect or draw(st.sampled_from(["Deny", "Deny", "Allow"] if side == "scp" else ["Deny"]))}
    sid = draw(st.sampled_from([None, "A", "B"]))
    if sid:
        statement["Sid"] = sid
    if side == "rcp":
        statement |= {"Principal": "*", "Action": draw(ACTION_LISTS["rcp"])}
    else:
        element = draw(st.sampled_from(["Action", "Action", "Action", "NotAction"]))
        statement[element] = draw(ACTION_LISTS[element])
    statement[draw(st.sampled_from(["Resource", "Resource", "Resource", "NotResource"]))] = draw(RESOURCE_LISTS)
    condition = draw(conditions())
    if condition:
        statement["Condition"] = condition
    return statement


@st.composite
def policies(draw, side="scp"):
    version = draw(st.sampled_from(VERSIONS))
    policy = {"Version": version} if version else {}
    count = draw(st.sampled_from([0, 1, 1, 1, 2]))  # 0: one statement that is not in a list
    policy["Statement"] = [draw(statements(side)) for _ in range(count)] if count else draw(statements(side))
    return policy


@st.composite
def scp_levels(draw):
    """Root first. Most levels carry FullAWSAccess, or hardly any verdict would be other than implicit-deny."""
    levels = []
    shapes = [*[["full"]] * 4, ["full", "full"], ["full", "bare"], ["bare"], ["full", "empty"]]
    for shape in draw(st.sampled_from(shapes)):
        count = {"full": st.sampled_from([0, 1, 1, 2]), "bare": st.just(1), "empty": st.just(0)}[shape]
        levels.append([FULL_ACCESS] * (shape == "full") + [draw(policies()) for _ in range(draw(count))])
    return levels


@st.composite
def rcp_levels(draw):
    shape = draw(st.sampled_from([[1], [1], [2], [1, 1], [0, 1], [0]]))
    return [[draw(policies("rcp")) for _ in range(count)] for count in shape]


def values_of(key):
    """Every value that a request may send for a key: texts, numbers, booleans, lists, and [] or None for absent."""
    kind = KEY_TYPES.get(key)
    values = TYPES[kind][3] if kind else ["111122223333", "anonymous"]
    lists = [[], None, *([value] for value in values[:4]), values[1:3], values[3:6], values[-2:]]
    return lists if key in SET_KEYS else [*values, *values, *values, *lists]


STATES = {  # key: (how it stands in the context, how it stands in `unknown`); one draw for each key
    key: st.sampled_from(
        [({}, [])] * len(values_of(key))
        + [({}, [key])] * (len(values_of(key)) // 2 + 1)
        + [({}, [key.upper()]), ({key: values_of(key)[0]}, [key.lower()])]
        + [({name: value}, []) for value in values_of(key) for name in (key, key.upper())]
        + [({key: values_of(key)[0], key.upper(): values_of(key)[at]}, []) for at in (1, -1)]
    )
    for key in CONTEXT_KEYS
}
COMPLETE = {key: st.sampled_from([None, *values_of(key)]) for key in CONTEXT_KEYS}
UNKNOWN_FACTS = st.sampled_from([[]] * 9 + [[fact] for fact in FACTS])


def possible_resources(action):
    """Resources an action can have: a service-linked role only for sts, an AWS managed key only for kms."""
    service = action.split(":")[0].lower()
    owner = {MANAGED_KEY: "kms", SERVICE_LINKED_ROLE: "sts"}
    return st.sampled_from([resource for resource in RESOURCES if owner.get(resource, service) == service])


@st.composite
def requests(draw):
    action = draw(spelled(ACTIONS))
    context, unknown = {}, []
    for key in CONTEXT_KEYS:
        known, open_keys = draw(STATES[key])
        context |= known
        unknown += open_keys
    return {
        "principal": draw(st.sampled_from(PRINCIPALS)),
        "action": action,
        "resource": draw(possible_resources(action)),
        "context": context,
        "unknown": unknown + draw(UNKNOWN_FACTS),
    }


@st.composite
def wide_lines(draw):
    """Whole organizations: several levels, policies and sides, every kind of caller."""
    line = {"id": "x", "request": draw(requests())}
    sides = draw(st.sampled_from(["scp", "scp", "scp", "scp", "rcp", "rcp", "both", "both", "both", "none"]))
    if sides in ("scp", "both"):
        line["scps"] = draw(scp_levels())
    if sides in ("rcp", "both"):
        line["rcps"] = draw(rcp_levels())
    return line


@st.composite
def narrow_lines(draw):
    """One statement that surely names the action, so that its conditions and its resource list decide."""
    request = draw(requests())
    request |= {"principal": ROLE, "action": "s3:GetObject"}
    if request["resource"] in (SERVICE_LINKED_ROLE, MANAGED_KEY):
        request["resource"] = "arn:aws:s3:::b/red/k"
    statement = {"Effect": draw(st.sampled_from(["Deny", "Deny", "Deny", "Allow"])), "Action": "s3:*", "Resource": "*"}
    if draw(st.sampled_from(["conditions", "conditions", "resources"])) == "conditions":
        statement["Condition"] = draw(conditions(some=True))
    else:
        del statement["Resource"]
        statement[draw(st.sampled_from(["Resource", "NotResource"]))] = draw(NARROW_RESOURCE_LISTS)
    policy = {"Version": draw(st.sampled_from(["2012-10-17"] * 4 + ["2008-10-17"])), "Statement": [statement]}
    return {"id": "x", "scps": [[FULL_ACCESS] * (statement["Effect"] == "Deny") + [policy]], "request": request}


def lines():
    """One whole `orgsim evaluate` line."""
    return st.one_of(narrow_lines(), wide_lines())


@st.composite
def completions(draw, line):
    """The line with every unknown fact settled in some way: one world that the incomplete line may describe."""
    request = dict(line["request"])
    done = {**line, "request": request}
    context = {}
    first_spelling = draw(st.booleans())  # of two spellings of a key AWS takes either
    for name in list(request["context"]) if first_spelling else reversed(request["context"]):
        if not among(name, context):
            context[name] = request["context"][name]
    for name in request["unknown"]:
        if name in FACTS:
            continue
        context = {key: value for key, value in context.items() if key.lower() != name.lower()}
        key = next(key for key in CONTEXT_KEYS if key.lower() == name.lower())
        context[key] = draw(COMPLETE[key])
    request["context"] = context
    if "resource" in request["unknown"]:
        request["resource"] = draw(possible_resources(request["action"]))
    if "principal" in request["unknown"]:
        request["principal"] = draw(st.sampled_from(PRINCIPALS))
    if isinstance(request["principal"], str) and ":assumed-role/AWSServiceRoleFor" in request["principal"]:
        request["principal"] = draw(st.sampled_from([SERVICE_LINKED_ROLE, ROLE]))
    if "resource_account" in request["unknown"] and draw(st.booleans()):
        done.pop("rcps", None)  # the owner is the management account or a foreign one: no RCP of ours applies
    request["unknown"] = []
    return done
