"""Upper bounds for the work of the validator library, which has no budget of its own.

The library compiles a schema by writing out its references, and tries every applicable subschema at every place of a
payload. So both kinds of work can be exponential in the size of what a client sends. The bounds here are computed from
the schema once. They are never too low; where the way to an exact one is long, the answer is `ENDLESS`. What they
admit is done on the spot, everything else in a sandbox.

All costs are nanoseconds on one core of 2.5 GHz, with a margin.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from llm_schema_registry.formats.json_schema.pattern_cost import MICROSECOND, MILLISECOND
from llm_schema_registry.formats.json_schema.references import References, Resource, Target
from llm_schema_registry.formats.json_schema.subschema_cost import (
    INLINE_COMPILING,
    NODE,
    NODE_BYTES,
    READERS,
    Subschema,
    SubschemaCost,
    TooMuchError,
    add_pattern,
)

ENDLESS = math.inf
INLINE_CHECK = 20 * MILLISECOND
"""The longest check of one payload that is done on the spot."""

# Compiling: a node below a schema with `unevaluated…`, and a JSON value that is not a schema.
_TRACKED_NODE = 10 * MICROSECOND
_VALUE = 5 * MICROSECOND
# Checking: a place of the payload, a byte of it, a keyword, an error that is reported.
_PLACE = 400.0
_BYTE = 10.0
_KEYWORD = 100.0
_ERROR = 25 * MICROSECOND
_ERROR_BYTE = 60.0

_MAX_WORK = 6_000
_MAX_DEPTH = 64
_MAX_MULTIPLICITY = 100
_BYTES_OF_A_PLACE = 2
# Values are separated by commas or enclosed in brackets, and each value of an object has a key.
_PLACES = 2
_EXPENSIVE = ('Ref"', '"$ref"', '"unevaluated', '"pattern')
_IDENTIFIERS = ('"$id":"', '"id":"')
_IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
_IN_PLACE = ("not", "if", "then", "else")
_DYNAMIC = ("$dynamicRef", "$recursiveRef")
_UNEVALUATED = ("unevaluatedProperties", "unevaluatedItems")


class Compilation(NamedTuple):
    """What compiling a schema costs.

    Attributes:
        nanoseconds: `ENDLESS` beyond `INLINE_COMPILING`.
        size: bytes of the compiled form.
    """

    nanoseconds: float
    size: int


@dataclass(frozen=True, slots=True)
class CheckCost:
    """What checking payloads against a schema costs.

    Attributes:
        fixed: nanoseconds of a check that do not depend on the payload.
        place: nanoseconds for each place of a payload: each value and each key.
        byte: nanoseconds for each byte of its JSON text.
        errors: how many errors the part of the schema can report that applies once.
        place_errors: how many errors each place can bring.
        levels: how many levels errors of one place repeat the values above it; `ENDLESS` for a recursive schema.
        max_depth: the nesting of payloads that all this holds for.
        inline_bytes: a payload of this many bytes or fewer is checked within `INLINE_CHECK`, whatever it holds.
    """

    fixed: float = ENDLESS
    place: float = ENDLESS
    byte: float = ENDLESS
    errors: float = ENDLESS
    place_errors: float = ENDLESS
    levels: float = ENDLESS
    max_depth: float = 0
    inline_bytes: float = 0

    def checking(self, text: bytes) -> float:
        """Nanoseconds to find out whether a payload with this JSON text is valid."""
        opened = text.count(b"[") + text.count(b"{")
        if opened > self.max_depth:
            return ENDLESS
        return self.fixed + self.place * _PLACES * (1 + text.count(b",") + opened) + self.byte * len(text)

    def explaining(self, text: bytes) -> float:
        """Nanoseconds to find out what is wrong with it: each error copies the value that it is about."""
        places, length = 1 + text.count(b",") + text.count(b"[") + text.count(b"{"), len(text)
        levels = min(self.levels, places)
        return (
            self.checking(text) * (2 + levels)
            + self.errors * (_ERROR + _ERROR_BYTE * length)
            + self.place_errors * (places * _PLACES * _ERROR + _ERROR_BYTE * length * levels)
        )


UNBOUNDED = CheckCost(0, 0, 0, 0, 0, 0, ENDLESS, ENDLESS)
"""For a process that is bounded from outside: everything is done there."""


def compilation(references: References, texts: Sequence[str]) -> Compilation:
    """What compiling costs.

    Args:
        references: of the schema; all of them are known.
        texts: the JSON texts of the schema and of its dependencies.
    """
    values = sum(text.count(",") + text.count("{") for text in texts)
    nanoseconds, size = values * _VALUE + sum(map(len, texts)) / 4, values * 100
    if len(texts) == 1 and not any(token in texts[0] for token in _EXPENSIVE):
        # Nothing is written out more than once: each subschema is an object of the text.
        nodes = texts[0].count("{")
        nanoseconds, size = nanoseconds + nodes * NODE, size + nodes * NODE_BYTES
    else:
        try:
            nanoseconds, size = _Analysis(references).expand(nanoseconds, size)
        except TooMuchError:
            return Compilation(ENDLESS, 0)
    # Each part with an identifier of its own is compiled by itself, too.
    parts = 1 + sum(text.count(token) for text in texts for token in _IDENTIFIERS) - bool(references.root.uri)
    nanoseconds, size = nanoseconds * max(parts, 1), size * max(parts, 1)
    return Compilation(nanoseconds if nanoseconds <= INLINE_COMPILING else ENDLESS, size)


def check_cost(references: References) -> CheckCost:
    """What checking payloads costs against a schema that may be compiled on the spot."""
    try:
        return _Analysis(references).check()
    except TooMuchError:
        return CheckCost()


@dataclass(slots=True)
class _Closure:
    """A subschema together with all that it applies in place, as often as it does."""

    once: float = 0.0
    applied: float = 0.0
    child: float = 0.0
    byte: float = 0.0
    errors: int = 0
    nodes: list[SubschemaCost] = field(default_factory=list)

    def groups(self) -> Iterator[list[Subschema]]:
        """What may apply together to one place below."""
        names = {name for node in self.nodes for name in node.named}
        yield [target for node in self.nodes for target in (*node.additional, *node.others)]
        yield [target for node in self.nodes for target in node.items]
        yield [target for node in self.nodes for target in node.keys]
        for name in names:
            group = []
            for node in self.nodes:
                if name in node.named:
                    group.append(node.named[name])
                else:
                    group.extend(node.additional if isinstance(name, str) else ())
                group.extend(node.others if isinstance(name, str) else node.items)
            yield group


class _Analysis:
    """Computes the bounds of one schema; gives up beyond `_MAX_WORK` steps."""

    def __init__(self, references: References) -> None:
        self._references = references
        self._root: Subschema = (references.root.raw, references.root)
        self._nodes: dict[int, SubschemaCost] = {}
        self._closures: dict[int, _Closure] = {}
        self._work = 0

    def expand(self, nanoseconds: float, size: int) -> tuple[float, int]:
        """Adds what compiling costs with references written out."""
        way: set[int] = set()
        # Each entry: a subschema, under how many `unevaluated…` it is tracked, and whether its turn is over.
        pending: list[tuple[Subschema, int, bool]] = [(self._root, 0, False)]
        while pending:
            target, tracked, done = pending.pop()
            key = id(target[0])
            if done:
                way.discard(key)
                continue
            if not isinstance(target[0], dict) or key in way:
                continue
            node = self._node(target)
            nanoseconds += node.compiling + tracked * _TRACKED_NODE
            size += node.size * (1 + tracked)
            if nanoseconds > INLINE_COMPILING:
                raise TooMuchError
            way.add(key)
            pending.append((target, 0, True))
            deeper = tracked + node.tracks
            pending.extend((child, deeper, False) for child in node.in_place)
            pending.extend((child, 0, False) for child in node.targets())
        return nanoseconds, size

    def check(self) -> CheckCost:
        """What checking costs."""
        once, errors, levels, anywhere, is_recursive = self._named()
        reachable = self._reachable(anywhere)
        wild = [self._closure(target) for target in reachable]
        everywhere = [*wild, *map(self._closure, self._reachable([self._root]))]
        multiplicity, max_depth = self._multiplicity()
        place = _PLACE + multiplicity * (
            max((each.applied for each in wild), default=0.0) + max((each.child for each in everywhere), default=0.0)
        )
        byte = _BYTE + multiplicity * max((each.byte for each in everywhere), default=0.0)
        place_errors = multiplicity * max((each.errors for each in wild), default=0)
        worst = place * _PLACES / _BYTES_OF_A_PLACE + byte
        bound = max(0.0, (INLINE_CHECK - once - place * _PLACES) / worst)
        return CheckCost(
            fixed=once,
            place=place,
            byte=byte,
            errors=errors,
            place_errors=place_errors,
            levels=ENDLESS if is_recursive else float(levels),
            max_depth=max_depth,
            # A payload of two bytes for each level is the shortest that reaches a depth.
            inline_bytes=min(bound, _BYTES_OF_A_PLACE * max_depth),
        )

    def _named(self) -> tuple[float, int, int, list[Subschema], bool]:
        """The part of the schema that applies to one place at most, because every step to it has a name.

        Returns:
            Its cost, its errors, the length of the longest way, where the rest begins, and whether anything recurs.
        """
        once, errors, longest = 0.0, 0, 0
        anywhere: list[Subschema] = []
        way: set[int] = set()
        is_recursive = False
        pending: list[tuple[Subschema, int, bool]] = [(self._root, 0, False)]
        while pending:
            target, depth, done = pending.pop()
            key = id(target[0])
            if done:
                way.discard(key)
                continue
            if not isinstance(target[0], dict):
                continue
            if key in way:
                anywhere.append(target)
                is_recursive = True
                continue
            self._spend()
            closure = self._closure(target)
            once += closure.once
            errors += closure.errors
            longest = max(longest, depth)
            way.add(key)
            pending.append((target, depth, True))
            for node in closure.nodes:
                pending.extend((child, depth + 1, False) for child in node.named.values())
                anywhere += (*node.additional, *node.others, *node.items, *node.keys)
        return once, errors, longest + self._height(anywhere), anywhere, is_recursive or self._recurs(anywhere)

    def _reachable(self, targets: Iterable[Subschema]) -> list[Subschema]:
        found: dict[int, Subschema] = {}
        pending = list(targets)
        while pending:
            target = pending.pop()
            if isinstance(target[0], dict) and id(target[0]) not in found:
                found[id(target[0])] = target
                self._spend()
                for node in self._closure(target).nodes:
                    pending.extend(node.targets())
        return list(found.values())

    def _height(self, targets: list[Subschema]) -> int:
        """At most how many levels there are from some subschemas down, if none recurs."""
        return len(self._reachable(targets))

    def _recurs(self, targets: list[Subschema]) -> bool:
        """Whether a subschema below some others applies to places below itself."""
        state: dict[int, bool] = {}
        pending = [(target, False) for target in targets]
        while pending:
            target, done = pending.pop()
            key = id(target[0])
            if done:
                state[key] = True
            elif isinstance(target[0], dict):
                if key in state:
                    if not state[key]:
                        return True
                    continue
                state[key] = False
                self._spend()
                pending.append((target, True))
                for node in self._closure(target).nodes:
                    pending.extend((child, False) for child in node.targets() if not state.get(id(child[0]), False))
        return False

    def _multiplicity(self) -> tuple[float, float]:
        """How many times the subschemas of one place apply to it at most.

        Returns:
            The number, and the depth of payloads that it holds for.
        """
        reachable = self._reachable([self._root])
        groups: dict[int, list[list[int]]] = {}
        widest = 1
        for target in reachable:
            found = []
            for group in self._closure(target).groups():
                self._spend(1 + len(group))
                ids = [id(child[0]) for child in group if isinstance(child[0], dict)]
                if ids:
                    found.append(ids)
                    widest = max(widest, len(ids))
            groups[id(target[0])] = found
        if widest == 1:
            return 1.0, ENDLESS
        most = 1.0
        numbers = dict.fromkeys(groups, 1.0)
        for depth in range(1, _MAX_DEPTH):
            self._spend(sum(len(ids) for found in groups.values() for ids in found))
            new = {
                key: max((sum(numbers[each] for each in ids) for ids in found), default=0.0)
                for key, found in groups.items()
            }
            if new[id(self._root[0])] > _MAX_MULTIPLICITY:
                return most, depth - 1
            most = max(most, new[id(self._root[0])])
            if new == numbers or not any(new.values()):
                return max(most, *new.values()), ENDLESS
            numbers = new
        return most, _MAX_DEPTH

    def _closure(self, target: Subschema) -> _Closure:
        """See `_Closure`; circles in place are refused before."""
        found = self._closures.get(id(target[0]))
        if found is not None:
            return found
        closure = _Closure()
        pending = [target]
        while pending:
            here = pending.pop()
            if not isinstance(here[0], dict):
                continue
            self._spend()
            node = self._node(here)
            closure.nodes.append(node)
            closure.once += node.once
            closure.applied += node.applied
            closure.child += node.child
            closure.byte += node.byte
            closure.errors += node.errors
            # What is unevaluated is found out by trying all that applies once more.
            pending.extend(node.in_place * (2 if node.tracks else 1))
        self._closures[id(target[0])] = closure
        return closure

    def _node(self, target: Subschema) -> SubschemaCost:
        raw, resource = target
        node = self._nodes.get(id(raw))
        if node is None:
            resource = self._references.embedded(raw, resource)
            node = self._nodes[id(raw)] = SubschemaCost()
            if "$ref" in raw and resource.dialect.ref_hides_siblings:
                node.in_place.append(self._resolved(raw["$ref"], resource))
            else:
                self._read(node, raw, resource)
        return node

    def _read(self, node: SubschemaCost, raw: dict[str, Any], resource: Resource) -> None:
        if any(keyword in raw for keyword in _DYNAMIC):
            raise TooMuchError
        if isinstance(raw.get("$ref"), str):
            node.in_place.append(self._resolved(raw["$ref"], resource))
        keywords = _KEYWORD * len(raw)
        node.once += keywords
        node.applied += keywords
        node.tracks = any(keyword in raw for keyword in _UNEVALUATED)
        for keyword, value in raw.items():
            reader = READERS.get(keyword)
            if reader is not None:
                reader(node, value)
            elif keyword in _IN_PLACE_LISTS and isinstance(value, list):
                node.in_place += ((child, resource) for child in value)
            elif keyword in _IN_PLACE:
                node.in_place.append((value, resource))
            elif keyword in ("dependentSchemas", "dependencies") and isinstance(value, dict):
                node.in_place += ((child, resource) for child in value.values() if not isinstance(child, list))
                node.once += 500 * len(value)
                node.applied += 500 * len(value)
            elif keyword == "properties" and isinstance(value, dict):
                node.named |= {name: (child, resource) for name, child in value.items()}
            elif keyword == "patternProperties" and isinstance(value, dict):
                node.others += ((child, resource) for child in value.values())
                for pattern in value:
                    node.child += add_pattern(node, pattern)
            elif keyword == "additionalProperties":
                node.additional.append((value, resource))
            elif keyword == "unevaluatedProperties":
                node.others.append((value, resource))
                node.child += 500
            elif keyword == "propertyNames":
                node.keys.append((value, resource))
            elif keyword in ("items", "prefixItems") and isinstance(value, list):
                node.named |= {index: (child, resource) for index, child in enumerate(value)}
            elif keyword in ("items", "additionalItems", "unevaluatedItems", "contains"):
                node.items.append((value, resource))
                node.child += 500
        self._spend(len(raw))

    def _resolved(self, reference: Any, resource: Resource) -> Subschema:
        found = self._references.find(str(reference), resource)
        if not isinstance(found, Target):
            raise TooMuchError
        return found.raw, found.resource

    def _spend(self, steps: int = 1) -> None:
        self._work += steps
        if self._work > _MAX_WORK:
            raise TooMuchError
