"""Whether a reader's schema can read what a writer's schema wrote, and where not.

Avro specification, "Schema Resolution", as `SchemaCompatibility` of Apache Avro 1.12 decides it. Two questions are
kept apart: `_Decision` decides a pair of types, `_Walk` goes through an incompatible pair and says where. Beyond
Apache Avro: aliases that make the match of fields ambiguous are a difference (there they raise an error or lead
values into the wrong field), unless the two schemas are equal, since equal schemas are read without resolution; and
what was found compatible on an assumption that failed is decided again.
"""

from collections.abc import Iterator
from typing import NamedTuple

from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.core.findings import shortened
from llm_schema_registry.formats.avro import differences as kinds
from llm_schema_registry.formats.avro.model import (
    PRIMITIVE_NAMES,
    Array,
    AvroType,
    EnumType,
    Field,
    Fixed,
    Map,
    Named,
    Record,
    Union,
)
from llm_schema_registry.formats.avro.name_resolution import needs_no_resolution
from llm_schema_registry.formats.avro.names import field_label, type_label
from llm_schema_registry.formats.avro.schema import AvroSchema
from llm_schema_registry.formats.format import Difference, DifferenceType, InconsistentComparisonError

# What a reader's primitive type also reads, besides itself.
PROMOTIONS: dict[str, frozenset[str]] = {
    "long": frozenset({"int"}),
    "float": frozenset({"int", "long"}),
    "double": frozenset({"int", "long", "float"}),
    "bytes": frozenset({"string"}),
    "string": frozenset({"bytes"}),
}
_NO_PROMOTION: frozenset[str] = frozenset()

# Recursive types of different periods make chains of pairs that are much longer than either schema is deep.
_MAX_CHAIN = 200

# Each repetition of a pair repeats what was found below it, so their number can grow exponentially.
_MAX_REPEATS = 1000


def compare(reader: AvroSchema, writer: AvroSchema, *, budget: Budget | None = None) -> list[Difference]:
    """The differences that keep `reader` from reading what `writer` wrote, in the order of Apache Avro.

    Every difference is incompatible; an empty list means compatible. As in Apache Avro a pair of types that is met
    again repeats its differences with the places of the first meeting, which count from the branch where that was
    inside a union.

    Raises:
        BudgetExceededError: too many pairs of types, or too long a chain of them.
    """
    budget = budget or Budget(what="The compatibility check")
    found: list[Difference] = []
    try:
        if readable(reader, writer, budget):
            return found
        if _Walk(budget).collect(reader.root, writer.root, "", found):
            # All that is wrong hides behind a recursive type that was taken for compatible too early.
            _Walk(budget, retracting=True).collect(reader.root, writer.root, "", found)
        if not found:
            # Repetitions inside unions, which are not reported, have used up all that may be repeated.
            _Walk(budget, retracting=True, least=1).collect(reader.root, writer.root, "", found)
    except RecursionError:
        raise BudgetExceededError(budget.what) from None
    if not found:
        raise InconsistentComparisonError
    return found


def readable(reader: AvroSchema, writer: AvroSchema, budget: Budget) -> bool:
    """Whether `compare` finds nothing: the verdict alone, at a fraction of the price.

    Raises:
        BudgetExceededError: as `compare` does; also `RecursionError`, for types that are nested very deeply.
    """
    root, written = reader.root, writer.root
    return _Decision(budget).compatible(root, written) or needs_no_resolution(root, written, budget)


class _Chain:
    """Counts the pairs of types, in all and one inside the other."""

    __slots__ = ("_budget", "_depth")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._depth = 0

    def _enter(self) -> None:
        self._budget.spend()
        self._depth += 1
        if self._depth > _MAX_CHAIN:
            raise BudgetExceededError(self._budget.what)


