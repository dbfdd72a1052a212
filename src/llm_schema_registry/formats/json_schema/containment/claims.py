"""Claims of containment, proved by structural rules as a greatest fixed point.

A claim says that whatever is valid under all of some schemas (the premise) is valid under one schema (the conclusion).
Every claim counts as true until no rule and no prover supports it; then the claims that relied on it are examined
again. Claims rely on others about the same value only along `$ref`s and combinations, which end, and else on claims
about smaller values: what holds in the end is proved by induction on the size of the value.
"""

import functools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.formats.json_schema.containment.bundle import Bundle, Schema
from llm_schema_registry.formats.json_schema.containment.unevaluated import closing, is_static
from llm_schema_registry.formats.json_schema.model import comparable

Flat = dict[str, Any]
"""A schema without `$ref`, `allOf` and `unevaluated…`, as a part of a premise."""

ALL_TYPES = frozenset({"null", "boolean", "integer", "fraction", "string", "array", "object"})
"""The types of values; a number is an integer or a fraction."""

_NUMBERS = frozenset({"integer", "fraction"})
_DISJUNCTIONS = ("anyOf", "oneOf")
_DROPPED = frozenset({"$ref", "allOf", "unevaluatedProperties", "unevaluatedItems"})
_PYTHON_TYPES = {type(None): "null", bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}
# How many claims are examined one inside the other, and how many branches inside branches are looked at for types.
_MAX_NESTED = 30
_MAX_BRANCHES = 3
_MAX_PREMISE = 40
_PROVER_COST = 50

Rule = Callable[["Claims", "Premise", Any, Flat], bool]
"""Whether a premise implies one keyword: its value and the schema it stands in."""

Prover = Callable[[Sequence[Schema], Schema], bool]
"""Whether whatever is valid under all of some schemas is provably valid under another; may answer no at any time."""


def types_of(name: Any) -> frozenset[str]:
    """The types that a `type` keyword, or one of its names, admits."""
    if isinstance(name, list):
        return frozenset().union(*map(types_of, name))
    return _NUMBERS if name == "number" else frozenset({name})


def type_of(value: Any) -> frozenset[str]:
    """The types that a value may be taken for: one with a decimal point may count as an integer."""
    name = _PYTHON_TYPES.get(type(value))
    return _NUMBERS if name is None else frozenset({name})


def _number_name(types: frozenset[str]) -> str:
    """The name for `type` of the numbers among some types."""
    return "number" if "fraction" in types else "integer"


class Premise:
    """What is known about a value: it is valid under all of these schemas.

    Attributes:
        flats: the schemas.
        types: the types that the value may have.
        values: the values that it may have, by a comparable key; `None` if it is not one of a list.
    """

    __slots__ = ("flats", "types", "values")

    def __init__(self, flats: tuple[Flat, ...], types: frozenset[str]) -> None:
        self.flats = flats
        self.types = types
        self.values: dict[Any, Any] | None = None
        for flat in flats:
            for listed in (flat.get("enum"), [flat["const"]] if "const" in flat else None):
                if listed is not None:
                    found = {comparable(value): value for value in listed}
                    if self.values is not None:
                        found = {key: value for key, value in self.values.items() if key in found}
                    self.values = found

    def all(self, keyword: str) -> Iterator[Any]:
        """The values of a keyword in all schemas that have it."""
        return (flat[keyword] for flat in self.flats if keyword in flat)


class _Claim:
    __slots__ = ("by_prover", "conclusion", "dependents", "holds", "is_asked", "is_queued", "premise")

    def __init__(self, premise: tuple[Flat, ...], conclusion: Schema) -> None:
        self.premise = premise
        self.conclusion = conclusion
        self.holds = True
        self.is_queued = False
        self.is_asked = False
        self.by_prover = False
        self.dependents: set[_Claim] = set()


