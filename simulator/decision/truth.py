"""Three-valued (Kleene) logic: `True`, `False`, and `None` for "the log cannot know".

Plain Python values keep the hot path fast; the names here keep it readable.
"""

from collections.abc import Iterable

Truth = bool | None


def negate(value: Truth) -> Truth:
    """Kleene NOT."""
    return None if value is None else not value


def any_of(values: Iterable[Truth]) -> Truth:
    """Kleene OR; `False` for nothing."""
    result: Truth = False
    for value in values:
        if value:
            return True
        if value is None:
            result = None
    return result


def all_of(values: Iterable[Truth]) -> Truth:
    """Kleene AND; `True` for nothing."""
    result: Truth = True
    for value in values:
        if value is None:
            result = None
        elif not value:
            return False
    return result
