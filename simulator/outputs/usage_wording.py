"""The sentences of a usage report, shared by the formats that people read. Texts from logs come out safe."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from simulator.analysis.findings import Counted
from simulator.analysis.identities.model import Confidence, Identity
from simulator.analysis.usage import UsageReport, UsageRow
from simulator.outputs.safe_text import safe_text
from simulator.outputs.wording import name, plural, shorten, window

_LISTED: Final = 3
_PATTERNS: Final = 6
_RESOURCE: Final = 100
_DOUBTS: Final = {Confidence.POSSIBLE: "possibly", Confidence.NAMED: "only by the name of the session"}
"""What readers must know of a link that is not sure."""


def headline(report: UsageReport) -> tuple[str, ...]:
    """What was found, a few sentences, the main one first. It never says that nobody needs an action."""
    usage = report.usage
    if not usage.read:
        return ("No CloudTrail record was read, so nothing can be said about who uses these actions.",)
    if not usage.mapped:
        read = plural(usage.read, "record")
        return (f"None of the {read} read could be mapped to actions, so nothing can be said about who uses these.",)
    days = window(usage.first_time, usage.last_time)
    looked_at = f"{plural(usage.mapped, 'call')} looked at" + (f", of {days}" if days else "")
    if usage.unmapped:
        looked_at += f"; {plural(usage.unmapped, 'record')} could not be mapped to actions"
    if not usage.calls:
        return (f"No call in this log needs {asked(report)}.", f"{looked_at}.")
    sentences = [
        f"{plural(len(report.principals), 'identity uses', 'identities use')} {asked(report)} "
        f"in {plural(usage.calls, 'call')}."
    ]
    unreached = {row.principal for row in report.rows} - {row.principal for row in report.rows if not row.scp_exempt}
    if unreached:
        sentences.append(f"{plural(len(unreached), 'identity is', 'identities are')} beyond the reach of any SCP.")
    return (*sentences, f"{looked_at}.")


def asked(report: UsageReport) -> str:
    """What was asked for: the patterns, or whose statements' actions."""
    files = list(dict.fromkeys(name(each.file) for each in report.restrictions if each.file is not None))
    patterns = [f"`{name(each.name)}`" for each in report.restrictions if each.file is None]
    policies = f"an action that {_listed(files, _LISTED)} restricts" if len(files) == 1 else ""
    if len(files) > 1:
        policies = f"an action that one of {_listed(files, _LISTED)} restricts"
    return " or ".join(filter(None, (_listed(patterns, _PATTERNS), policies)))


def details(row: UsageRow) -> list[str]:
    """What else is known of a use: regions, networks, resources, and what the numbers leave open."""
    told = [
        ("in", _listed([name(each) for each in row.regions], _LISTED)),
        ("from", _most(row.networks, "networks" in row.truncated)),
        ("on", _most(row.resources, "resources" in row.truncated)),
    ]
    return [f"{label} {text}" for label, text in told if text] + doubts(row)


def doubts(row: UsageRow) -> list[str]:
    """What the numbers of a use leave open, and why it may not matter."""
    found = []
    if row.possible_calls:
        found.append(f"of {plural(row.possible_calls, 'call')} the log does not tell whether AWS checked this action")
    if row.scp_exempt:
        found.append(f"no SCP reaches it: {row.scp_exempt.replace('-', ' ')}")
    return found


def actors(row: UsageRow) -> list[tuple[str, str]]:
    """Everybody behind a use, with what it is, how sure that is, and its calls."""
    return [
        (
            _actor(each.identity, each.confidence),
            f"{each.confidence.value}, {plural(each.calls, 'call')}" if each.calls else each.confidence.value,
        )
        for each in row.behind
    ]


def behind(rows: Iterable[UsageRow]) -> str:
    """Who acted in the end, most calls first, each with what it is and how sure that is; empty if nothing is known."""
    calls: Counter[tuple[Identity, Confidence]] = Counter()
    for row in rows:
        for each in row.behind:
            calls[each.identity, each.confidence] += each.calls
    ranked = sorted(calls.items(), key=lambda each: (-each[1], each[0][1].weakness, each[0][0]))
    known = [who for who, count in ranked if count]
    # Where sessions tell who it was, everybody who might have been adds nothing.
    shown = known or [who for who, _ in ranked]
    return _listed([_actor(*who) for who in shown], _LISTED)


def _actor(identity: Identity, confidence: Confidence) -> str:
    what = name(identity.detail or identity.kind.replace("_", " "))
    told = ", ".join(filter(None, (what, _DOUBTS.get(confidence, ""))))
    return f"{name(identity.label)} ({told})"


def denied(row: UsageRow) -> str:
    """How many of the calls failed authorization; empty for none."""
    if not row.denied_calls:
        return ""
    return "all denied" if row.denied_calls == row.calls else f"{row.denied_calls:,} denied"


def _most(rows: Iterable[Counted], cut: bool) -> str:
    """The commonest texts."""
    ranked = sorted(rows, key=lambda each: (-each.calls, each.text))
    texts = [shorten(safe_text(each.text), _RESOURCE) for each in ranked]
    return _listed(texts, _LISTED, cut=cut)


def _listed(texts: Sequence[str], most: int, *, cut: bool = False) -> str:
    """Safe texts, the first ones; `cut`: there were others that are not even kept."""
    rest = len(texts) - most
    more = f" and {'at least ' if cut else ''}{rest:,} more" if rest > 0 else ""
    return ", ".join(islice(texts, most)) + more


def statements(rows: Iterable[UsageRow]) -> str:
    """The statements or patterns that some rows fall under."""
    return ", ".join(name(each) for each in dict.fromkeys(text for row in rows for text in row.restricted_by))