class _Decision(_Chain):
    """Decides pairs of types."""

    __slots__ = ("_assumed", "_verdicts")

    def __init__(self, budget: Budget) -> None:
        super().__init__(budget)
        self._verdicts: dict[tuple[int, int], bool] = {}
        self._assumed: list[tuple[int, int]] = []

    def compatible(self, reader: AvroType, writer: AvroType) -> bool:
        """Whether values of `writer` can be read as `reader`.

        A pair that is met again while it is being decided counts as compatible: only a finite proof to the
        contrary makes it incompatible.
        """
        if reader.kind == writer.kind and reader.kind in PRIMITIVE_NAMES:
            return True
        pair = (id(reader), id(writer))
        known = self._verdicts.get(pair)
        if known is not None:
            return known
        self._enter()
        assumed = self._assumed
        start = len(assumed)
        assumed.append(pair)
        self._verdicts[pair] = True
        verdict = self._decide(reader, writer)
        if not verdict:
            # What was found compatible meanwhile may rest on the assumption that just failed.
            for dependent in assumed[start:]:
                del self._verdicts[dependent]
            del assumed[start:]
            self._verdicts[pair] = False
        self._depth -= 1
        return verdict

    def _decide(self, reader: AvroType, writer: AvroType) -> bool:
        if isinstance(writer, Union):
            return all(self.compatible(reader, branch) for branch in writer.branches)
        if isinstance(reader, Union):
            return any(self.compatible(branch, writer) for branch in reader.branches)
        if isinstance(reader, Record) and isinstance(writer, Record):
            return same_name(reader, writer) and self._decide_fields(reader, writer)
        if isinstance(reader, EnumType) and isinstance(writer, EnumType):
            return same_name(reader, writer) and not missing_symbols(reader, writer)
        if isinstance(reader, Fixed) and isinstance(writer, Fixed):
            return same_name(reader, writer) and reader.size == writer.size
        if isinstance(reader, Array) and isinstance(writer, Array):
            return self.compatible(reader.items, writer.items)
        if isinstance(reader, Map) and isinstance(writer, Map):
            return self.compatible(reader.values, writer.values)
        return writer.kind in PROMOTIONS.get(reader.kind, _NO_PROMOTION)

    def _decide_fields(self, reader: Record, writer: Record) -> bool:
        self._budget.spend(len(reader.fields))
        for member, sources, shared in matched_fields(reader, writer):
            if not sources:
                if not member.has_default:
                    return False
            elif shared or len(sources) > 1 or not self.compatible(member.type, sources[0].type):
                return False
        return True


class _Settled(NamedTuple):
    """What was found for a pair of types: the verdict, and where its differences stand in a list."""

    compatible: bool
    found: list[Difference]
    start: int
    end: int


_IN_PROGRESS = _Settled(True, [], 0, 0)


class _Walk(_Chain):
    """Goes through pairs of types in the order of Apache Avro.

    As there, a recursive type is not blamed for what is wrong with the type around it: a pair that is met again
    while it is being walked counts as compatible, and so do, unless `retracting`, the pairs that rest on that. A pair
    that is met again repeats `least` differences even past the limit.
    """

    __slots__ = ("_least", "_order", "_repeats", "_retracting", "_settled")

    def __init__(self, budget: Budget, *, retracting: bool = False, least: int = 0) -> None:
        super().__init__(budget)
        self._settled: dict[tuple[int, int], _Settled] = {}
        self._order: list[tuple[int, int]] = []
        self._repeats = _MAX_REPEATS
        self._least = least
        self._retracting = retracting

    def collect(self, reader: AvroType, writer: AvroType, path: str, found: list[Difference]) -> bool:
        """Adds to `found` why `writer` cannot be read as `reader`, whose place is `path`; says whether it can."""
        if reader.kind == writer.kind and reader.kind in PRIMITIVE_NAMES:
            return True
        pair = (id(reader), id(writer))
        settled = self._settled.get(pair)
        if settled is not None:
            return settled.compatible or self._repeat(settled, found)
        self._enter()
        self._settled[pair] = _IN_PROGRESS
        start, position = len(found), len(self._order)
        self._order.append(pair)
        verdict = self._collect_parts(reader, writer, path, found)
        if self._retracting and not verdict:
            for dependent in self._order[position:]:
                if self._settled[dependent].compatible:
                    del self._settled[dependent]
            del self._order[position:]
        self._settled[pair] = _Settled(verdict, found, start, len(found))
        self._depth -= 1
        return verdict

    def _repeat(self, settled: _Settled, found: list[Difference]) -> bool:
        again = settled.found[settled.start : min(settled.end, settled.start + max(self._repeats, self._least))]
        self._repeats -= len(again)
        found.extend(again)
        return False

    def _collect_apart(self, reader: AvroType, writer: AvroType) -> bool:
        """As `collect`, for the inside of a union, whose differences only count once the pair is met elsewhere."""
        return self.collect(reader, writer, "", [])

    def _collect_parts(self, reader: AvroType, writer: AvroType, path: str, found: list[Difference]) -> bool:
        if isinstance(writer, Union):
            verdict = True
            for index, branch in enumerate(writer.branches):
                place = f"{path}/{index}"
                if not isinstance(reader, Union):
                    verdict &= self.collect(reader, branch, place, found)
                elif not self._collect_apart(reader, branch):
                    verdict = self._add_missing_branch(reader, branch, place, found)
            return verdict
        if isinstance(reader, Union):
            readable = any(self._collect_apart(branch, writer) for branch in reader.branches)
            return readable or self._add_missing_branch(reader, writer, path, found)
        if isinstance(reader, Array) and isinstance(writer, Array):
            return self.collect(reader.items, writer.items, path + "/items", found)
        if isinstance(reader, Map) and isinstance(writer, Map):
            return self.collect(reader.values, writer.values, path + "/values", found)
        if isinstance(reader, Named) and isinstance(writer, Named) and reader.kind == writer.kind:
            return self._collect_named(reader, writer, path, found)
        if writer.kind in PROMOTIONS.get(reader.kind, _NO_PROMOTION):
            return True
        detail = f"reader type: {reader.kind.upper()} not compatible with writer type: {writer.kind.upper()}"
        return _add(found, kinds.TYPE_MISMATCH, path, detail, type_label(reader), type_label(writer))

    def _collect_named(self, reader: Named, writer: Named, path: str, found: list[Difference]) -> bool:
        verdict = True
        if not same_name(reader, writer):
            name = writer.full_name
            verdict = _add(found, kinds.NAME_MISMATCH, path + "/name", f"expected: {name}", reader.full_name, name)
        if isinstance(reader, Record) and isinstance(writer, Record):
            verdict &= self._collect_fields(reader, writer, path, found)
        elif isinstance(reader, EnumType) and isinstance(writer, EnumType):
            missing = missing_symbols(reader, writer)
            if missing:
                detail = f"[{', '.join(missing)}]"
                mine, theirs = ", ".join(reader.symbols), ", ".join(writer.symbols)
                verdict = _add(found, kinds.MISSING_ENUM_SYMBOLS, path + "/symbols", detail, mine, theirs)
        elif isinstance(reader, Fixed) and isinstance(writer, Fixed) and reader.size != writer.size:
            detail = f"expected: {writer.size}, found: {reader.size}"
            mine, theirs = str(reader.size), str(writer.size)
            verdict = _add(found, kinds.FIXED_SIZE_MISMATCH, path + "/size", detail, mine, theirs)
        return verdict

    def _collect_fields(self, reader: Record, writer: Record, path: str, found: list[Difference]) -> bool:
        verdict = True
        for index, (member, sources, shared) in enumerate(matched_fields(reader, writer)):
            place = f"{path}/fields/{index}"
            if shared or len(sources) > 1:
                theirs = ", ".join(source.name for source in sources)
                verdict = _add(found, kinds.READER_FIELD_AMBIGUOUS, place, member.name, field_label(member), theirs)
            elif sources:
                verdict &= self.collect(member.type, sources[0].type, place + "/type", found)
            elif member.has_default:
                continue
            elif isinstance(member.type, EnumType) and member.type.default is not None:
                # An odd corner of Apache Avro: the default symbol of the type does not stand in for the
                # missing field, and the enum is compared with the record that lacks it.
                verdict &= self.collect(member.type, writer, place + "/type", found)
            else:
                kind = kinds.READER_FIELD_MISSING_DEFAULT_VALUE
                verdict = _add(found, kind, place, member.name, field_label(member), None)
        return verdict

    def _add_missing_branch(self, reader: Union, writer: AvroType, path: str, found: list[Difference]) -> bool:
        detail = f"reader union lacking writer type: {writer.kind.upper()}"
        mine = type_label(reader) + self._why_branch_fails(reader, writer)
        return _add(found, kinds.MISSING_UNION_BRANCH, path, detail, mine, type_label(writer))

    def _why_branch_fails(self, reader: Union, writer: AvroType) -> str:
        """What is wrong with the branch that was meant for the writer's type, which Apache Avro does not say."""
        for branch in reader.branches:
            settled = self._settled.get((id(branch), id(writer)))
            if settled and settled.end > settled.start and branch.branch_name == writer.branch_name:
                first = settled.found[settled.start]
                return f"; {first.type.name} {first.detail} at {first.path}"
        return ""


