"""A report in which every text that a log or a policy can bring attacks the page."""

from dataclasses import replace

from simulator.analysis.identities.model import (
    Behind,
    Confidence,
    Evidence,
    Identities,
    Identity,
    Lost,
    LostCalls,
    Relation,
)
from simulator.analysis.report import make_report
from simulator.organization.tree import Policy
from simulator.policy.document import PolicyType
from simulator.policy.parser import parse_policy
from simulator.replay.impact import Impact, UnmappedKind
from simulator.replay.outcome import Outcome, StatementPlace
from tests.unit.organization.small import SHOP, organization
from tests.unit.outputs.conftest import CATALOG, role, see

RUN = "window.owned=1"
ATTACKS = {
    "script": f"<script>{RUN}</script>",
    "end of script": f"</script><script>{RUN}</script>",
    "end of title": f"</title></style><script>{RUN}</script>",
    "comment": "<!--<script>",
    "comment ends": f"--><img src=x onerror={RUN}>",
    "double quotes": f'" onmouseover="{RUN}" x="',
    "single quotes": f"' autofocus onfocus='{RUN}",
    "image": f"<img src=x onerror='{RUN}'>",
    "svg": f"<svg onload={RUN}>",
    "address": f"javascript:{RUN}",
    "link": f'<a href="javascript:{RUN}">sign in again</a>',
    "far link": '<a href="https://evil.example/">pay</a>',
    "style": "<style>*{display:none}</style>",
    "frame": "<iframe src='https://evil.example/'></iframe>",
    "entity": "&lt;b&gt;&#x3c;script&#x3e;",
    "template": "$policy ${data} {{7*7}} %{x} ${" + RUN + "}",
    "turned": "gnp.\u202etxt.exe\u2066",
    "invisible": "ad\u200bmin\u2060",
    "lines": "one\u2028two\u2029three\nfour\r",
    "control": "\x1b[2J\x00\x07\x9b",
    "surrogate": "lone \ud800 half",
}


def hostile_report():
    """One finding of an attack each, in each of its texts, under a policy that attacks, too."""
    impact = Impact()
    names = list(ATTACKS.values())
    sids = "\n".join(
        f'{{"Sid": {_json(text)}, "Effect": "Deny", "Action": "s3:*", "Resource": {_json(text)}}},' for text in names
    )
    policy_text = f'{{"Version": "2012-10-17", "Statement": [{sids.rstrip(",")}]}}'
    document = parse_policy(policy_text, f"policies/{names[0]}.json")
    policy = Policy("p-hostile", names[1], PolicyType.SCP, document)
    for number, text in enumerate(names):
        line = document.statements[number].span.line
        place = StatementPlace(
            PolicyType.SCP.value, policy.name, text, number, "r-a1b2", 0, document.file, line, "content"
        )
        lists = {"resources": [text], "sessions": [text, "plain"], "event_ids": [text], "regions": [text]}
        fold = see(impact, list(Outcome)[number % 4], role(SHOP, text), text, place, 3, keys=[text], **lists)
        fold.first_seen = text
        impact.outcomes[list(Outcome)[number % 4]] += 3
        impact.timeline.add("2026-01-02T03:00:00Z", list(Outcome)[number % 4])
        impact.timeline.add(text, list(Outcome)[number % 4])
        impact.note_unmapped([(UnmappedKind(text, text, text), 1)])
        impact.note_damage(text, text)
        impact.regions.add(text)
    impact.read = impact.mapped = sum(impact.outcomes.values())
    impact.unmapped = len(names)
    tree = organization()
    root = replace(tree.root, scps=(*tree.root.scps, policy.id))
    shop = replace(tree.nodes[SHOP], name=names[2])
    tree = replace(tree, nodes={**tree.nodes, root.id: root, SHOP: shop}, policies={**tree.policies, policy.id: policy})
    report = make_report(impact, tree, CATALOG, lockouts=tuple(names), notes=tuple(names))
    return replace(report, identities=_identities(report))


def _identities(report):
    """Somebody behind each principal, and a lost session of each, all with names that attack."""
    behind, lost = {}, []
    for finding, text in zip(report.findings, ATTACKS.values(), strict=True):
        identity = Identity("person", text, text, SHOP, text)
        evidence = (Evidence(text, 1, (text,)),)
        inner = Behind(identity, Relation.NAMED_IN, Confidence.NAMED, evidence, 1, 2, 1, 1, text, text)
        behind[finding.principal.arn] = (replace(inner, behind=(inner,)),)
        events = (LostCalls(text, 1),)
        counts = (1, 1, 1, events, (identity,), text, text, Confidence.PROVED)
        lost.append(Lost(identity, identity, (finding.place,), *counts, complete=False))
    return Identities(behind=behind, lost=tuple(lost))


def _json(text):
    return (
        '"'
        + "".join(each if each.isprintable() and each not in '"\\' else f"\\u{ord(each):04x}" for each in text)
        + '"'
    )
