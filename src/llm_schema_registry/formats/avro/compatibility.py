"""Whether a reader's schema can read what a writer's schema wrote, and where not.

Avro specification, "Schema Resolution", as `SchemaCompatibility` of Apache Avro 1.12 decides it. Two questions are
kept apart: `_Comparison.compatible` decides a pair of types, `_Comparison.collect` walks an incompatible pair and
says where. Beyond Apache Avro: aliases that make the match of fields ambiguous are a difference (there they
raise an error or lead values into the wrong field), and each incompatible pair of types is reported once, where it
is first met.
"""

from collections.abc import Iterator

from llm_schema_registry.budget import Budget, BudgetExceededError
from llm_schema_registry.findings import shortened
from llm_schema_registry.formats.avro import differences as kinds
from llm_schema_registry.formats.avro.labels import type_label
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
from llm_schema_registry.formats.avro.schema import AvroSchema
from llm_schema_registry.formats.format import Difference, DifferenceType

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

# Explaining a union compares a branch once more; for the first few unions that is worth its price.
_MAX_EXPLANATIONS = 10


def compare(reader: AvroSchema, writer: AvroSchema, *, budget: Budget | None = None) -> list[Difference]:
    """The differences that keep `reader` from reading what `writer` wrote, in the reader's order.

    Every difference is incompatible; an empty list means compatible.

    Raises:
        BudgetExceededError: too many pairs of types, or too long a chain of them.
    """
    budget = budget or Budget(what="The compatibility check")
    try:
        if _Comparison(budget).compatible(reader.root, writer.root):
            return []
        comparison = _Comparison(budget)
        comparison.collect(reader.root, writer.root, "")
    except RecursionError:
        raise BudgetExceededError(budget.what) from None
    return comparison.found