class Claims:
    """The claims about one bundle.

    Args:
        bundle: the schemas.
        rules: the rule of each keyword; a keyword without one is proved by the prover alone.
        budget: bounds the work.
        prover: for what the rules do not prove.
    """

    def __init__(
        self, bundle: Bundle, rules: "Mapping[str, Rule]", budget: Budget, prover: Prover | None = None
    ) -> None:
        self.bundle = bundle
        self.budget = budget
        self._rules = rules
        self._prover = prover
        self._claims: dict[tuple[frozenset[int], int], _Claim] = {}
        self._current: _Claim | None = None
        self._queue: deque[_Claim] = deque()
        self._depth = 0
        # Derived schemas, by what they are derived from: claims are told apart by identity.
        self._derived: dict[Any, Any] = {}

    def prove(self) -> bool:
        """Whether the reader's schema accepts whatever is valid under the writer's."""
        self.holds((self.bundle.writer,), self.bundle.reader)
        while self._queue:
            claim = self._queue.popleft()
            claim.is_queued = False
            if claim.holds:
                self._examine(claim)
        return self.holds((self.bundle.writer,), self.bundle.reader)

    def holds(self, premise: Iterable[Schema], conclusion: Schema) -> bool:
        """Whether a claim is not refuted yet; the claim that is examined relies on it."""
        if conclusion is True or conclusion == {}:
            return True
        schemas = tuple(premise)
        if any(each is conclusion for each in schemas):
            return True
        flats = self.derived(("flats", *map(id, schemas)), lambda: self.flats(schemas))
        if flats is None:
            return True
        conclusion_key = id(conclusion) if isinstance(conclusion, dict) else 0
        key = frozenset(map(id, flats)), conclusion_key
        claim = self._claims.get(key)
        if claim is None:
            self.budget.spend(1 + len(flats))
            claim = self._claims[key] = _Claim(flats, conclusion)
            if self._depth < _MAX_NESTED and len(flats) <= _MAX_PREMISE:
                self._examine(claim)
            elif len(flats) > _MAX_PREMISE:
                claim.holds = False
            else:
                self._enqueue(claim)
        if claim.holds and self._current is not None:
            claim.dependents.add(self._current)
        return claim.holds

    def derived(self, key: Any, make: Callable[[], Any]) -> Any:
        """A schema that is made of others, the same object each time; `key` holds their identities."""
        if key not in self._derived:
            self._derived[key] = make()
        return self._derived[key]

    def flats(self, schemas: Iterable[Schema]) -> tuple[Flat, ...] | None:
        """The parts of a premise, each once; `None` if nothing is valid."""
        found: dict[int, Flat] = {}
        pending = list(schemas)
        seen: set[int] = set()
        while pending:
            schema = pending.pop()
            if isinstance(schema, bool):
                if not schema:
                    return None
                continue
            if id(schema) in seen:
                continue
            seen.add(id(schema))
            self.budget.spend()
            if "$ref" in schema:
                pending.append(self.bundle.target(schema["$ref"]))
            pending.extend(schema.get("allOf", ()))
            for own in self._own(schema):
                if own:
                    found[id(own)] = own
        return tuple(found.values())

    def _own(self, schema: dict[str, Any]) -> list[Flat]:
        def make() -> list[Flat]:
            if schema.keys().isdisjoint(_DROPPED):
                return [schema]
            parts = [{key: value for key, value in schema.items() if key not in _DROPPED}]
            if "unevaluatedProperties" in schema and is_static(self.bundle, schema):
                parts.append(closing(self.bundle, schema))
            return parts

        found: list[Flat] = self.derived(("own", id(schema)), make)
        return found

    def types(self, flats: Iterable[Flat], depth: int = 0) -> frozenset[str]:
        """The types that a value may have that is valid under some schemas."""
        types = ALL_TYPES
        for flat in flats:
            if "type" in flat:
                types &= types_of(flat["type"])
            if "const" in flat:
                types &= type_of(flat["const"])
            if "enum" in flat:
                types &= frozenset().union(*map(type_of, flat["enum"]))
            for keyword in _DISJUNCTIONS if depth < _MAX_BRANCHES else ():
                if keyword in flat:
                    branches = (self.flats((branch,)) for branch in flat[keyword])
                    each = [
                        frozenset[str]() if branch is None else self.types(branch, depth + 1) for branch in branches
                    ]
                    types &= frozenset().union(*each)
        return types

    def premise(self, flats: tuple[Flat, ...]) -> Premise:
        """What is known of a value that is valid under some schemas."""
        return Premise(flats, self.types(flats))

    def _examine(self, claim: _Claim) -> None:
        outer, self._current = self._current, claim
        self._depth += 1
        holds = self._implies(claim.premise, claim.conclusion) or self._is_proved(claim)
        self._depth -= 1
        self._current = outer
        if not holds:
            claim.holds = False
            for dependent in claim.dependents:
                self._enqueue(dependent)

    def _enqueue(self, claim: _Claim) -> None:
        if not claim.is_queued and claim.holds:
            claim.is_queued = True
            self._queue.append(claim)

    def _is_proved(self, claim: _Claim) -> bool:
        if self._prover is not None and not claim.is_asked:
            self.budget.spend(_PROVER_COST)
            claim.is_asked = True
            claim.by_prover = self._prover(claim.premise, claim.conclusion)
        return claim.by_prover

    def _implies(self, flats: tuple[Flat, ...], conclusion: Schema) -> bool:
        premise = self.premise(flats)
        if not premise.types or premise.values == {}:
            return True
        if self._follows(premise, conclusion):
            return True
        # By cases: whatever branch the value is valid under.
        for flat in flats:
            for keyword in _DISJUNCTIONS:
                if keyword in flat:
                    rest = (*(each for each in flats if each is not flat), self.without(flat, keyword))
                    return all(self.holds((*rest, branch), conclusion) for branch in flat[keyword])
        names = sorted(
            (premise.types - _NUMBERS) | ({_number_name(premise.types)} if premise.types & _NUMBERS else set())
        )
        if len(names) == 1 or not isinstance(conclusion, dict) or conclusion.keys().isdisjoint(_DISJUNCTIONS):
            return False
        each_type = [self.derived(("type", name), functools.partial(dict, type=name)) for name in names]
        return all(self.holds((*flats, one), conclusion) for one in each_type)

    def without(self, flat: Flat, keyword: str) -> Flat:
        """A schema without one of its keywords."""
        make = lambda: {key: value for key, value in flat.items() if key != keyword}  # noqa: E731
        found: Flat = self.derived(("without", id(flat), keyword), make)
        return found

    def _follows(self, premise: Premise, conclusion: Schema) -> bool:
        rule: Rule | None
        if isinstance(conclusion, bool):
            rule = self._rules["false"]
            return rule(self, premise, conclusion, {})
        for keyword, value in conclusion.items():
            rule = self._rules.get(keyword)
            if rule is None or not rule(self, premise, value, conclusion):
                return False
        return True
