"""Names of actions as policies and people write them: what a pattern takes in, and what was meant by an unknown one.

Source: AWS IAM User Guide, reference_policies_elements_action: `*` and `?` anywhere, letter case does not count.
"""

import difflib
from collections.abc import Iterable

from simulator.iam.catalog import Catalog
from simulator.iam.pattern import Matcher, any_matcher, glob_pieces, matcher


def matcher_of_words(words: Iterable[str], *, negated: bool = False) -> Matcher:
    """A predicate for `service:Action` *in lower case*: whether Action (or NotAction) with these words takes it in.

    >>> matcher_of_words(["s3:Put*"])("s3:putobject")
    True
    """
    matches = any_matcher([glob_pieces(word.lower()) for word in words])
    return (lambda action: not matches(action)) if negated else matches


def is_known_action(pattern: str, catalog: Catalog) -> bool:
    """Whether the pattern takes in at least one action of the catalog; its service may have wildcards, too."""
    if pattern == "*":
        return True
    service, _, name = pattern.lower().partition(":")
    of_service, of_name = matcher(glob_pieces(service)), matcher(glob_pieces(name))
    services = sorted(catalog.services) if "*" in service or "?" in service else [service]
    return any(of_name(each) for prefix in services if of_service(prefix) for each in catalog.actions(prefix))


def similar_service(service: str, catalog: Catalog) -> str | None:
    """The service prefix that looks most like this one."""
    return next(iter(difflib.get_close_matches(service.lower(), sorted(catalog.services), 1)), None)


def similar_action(service: str, name: str, catalog: Catalog) -> str | None:
    """The action of the service, as `service:Action`, whose name looks most like this one; wildcards at its ends
    do not count.
    """
    actions = catalog.actions(service)
    close = difflib.get_close_matches(name.lower().strip("*?"), list(actions), 1, cutoff=0.7)
    return actions[close[0]].name if close else None