class _Comparison:
    __slots__ = ("_assumed", "_budget", "_collected", "_depth", "_explanations", "_verdicts", "found")

    def __init__(self, budget: Budget, explanations: int = _MAX_EXPLANATIONS) -> None:
        self.found: list[Difference] = []
        self._budget = budget
        self._verdicts: dict[tuple[int, int], bool] = {}
        self._assumed: list[tuple[int, int]] = []
        self._collected: set[tuple[int, int]] = set()
        self._depth = 0
        self._explanations = explanations

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

    def _enter(self) -> None:
        self._budget.spend()
        self._depth += 1
        if self._depth > _MAX_CHAIN:
            raise BudgetExceededError(self._budget.what)

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

    def collect(self, reader: AvroType, writer: AvroType, path: str) -> bool:
        """Adds to `found` why `writer` cannot be read as `reader`, whose place is `path`; says whether it can.

        As in Apache Avro, a recursive type is not blamed for what is wrong with the type around it: a pair that is
        met again while it is being collected counts as compatible.
        """
        if reader.kind == writer.kind and reader.kind in PRIMITIVE_NAMES:
            return True
        pair = (id(reader), id(writer))
        if pair in self._collected or self._verdicts.get(pair):
            return self._verdicts[pair]
        self._enter()
        assumed = self._assumed
        start = len(assumed)
        assumed.append(pair)
        self._collected.add(pair)
        self._verdicts[pair] = True
        verdict = self._collect_parts(reader, writer, path)
        if not verdict:
            for dependent in assumed[start:]:
                del self._verdicts[dependent]
                self._collected.discard(dependent)
            del assumed[start:]
            self._collected.add(pair)
            self._verdicts[pair] = False
        self._depth -= 1
        return verdict

    def _collect_parts(self, reader: AvroType, writer: AvroType, path: str) -> bool:
        if isinstance(writer, Union):
            verdict = True
            for index, branch in enumerate(writer.branches):
                place = f"{path}/{index}"
                if not isinstance(reader, Union):
                    verdict &= self.collect(reader, branch, place)
                elif not self.compatible(reader, branch):
                    verdict = self._add_missing_branch(reader, branch, place)
            return verdict
        if isinstance(reader, Union):
            readable = any(self.compatible(branch, writer) for branch in reader.branches)
            return readable or self._add_missing_branch(reader, writer, path)
        if isinstance(reader, Array) and isinstance(writer, Array):
            return self.collect(reader.items, writer.items, path + "/items")
        if isinstance(reader, Map) and isinstance(writer, Map):
            return self.collect(reader.values, writer.values, path + "/values")
        if isinstance(reader, Named) and isinstance(writer, Named) and reader.kind == writer.kind:
            return self._collect_named(reader, writer, path)
        if writer.kind in PROMOTIONS.get(reader.kind, _NO_PROMOTION):
            return True
        detail = f"reader type: {reader.kind.upper()} not compatible with writer type: {writer.kind.upper()}"
        return self._add(kinds.TYPE_MISMATCH, path, detail, type_label(reader), type_label(writer))

    def _collect_named(self, reader: Named, writer: Named, path: str) -> bool:
        verdict = True
        if not same_name(reader, writer):
            name = writer.full_name
            verdict = self._add(kinds.NAME_MISMATCH, path + "/name", f"expected: {name}", reader.full_name, name)
        if isinstance(reader, Record) and isinstance(writer, Record):
            verdict &= self._collect_fields(reader, writer, path)
        elif isinstance(reader, EnumType) and isinstance(writer, EnumType):
            missing = missing_symbols(reader, writer)
            if missing:
                detail = f"[{', '.join(missing)}]"
                mine, theirs = ", ".join(reader.symbols), ", ".join(writer.symbols)
                verdict = self._add(kinds.MISSING_ENUM_SYMBOLS, path + "/symbols", detail, mine, theirs)
        elif isinstance(reader, Fixed) and isinstance(writer, Fixed) and reader.size != writer.size:
            detail = f"expected: {writer.size}, found: {reader.size}"
            mine, theirs = str(reader.size), str(writer.size)
            verdict = self._add(kinds.FIXED_SIZE_MISMATCH, path + "/size", detail, mine, theirs)
        return verdict

    def _collect_fields(self, reader: Record, writer: Record, path: str) -> bool:
        verdict = True
        for index, (member, sources, shared) in enumerate(matched_fields(reader, writer)):
            place = f"{path}/fields/{index}"
            mine = f"{member.name}: {type_label(member.type)}"
            if shared or len(sources) > 1:
                theirs = ", ".join(source.name for source in sources)
                verdict = self._add(kinds.READER_FIELD_AMBIGUOUS, place, member.name, mine, theirs)
            elif sources:
                verdict &= self.collect(member.type, sources[0].type, place + "/type")
            elif member.has_default:
                continue
            elif isinstance(member.type, EnumType) and member.type.default is not None:
                # An odd corner of Apache Avro: the default symbol of the type does not stand in for the
                # missing field, and the enum is compared with the record that lacks it.
                verdict &= self.collect(member.type, writer, place + "/type")
            else:
                kind = kinds.READER_FIELD_MISSING_DEFAULT_VALUE
                verdict = self._add(kind, place, member.name, mine, None)
        return verdict

    def _add_missing_branch(self, reader: Union, writer: AvroType, path: str) -> bool:
        detail = f"reader union lacking writer type: {writer.kind.upper()}"
        mine = type_label(reader) + self._why_branch_fails(reader, writer)
        return self._add(kinds.MISSING_UNION_BRANCH, path, detail, mine, type_label(writer))

    def _why_branch_fails(self, reader: Union, writer: AvroType) -> str:
        """What is wrong with the branch that was meant for the writer's type, which Apache Avro does not say."""
        meant = [branch for branch in reader.branches if branch.branch_name == writer.branch_name]
        if not meant or not self._explanations:
            return ""
        self._explanations -= 1
        inner = _Comparison(self._budget, explanations=0)
        inner.collect(meant[0], writer, "")
        return "".join(f"; {item.type.name} {item.detail} at {item.path}" for item in inner.found[:1])

    def _add(self, kind: DifferenceType, path: str, detail: str, reader: str, writer: str | None) -> bool:
        """Adds a difference and says "not compatible"."""
        theirs = None if writer is None else shortened(writer)
        self.found.append(Difference(kind, path or "/", detail, shortened(reader), theirs))
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
