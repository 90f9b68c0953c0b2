"""Decide each shape once: a memo keyed by exactly those parts of a record that the decision read.

The judge runs on a *watched* record that notes each read. The notes make a path in a tree: at each node a run of reads
is made, their answers name the branch. A later record that follows the same path answers every read as the first one
did, so the judge would have done the same: it gets the same result. Nothing is assumed about which parts matter, so a
rule that begins to read another one needs no change here.

Where a judge provably tells apart no more than classes of answers, `classes` say so: the answers' classes then name
the branch.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar

from simulator.cloudtrail.record import Record
from simulator.replay.watched import NESTED, Getter, Note, View, getter, plain_path, watch

MAX_SHAPES: Final = 100_000
"""Results to remember; beyond them the memo starts anew, so that hostile logs cannot fill memory."""

_Result = TypeVar("_Result")
Classes = Mapping[Note, Getter]


class _Leaf(Generic[_Result]):
    """The end of a path."""

    __slots__ = ("result",)

    def __init__(self, result: _Result) -> None:
        self.result = result


class _Run(Generic[_Result]):
    """Reads that all records on this path make one after the other; `branches` by the key of their answers."""

    __slots__ = ("_alone", "_places", "branches", "key", "notes")

    def __init__(self, notes: Sequence[Note], getters: "_Getters") -> None:
        self.notes = tuple(notes)
        self.branches: dict[Any, _Run[_Result] | _Leaf[_Result]] = {}
        # Texts are read by one call. That a structure is there needs no read where one of its fields is read here.
        fields = [note for note in notes if isinstance(note, str)]
        plain: list[str] = []
        special: list[Getter] = []
        self._places: list[tuple[bool, int] | None] = []
        for note in notes:
            path = getters.plain_path(note)
            if path is not None:
                self._places.append((True, len(plain)))
                plain.append(path)
            elif (
                isinstance(note, str)
                and note.rpartition(".")[2] in NESTED
                and any(each.startswith(f"{note}.") for each in fields)
            ):
                self._places.append(None)
            else:
                self._places.append((False, len(special)))
                special.append(getters(note))
        self._alone = len(plain) < 2
        self.key = _key(plain, special)

    def answers(self, key: Any) -> list[Any]:
        """The answers to all notes that a key stands for."""
        texts, others = key
        if self._alone:
            texts = (texts,)
        return [False if place is None else (texts if place[0] else others)[place[1]] for place in self._places]

    def key_of(self, answers: Sequence[Any]) -> Any:
        """The key of the answers to all notes."""
        texts = tuple(answer for answer, place in zip(answers, self._places, strict=True) if place and place[0])
        others = tuple(answer for answer, place in zip(answers, self._places, strict=True) if place and not place[0])
        if self._alone:
            return (texts[0] if texts else None), others
        return texts, others


def _key(plain: Sequence[str], special: Sequence[Getter]) -> Callable[[View], Any]:
    texts: Callable[[Record], Any] = attrgetter(*plain) if plain else lambda _record: None
    getters = tuple(special)
    if not getters:
        return lambda view: (texts(view.record), ())
    if len(getters) == 1:
        only = getters[0]
        return lambda view: (texts(view.record), (only(view),))
    return lambda view: (texts(view.record), tuple([get(view) for get in getters]))


class _Getters:
    """Getters by note, each made once."""

    def __init__(self, classes: Classes) -> None:
        self._made: dict[Note, Getter] = dict(classes)
        self._plain: dict[Note, str | None] = dict.fromkeys(classes)

    def __call__(self, note: Note) -> Getter:
        if note not in self._made:
            self._made[note] = getter(note)
        return self._made[note]

    def plain_path(self, note: Note) -> str | None:
        """The field to read where the answer is its text."""
        if note not in self._plain:
            self._plain[note] = plain_path(note)
        return self._plain[note]


class ShapeMemo(Generic[_Result]):
    """Remembers the results of a pure function of records, for as long as what else it depends on stays the same."""

    def __init__(self, judge: Callable[[Record], _Result], classes: Classes | None = None) -> None:
        self._judge = judge
        self._getters = _Getters(classes or {})
        self._root: _Run[_Result] | _Leaf[_Result] | None = None
        self._size = 0

    def __call__(self, record: Record) -> _Result:
        """The judge's result for `record`."""
        view = View(record)
        node = self._root
        try:
            while isinstance(node, _Run):
                node = node.branches.get(node.key(view))
        except AttributeError:
            # A structure is missing that all earlier records on this path had.
            node = None
        return self._learn(view) if node is None else node.result

    def _learn(self, view: View) -> _Result:
        noted: dict[Note, None] = {}
        result = self._judge(watch(view.record, noted))
        if self._size >= MAX_SHAPES:
            self._root, self._size = None, 0
        notes = list(noted)
        answers = [self._getters(note)(view) for note in notes]
        self._root = self._grown(self._root, notes, answers, result)
        return result

    def _grown(
        self, node: _Run[_Result] | _Leaf[_Result] | None, notes: list[Note], answers: list[Any], result: _Result
    ) -> _Run[_Result] | _Leaf[_Result]:
        """The tree below `node` with one more path."""
        if node is None:
            self._size += 1
            if not notes:
                return _Leaf(result)
            node = _Run(notes, self._getters)
            node.branches[node.key_of(answers)] = _Leaf(result)
            return node
        if isinstance(node, _Leaf):
            # A cache inside the judge let it skip a read once. The results stand; only one of them is remembered.
            return node
        common = 0
        for ours, theirs in zip(node.notes, notes, strict=False):
            if ours != theirs:
                break
            common += 1
        if common == 0:
            return node
        if common < len(node.notes):
            node = self._split(node, common)
        key = node.key_of(answers[:common])
        node.branches[key] = self._grown(node.branches.get(key), notes[common:], answers[common:], result)
        return node

    def _split(self, run: _Run[_Result], at: int) -> _Run[_Result]:
        """The run cut in two: what reads follow depends on the answers to the first ones."""
        upper: _Run[_Result] = _Run(run.notes[:at], self._getters)
        for key, below in run.branches.items():
            answers = run.answers(key)
            first = upper.key_of(answers[:at])
            lower = upper.branches.get(first)
            if lower is None:
                lower = upper.branches[first] = _Run(run.notes[at:], self._getters)
            if isinstance(lower, _Run):
                lower.branches[lower.key_of(answers[at:])] = below
        return upper
