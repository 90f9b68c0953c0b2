"""Decide each shape once: a memo keyed by exactly those parts of a record that the decision read.

The judge runs on a *watched* record that notes each read. The notes make a path in a tree: at each node a run of reads
is made, their answers name the branch. A later record that follows the same path answers every read as the first one
did, so the judge would have done the same: it gets the same result. Nothing is assumed about which parts matter, so a
rule that begins to read another one needs no change here.

Where a judge provably tells apart no more than classes of answers, `classes` say so: the answers' classes then name
the branch. A `Facet` is such a class that is made of several reads.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar

from simulator.cloudtrail.record import Record
from simulator.replay.watched import NESTED, Getter, Note, View, getter, plain_path, watch

MAX_SHAPES: Final = 50_000
"""Results to remember; beyond them the memo starts anew, so that hostile logs cannot fill memory."""

_Result = TypeVar("_Result")
Classes = Mapping[Note, Getter]


class Leaf(Generic[_Result]):
    """The end of a path: what the judge gave, and all that it read on the way."""

    __slots__ = ("notes", "result")

    def __init__(self, result: _Result, notes: "tuple[Note, ...]") -> None:
        self.result = result
        self.notes = notes


class _Run(Generic[_Result]):
    """Reads that all records on this path make one after the other; `branches` by the key of their answers."""

    __slots__ = ("_alone", "_places", "branches", "key", "notes", "whole")

    def __init__(self, notes: Sequence[Note], getters: "_Getters") -> None:
        self.notes = tuple(notes)
        # Of a run at the end of a path: all notes of the path, where all leaves below it were found by the same ones.
        self.whole: tuple[Note, ...] | None = None
        self.branches: dict[Any, _Run[_Result] | Leaf[_Result]] = {}
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
        self._root: _Run[_Result] | Leaf[_Result] | None = None
        self._size = 0
        self._paths: dict[tuple[Note, ...], tuple[Note, ...]] = {}

    def __call__(self, record: Record) -> _Result:
        """The judge's result for `record`."""
        return self.at(View(record))

    def at(self, view: View) -> _Result:
        """The judge's result for the record in view."""
        return self.leaf(view).result

    def leaf(self, view: View) -> Leaf[_Result]:
        """The end of the path of the record in view."""
        node = self._root
        try:
            while node.__class__ is _Run:
                node = node.branches.get(node.key(view))
        except AttributeError:
            # A structure is missing that all earlier records on this path had.
            node = None
        return self._learn(view) if node is None else node  # type: ignore[return-value]

    def traced(self, view: View) -> tuple[_Result, tuple[Note, ...]]:
        """The result for the record in view, and all that a record must agree on to get the same.

        Facets are resolved into what they read: answers to these notes are quick to get, and tell more records apart.
        Equal notes are one and the same tuple.
        """
        leaf = self.leaf(view)
        parts = [note.values.leaf(view).notes if isinstance(note, Facet) else (note,) for note in leaf.notes]
        return leaf.result, self._one(tuple(dict.fromkeys(chain.from_iterable(parts))))

    def _learn(self, view: View) -> Leaf[_Result]:
        noted: dict[Note, None] = {}
        result = self._judge(watch(view.record, noted))
        return self._remember(view, Leaf(result, self._one(tuple(noted))))

    def _remember(self, view: View, leaf: Leaf[_Result]) -> Leaf[_Result]:
        if self._size >= MAX_SHAPES:
            self._root, self._size = None, 0
        answers = [self._getters(note)(view) for note in leaf.notes]
        self._root = self._grown(self._root, list(leaf.notes), answers, leaf)
        return leaf

    def _one(self, notes: tuple[Note, ...]) -> tuple[Note, ...]:
        if len(self._paths) >= MAX_SHAPES:
            self._paths.clear()
        return self._paths.setdefault(notes, notes)

    def _grown(
        self, node: _Run[_Result] | Leaf[_Result] | None, notes: list[Note], answers: list[Any], leaf: Leaf[_Result]
    ) -> _Run[_Result] | Leaf[_Result]:
        """The tree below `node` with one more path."""
        if node is None:
            self._size += 1
            if not notes:
                return leaf
            node = _Run(notes, self._getters)
            node.whole = leaf.notes
            node.branches[node.key_of(answers)] = leaf
            return node
        if isinstance(node, Leaf):
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
        if node.whole is not leaf.notes:
            node.whole = None
        key = node.key_of(answers[:common])
        node.branches[key] = self._grown(node.branches.get(key), notes[common:], answers[common:], leaf)
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


class Facet(Generic[_Result]):
    """A pure function of records which another judge reads as one, and the sign of what it gives.

    The sign is equal for values that the other judge provably does not tell apart: what that judge makes of one of them
    it makes of all. Facets of the same function may share its `values`.
    """

    __slots__ = ("_signs", "_to_sign", "values")

    def __init__(self, values: ShapeMemo[_Result], sign: Callable[[_Result], Hashable]) -> None:
        self.values = values
        self._to_sign = sign
        # By identity: values of a memo are few, and some take long to hash. Held here, their numbers stay theirs.
        self._signs: dict[int, tuple[_Result, Hashable]] = {}

    def value(self, view: View) -> _Result:
        """The value for a record: exact, but for what the memo's classes hold to be the same."""
        return self.values.at(view)

    def sign(self, view: View) -> Hashable:
        """Equal for values that need not be told apart."""
        value = self.values.at(view)
        signed = self._signs.get(id(value))
        if signed is None:
            if len(self._signs) >= MAX_SHAPES:
                self._signs.clear()
            signed = self._signs[id(value)] = value, self._to_sign(value)
        return signed[1]


class FrontMemo(ShapeMemo[_Result]):
    """A memo in front of one that reads facets: it asks for nothing but what the record holds.

    It is faster where records repeat, and tells many more of them apart; the memo behind it is asked for the others.
    """

    def __init__(self, behind: ShapeMemo[_Result], classes: Classes) -> None:
        super().__init__(behind, classes)
        self._behind = behind

    def leaf(self, view: View) -> Leaf[_Result]:
        """As in any memo; a record that differs in its values alone is put beside the others at once."""
        node = self._root
        run: _Run[_Result] | None = None
        key: Any = None
        try:
            while node.__class__ is _Run:
                run = node
                key = node.key(view)
                node = node.branches.get(key)
        except AttributeError:
            run = node = None
        if node is not None:
            return node  # type: ignore[return-value]
        leaf = Leaf(*self._behind.traced(view))
        if run is None or run.whole is not leaf.notes or self._size >= MAX_SHAPES:
            return self._remember(view, leaf)
        self._size += 1
        run.branches[key] = leaf
        return leaf
