"""Payloads of a schema, made from the schema alone: the material of the search for witnesses.

Each type has a simplest value. A sample differs from it in one place, so their number grows with the size of the
schema and not with the product of its choices.
"""

from collections.abc import Iterator
from typing import Any

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.formats.avro.logical import decimal_of, is_uuid
from llm_schema_registry.formats.avro.model import Array, AvroType, EnumType, Fixed, Map, Record, Union

_UUIDS = ["00000000-0000-0000-0000-000000000000", "f81d4fae-7dec-41d0-a765-00a0c91e6bf6"]
_PRIMITIVES: dict[str, list[Any]] = {
    "null": [None],
    "boolean": [False, True],
    "int": [0, 1, -1, 2**31 - 1, -(2**31)],
    "long": [0, 1, -1, 2**31, 2**63 - 1, -(2**63)],
    "float": [0.0, 1.5, -1.5, 3.4028234663852886e38, -3.4028234663852886e38, "NaN", "Infinity", "-Infinity"],
    "double": [0.0, 1.5, 0.1, 1.7976931348623157e308, -1.7976931348623157e308, "NaN", "Infinity", "-Infinity"],
    "string": ["", "text", "é☃😀"],
    "bytes": ["", "text", "\x00\x80\xff"],
}
_FIXED_BYTES_PER_STEP = 64


def samples(root: AvroType, budget: Budget) -> Iterator[Any]:
    """Payloads of a type, the simplest first; none if no finite value exists.

    Raises:
        BudgetExceededError: too much work.
    """
    return _Samples(budget).of(root, frozenset())


class _Samples:
    __slots__ = ("_budget", "_simplest")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        # The simplest value of each record as a list of at most one, since `None` is a value.
        self._simplest: dict[int, list[Any]] = {}

    def of(self, node: AvroType, enclosing: frozenset[int]) -> Iterator[Any]:
        """The samples of a type; a record inside itself has its simplest value only."""
        self._budget.spend()
        if isinstance(node, Record):
            return self._of_record(node, enclosing)
        if isinstance(node, Union):
            return self._of_union(node, enclosing)
        if isinstance(node, Array):
            return ([item] if filled else [] for filled, item in self._fillings(node.items, enclosing))
        if isinstance(node, Map):
            return ({"key": item} if filled else {} for filled, item in self._fillings(node.values, enclosing))
        return iter(self._leaves(node))

    def _fillings(self, node: AvroType, enclosing: frozenset[int]) -> Iterator[tuple[bool, Any]]:
        yield False, None
        for item in self.of(node, enclosing):
            yield True, item

    def _of_union(self, node: Union, enclosing: frozenset[int]) -> Iterator[Any]:
        for branch in _null_first(node):
            for value in self.of(branch, enclosing):
                yield {branch.branch_name: value} if _is_tagged(node, branch) else value

    def _of_record(self, node: Record, enclosing: frozenset[int]) -> Iterator[Any]:
        simplest = self._simplest_of(node, frozenset())
        if not simplest:
            return
        (base,) = simplest
        yield base
        if id(node) in enclosing:
            return
        optional = {member.name for member in node.fields if member.has_default}
        if optional:
            yield {name: value for name, value in base.items() if name not in optional}
        inner = enclosing | {id(node)}
        for member in node.fields:
            for value in self.of(member.type, inner):
                if value != base[member.name]:
                    self._budget.spend(len(node.fields))
                    yield {**base, member.name: value}
            if member.has_default:
                yield {name: value for name, value in base.items() if name != member.name}

    def _simplest_of(self, node: AvroType, enclosing: frozenset[int]) -> list[Any]:
        """The simplest value as a list of one; empty if every value would hold one of the `enclosing` records."""
        self._budget.spend()
        if isinstance(node, Array):
            return [[]]
        if isinstance(node, Map):
            return [{}]
        if isinstance(node, Union):
            return self._simplest_of_union(node, enclosing)
        if not isinstance(node, Record):
            return self._leaves(node)[:1]
        key = id(node)
        if key in enclosing:
            return []
        if key not in self._simplest:
            value = {}
            for member in node.fields:
                found = self._simplest_of(member.type, enclosing | {key})
                if not found:
                    return []
                value[member.name] = found[0]
            self._simplest[key] = [value]
        return self._simplest[key]

    def _simplest_of_union(self, node: Union, enclosing: frozenset[int]) -> list[Any]:
        for branch in _null_first(node):
            for value in self._simplest_of(branch, enclosing):
                return [{branch.branch_name: value} if _is_tagged(node, branch) else value]
        return []

    def _leaves(self, node: AvroType) -> list[Any]:
        if isinstance(node, EnumType):
            return list(node.symbols)
        decimal = decimal_of(node)
        if decimal is not None:
            digits = "9" * decimal.precision
            whole, part = digits[: decimal.precision - decimal.scale] or "0", digits[: decimal.scale]
            largest = f"{whole}.{part}" if part else whole
            return ["0", "1" if decimal.precision > decimal.scale else "0", largest, f"-{largest}"]
        if is_uuid(node):
            return _UUIDS
        if isinstance(node, Fixed):
            self._budget.spend(node.size // _FIXED_BYTES_PER_STEP)
            return ["\x00" * node.size, "\xff" * node.size] if node.size else [""]
        return _PRIMITIVES[node.kind]


def _null_first(node: Union) -> list[AvroType]:
    return sorted(node.branches, key=lambda branch: branch.kind != "null")


def _is_tagged(node: Union, branch: AvroType) -> bool:
    # With two branches besides null a value alone may be taken for another branch than the one it is for.
    return branch.kind != "null" and sum(other.kind != "null" for other in node.branches) > 1
