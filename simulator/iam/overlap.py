"""Whether two wildcard patterns have a text in common, such as a Resource and the ARN format of a resource type."""

import re
from typing import Final

_FREE_PART: Final = re.compile(r"\$\{[^{}]*\}|<[^<>]*>")


def free_parts_as_stars(text: str) -> str:
    """An ARN format of the Service Authorization Reference, or a Resource with variables, as a pattern.

    >>> free_parts_as_stars("arn:${Partition}:s3:::${BucketName}")
    'arn:*:s3:::*'
    """
    return _FREE_PART.sub("*", text)


def overlap(first: str, second: str) -> bool:
    """Whether some text matches both patterns (`*` any text, `?` one character); time is the product of lengths.

    >>> overlap("arn:aws:s3:::logs/*", "arn:*:s3:::*/*")
    True
    >>> overlap("arn:aws:s3:::logs", "arn:*:s3:::*/*")
    False
    """
    if _apart(first, second) or _apart(first[::-1], second[::-1]):
        return False
    # Bit n of `states`: the patterns can agree on a text when `second` is read up to n and `first` up to here.
    size = len(second)
    stars = sum(1 << index for index, character in enumerate(second) if character == "*")
    wild = stars | sum(1 << index for index, character in enumerate(second) if character == "?")
    literal: dict[str, int] = {}
    for index, character in enumerate(second):
        literal[character] = literal.get(character, 0) | 1 << index
    everything = (1 << (size + 1)) - 1

    def close(states: int) -> int:
        # A `*` of the second pattern may stand for nothing.
        while (wider := states | (states & stars) << 1) != states:
            states = wider
        return states

    states = close(1)
    for character in first:
        if character == "*":
            # May swallow any run of what `second` asks for: every later place is reachable.
            lowest = states & -states
            states = everything & ~(lowest - 1)
        else:
            step = everything >> 1 if character == "?" else literal.get(character, 0) | wild
            # A literal `*` of `second` that takes this character may go on: it loops.
            states = close((states & step) << 1 | states & stars)
        if not states:
            return False
    return bool(states >> size & 1)


def arn_overlap(pattern: str, arn_format: str) -> bool:
    """Whether a Resource pattern can match an ARN of a format of the Service Authorization Reference.

    The first five parts of an ARN hold no colon; a pattern with fewer parts ends in a `*` that runs over them.

    >>> arn_overlap("arn:aws:ec2:*:*:instance/*", "arn:${Partition}:ec2:${Region}::image/${ImageId}")
    False
    """
    one = free_parts_as_stars(pattern)
    other = free_parts_as_stars(arn_format)
    parts, wanted = one.split(":", 5), other.split(":", 5)
    if len(parts) < 6 or len(wanted) < 6:
        return overlap(one, other)
    return all(overlap(part, want) for part, want in zip(parts, wanted, strict=True))


def _apart(first: str, second: str) -> bool:
    """Whether the literal beginnings already differ."""
    for one, other in zip(first, second, strict=False):
        if one in "*?" or other in "*?":
            return False
        if one != other:
            return True
    return False
