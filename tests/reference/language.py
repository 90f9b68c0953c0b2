"""Words and values of the policy language for the reference evaluator: tables, three-valued logic, patterns, types."""

import base64
import binascii
import ipaddress
import json
import operator
import re
from datetime import datetime
from decimal import Decimal

RCP_SERVICES_TEXT = """
    appconfig appstream aoss autoscaling autoscaling-plans budgets clouddirectory cloudfront cloudsearch
    cloudtrail-data codeartifact codebuild codecommit codepipeline cognito-identity cognito-idp comprehend
    comprehendmedical compute-optimizer cost-optimization-hub dax dsql dynamodb ecr ecr-public events firehose
    fis fms gamelift health inspector-scan kendra kinesisvideo kms logs memorydb networkmonitor notifications
    opensearch pca-connector-ad personalize polly pricing resource-groups rolesanywhere s3 secretsmanager
    servicediscovery signin sqs sts support swf textract timestream-influxdb transcribe transfer translate
    wafv2 workspaces xray
"""
RCP_SERVICES = frozenset(RCP_SERVICES_TEXT.split())
MULTIVALUED_TEXT = """
    aws:principalorgpaths aws:principalservicenameslist aws:resourceorgpaths aws:vpceorgpaths
    aws:sourceorgpaths aws:calledvia aws:tagkeys
"""
MULTIVALUED = frozenset(MULTIVALUED_TEXT.split())
ELEMENTS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition", "Principal"}
ORDERS = ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
RELATIONS = {
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
OPERATORS = {  # lower-case name -> (type, relation)
    name.lower(): (kind, name.removeprefix(kind))
    for kind, names in {
        "String": ["Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike"],
        "Arn": ["Equals", "NotEquals", "Like", "NotLike"],
        "Numeric": ORDERS,
        "Date": ORDERS,
        "Bool": [""],
        "Binary": ["Equals"],
        "Null": [""],
    }.items()
    for name in (kind + relation for relation in names)
} | {"ipaddress": ("Ip", "Equals"), "notipaddress": ("Ip", "NotEquals")}


class MalformedError(ValueError):
    """The line cannot be understood; the answer is an error."""


# --- three values: (True | False | None, keys that would settle a None) ---

YES, NO = (True, frozenset()), (False, frozenset())


def unknown(*keys):
    return (None, frozenset(keys))


def any_of(results):
    results = list(results)
    if any(truth is True for truth, _ in results):
        return YES
    open_keys = [keys for truth, keys in results if truth is None]
    return (None, frozenset().union(*open_keys)) if open_keys else NO


def negate(result):
    truth, keys = result
    return (None if truth is None else not truth, keys)


def all_of(results):
    return negate(any_of(negate(result) for result in results))


# --- patterns: a list of tokens, matched by dynamic programming over the positions of the text ---
# token = ("char", c) | ("one", may be a colon) | ("any", may contain colons)


def match_tokens(tokens, text):
    reached = [True] + [False] * len(text)  # reached[i]: the tokens so far match text[:i]
    for kind, arg in tokens:
        after = [kind == "any" and reached[0]] + [False] * len(text)
        for i, c in enumerate(text):
            if kind == "char":
                after[i + 1] = reached[i] and c == arg
            elif kind == "one":
                after[i + 1] = reached[i] and (arg or c != ":")
            else:
                after[i + 1] = reached[i + 1] or (after[i] and (arg or c != ":"))
        reached = after
    return reached[-1]


def tokens_of(text, wildcards):
    kinds = {"*": ("any", True), "?": ("one", True)} if wildcards else {}
    return [kinds.get(c, ("char", c)) for c in text]


def text_of(value):
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float)):
        return json.dumps(value)
    raise MalformedError(f"not a string, number or boolean: {value!r}")


def list_of_texts(value):
    if value is None:
        return []
    return [text_of(v) for v in value] if isinstance(value, list) else [text_of(value)]


def parse(kind, text, policy_side=False):
    """The typed value, or None if the text is not of that type."""
    try:
        if kind == "Numeric" and re.fullmatch(r"[+-]?\d+(\.\d+)?", text, re.ASCII):
            return Decimal(text)
        if kind == "Bool":
            return {"true": True, "false": False}.get(text.lower())
        if kind == "Binary":
            return base64.b64decode(text, validate=True)
        if kind == "Ip" and policy_side and re.fullmatch(r"[^/]+(/\d+)?", text, re.ASCII):
            return ipaddress.ip_network(text, strict=False)
        if kind == "Ip" and not policy_side:
            return ipaddress.ip_address(text)
        if kind == "Date":
            return parse_date(text)
        if kind == "Arn":
            return text if text.count(":") >= 5 else None
    except (ValueError, binascii.Error):
        return None
    return text if kind == "String" else None


def parse_date(text):
    """Epoch seconds, or a W3C profile of ISO 8601; a time of day needs its zone."""
    if re.fullmatch(r"-?\d+(\.\d+)?", text, re.ASCII):
        return Decimal(text)
    form = r"(\d{4}-\d\d)(-\d\d)?(?:T(\d\d:\d\d)(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d))?"
    found = re.fullmatch(form, text, re.ASCII)
    if not found or (found[3] and not found[2]) or (found[5] and not found[4]):
        return None
    zone = (found[6] or "Z").replace("Z", "+00:00")
    moment = f"{found[1]}{found[2] or '-01'}T{found[3] or '00:00'}{found[4] or ':00'}{zone}"
    return Decimal(int(datetime.fromisoformat(moment).timestamp())) + Decimal("0" + (found[5] or ".0"))


# --- grammar ---


def check_elements(what, value, allowed, needed):
    if not isinstance(value, dict) or set(value) - allowed or needed not in value:
        raise MalformedError(f"a {what} needs {needed} and may only hold {', '.join(sorted(allowed))}")


def check_statement(statement, side):
    check_elements("statement", statement, ELEMENTS, needed="Effect")
    if statement["Effect"] not in ("Allow", "Deny"):
        raise MalformedError("Effect must be Allow or Deny")
    if any((name in statement) == ("Not" + name in statement) for name in ("Action", "Resource")):
        raise MalformedError("a statement needs one of Action and NotAction, one of Resource and NotResource")
    if statement.get("Principal", "*") != "*" or ("Principal" in statement and side == "scp"):
        raise MalformedError('Principal is "*" in an RCP and forbidden in an SCP')