def _add(
    found: list[Difference], kind: DifferenceType, path: str, detail: str, reader: str, writer: str | None
) -> bool:
    """Adds a difference and says "not compatible"."""
    theirs = None if writer is None else shortened(writer)
    found.append(Difference(kind, path or "/", detail, shortened(reader), theirs))
    return False


def same_name(reader: Named, writer: Named) -> bool:
    """Whether the reader's type goes by the writer's unqualified name, or has its full name as an alias."""
    return reader.name == writer.name or writer.full_name in reader.aliases


def missing_symbols(reader: EnumType, writer: EnumType) -> list[str]:
    """The writer's symbols that the reader can neither read nor replace by its default, sorted."""
    if reader.default is not None or reader.symbols == writer.symbols:
        return []
    return sorted(set(writer.symbols).difference(reader.symbols))


def matched_fields(reader: Record, writer: Record) -> Iterator[tuple[Field, list[Field], bool]]:
    """Each field of the reader with the writer's fields that its name and aliases match.

    The last part says whether another field of the reader matches one of them too.
    """
    available = writer.by_name
    matches = []
    aliased = False
    for member in reader.fields:
        direct = available.get(member.name)
        sources = [] if direct is None else [direct]
        for alias in member.aliases:
            if alias in available and alias != member.name:
                aliased = True
                sources.append(available[alias])
        matches.append((member, sources))
    claims: dict[str, int] = {}
    if aliased:
        for _, sources in matches:
            for source in sources:
                claims[source.name] = claims.get(source.name, 0) + 1
    return ((member, sources, any(claims.get(s.name, 0) > 1 for s in sources)) for member, sources in matches)
