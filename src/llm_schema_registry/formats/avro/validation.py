"""Checks of payloads given as JSON values, compiled to closures once per schema.

A check takes the value, its place and a report, and adds to the report what is wrong. Findings are kept as
recipes until the end, so that the branches of a union can be tried without writing messages that nobody reads.
"""

from collections.abc import Callable
from typing import Any

from llm_schema_registry.core.budget import DEFAULT_STEPS
from llm_schema_registry.core.findings import Finding
from llm_schema_registry.formats.avro import findings as say
from llm_schema_registry.formats.avro.findings import Place
from llm_schema_registry.formats.avro.logical import Decimal, decimal_of, is_uuid, is_uuid_text
from llm_schema_registry.formats.avro.model import (
    ABSENT,
    Array,
    AvroType,
    EnumType,
    Fixed,
    Map,
    Record,
    Union,
)
from llm_schema_registry.formats.suggestions import begin_suggestions

MAX_RECORD_DEPTH = 100
_MAX_FINDINGS = 100
# Recursive unions whose branches fail late double the work at each level; trying them must stay affordable.
_FAILED_BRANCH_STEPS = 20
# The largest doubles that still round to a finite value of the type.
_LARGEST = {"float": 3.4028235677973362e38, "double": 1.7976931348623157e308}
NON_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_RANGES = {"int": 1 << 31, "long": 1 << 63}
_BYTES_FIX = "Write each byte as the character with its number, U+0000 to U+00FF."


class GivenUpError(Exception):
    """The check was given up: the value is too deep or takes too much work."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


class Report:
    """What one check of one payload has found, and the work it may still do."""

    __slots__ = ("_recipes", "depth", "left")

    def __init__(self, steps: int = DEFAULT_STEPS) -> None:
        self._recipes: list[tuple[Callable[..., Finding], Place, tuple[Any, ...]]] = []
        self.depth = 0
        self.left = steps

    def add(self, recipe: Callable[..., Finding], place: Place, *details: Any) -> None:
        """Notes a finding; after the first hundred only that there is something wrong."""
        if len(self._recipes) < _MAX_FINDINGS:
            self._recipes.append((recipe, place, details))

    def spend(self, steps: int, place: Place) -> None:
        """Counts work."""
        self.left -= steps
        if self.left < 0:
            raise GivenUpError(say.too_complex(say.pointer_of(place)))

    @property
    def count(self) -> int:
        """How many findings there are."""
        return len(self._recipes)

    def take_back(self, count: int) -> list[Any]:
        """Removes and returns the findings after the first `count`."""
        taken = self._recipes[count:]
        del self._recipes[count:]
        return taken

    def put_back(self, recipes: list[Any]) -> None:
        """Adds findings that were taken."""
        self._recipes.extend(recipes[: _MAX_FINDINGS - len(self._recipes)])

    def findings(self) -> list[Finding]:
        """The findings, written."""
        begin_suggestions()
        return [recipe(say.pointer_of(place), *details) for recipe, place, details in self._recipes]


Check = Callable[[Any, Place, Report], None]


class Checks:
    """The compiled checks of one schema; named types are compiled once."""

    def __init__(self) -> None:
        self._named: dict[int, Check] = {}

    def of(self, node: AvroType) -> Check:
        """The check of a type."""
        if isinstance(node, Union):
            return UnionCheck(self, node)
        if isinstance(node, Record):
            return self._of_record(node)
        if isinstance(node, Array):
            return _array(node, self.of(node.items))
        if isinstance(node, Map):
            return _map(node, self.of(node.values))
        if isinstance(node, EnumType):
            return _enum(node)
        decimal = decimal_of(node)
        if decimal is not None:
            return _decimal(node, decimal)
        if isinstance(node, Fixed):
            return _fixed(node)
        if node.kind in _RANGES:
            return _integer(node, _RANGES[node.kind])
        if node.kind in ("float", "double"):
            return _number(node)
        if node.kind == "string":
            return _string(node)
        return _bytes(node) if node.kind == "bytes" else _exact(node)

    def _of_record(self, node: Record) -> Check:
        key = id(node)
        if key in self._named:
            return self._named[key]

        def later(value: Any, place: Place, report: Report) -> None:
            self._named[key](value, place, report)

        # Inside itself the record is not compiled yet: it is looked up when a value is checked.
        self._named[key] = later
        check = _record(node, [(member.name, self.of(member.type), member) for member in node.fields])
        self._named[key] = check
        return check


def _record(node: Record, members: list[tuple[str, Check, Any]]) -> Check:
    def check(value: Any, place: Place, report: Report) -> None:
        if type(value) is not dict:
            report.add(say.wrong_type, place, node, value)
            return
        report.depth += 1
        if report.depth > MAX_RECORD_DEPTH:
            raise GivenUpError(say.too_deep(say.pointer_of(place), MAX_RECORD_DEPTH))
        report.spend(1, place)
        present = 0
        for name, member_check, member in members:
            item = value.get(name, ABSENT)
            if item is not ABSENT:
                present += 1
                member_check(item, (place, name), report)
            elif member.default is ABSENT:
                report.add(say.missing_field, (place, name), member.type, None)
        if present != len(value):
            for name in value:
                if name not in node.by_name:
                    report.add(say.unknown_field, (place, name), node.by_name, str(name))
        report.depth -= 1

    return check


def _array(node: AvroType, item_check: Check) -> Check:
    def check(value: Any, place: Place, report: Report) -> None:
        if type(value) is not list:
            report.add(say.wrong_type, place, node, value)
            return
        report.spend(len(value), place)
        for index, item in enumerate(value):
            item_check(item, (place, index), report)

    return check


def _map(node: AvroType, item_check: Check) -> Check:
    def check(value: Any, place: Place, report: Report) -> None:
        if type(value) is not dict:
            report.add(say.wrong_type, place, node, value)
            return
        report.spend(len(value), place)
        for key, item in value.items():
            if not _is_encodable(key):
                report.add(say.wrong_text, place, "has a key with an unpaired surrogate", "Correct the key.")
            item_check(item, (place, key), report)

    return check


def _enum(node: EnumType) -> Check:
    symbols = frozenset(node.symbols)

    def check(value: Any, place: Place, report: Report) -> None:
        if type(value) is not str:
            report.add(say.wrong_type, place, node, value)
        elif value not in symbols:
            report.add(say.unknown_symbol, place, node.symbols, value)

    return check


def _integer(node: AvroType, limit: int) -> Check:
    lowest = -limit

    def check(value: Any, place: Place, report: Report) -> None:
        # JSON has one kind of number: 1e3 and 1.0 are whole.
        if type(value) is not int and not (type(value) is float and value.is_integer()):
            report.add(say.wrong_type, place, node, value)
        elif not lowest <= value < limit:
            report.add(say.out_of_range, place, node, value)

    return check


def _number(node: AvroType) -> Check:
    limit = _LARGEST[node.kind]

    def check(value: Any, place: Place, report: Report) -> None:
        if type(value) is float or type(value) is int:
            # Infinities and NaN are values of the type; a finite number beyond the largest one is not.
            if abs(value) > limit and value not in (float("inf"), float("-inf")):
                report.add(say.out_of_range, place, node, value)
        elif type(value) is not str or value not in NON_FINITE:
            report.add(say.wrong_type, place, node, value)

    return check


def _string(node: AvroType) -> Check:
    wants_uuid = is_uuid(node)

    def check(value: Any, place: Place, report: Report) -> None:
        if type(value) is not str:
            report.add(say.wrong_type, place, node, value)
        elif wants_uuid and not is_uuid_text(value):
            fix = "Write the UUID as 8-4-4-4-12 hexadecimal digits."
            report.add(say.wrong_text, place, "is not a UUID", fix)
        elif not _is_encodable(value):
            report.add(say.wrong_text, place, "has an unpaired surrogate", "Correct the text.")

    return check


def _bytes(node: AvroType) -> Check:
    def check(value: Any, place: Place, report: Report) -> None:
        if type(value) is not str:
            report.add(say.wrong_type, place, node, value)
        elif not _is_bytes_text(value):
            report.add(say.wrong_text, place, "has characters that are no bytes", _BYTES_FIX)

    return check


def _fixed(node: Fixed) -> Check:
    wants_uuid = is_uuid(node)

    def check(value: Any, place: Place, report: Report) -> None:
        if type(value) is not str:
            report.add(say.wrong_type, place, node, value)
        elif wants_uuid and is_uuid_text(value):
            return
        elif len(value) != node.size or not _is_bytes_text(value):
            report.add(say.wrong_text, place, f"is not {node.size} bytes long", _BYTES_FIX)

    return check


def _decimal(node: AvroType, decimal: Decimal) -> Check:
    raw = _fixed(node) if isinstance(node, Fixed) else _bytes(node)

    def check(value: Any, place: Place, report: Report) -> None:
        if type(value) not in (str, int, float):
            report.add(say.wrong_type, place, node, value)
            return
        unscaled = decimal.unscaled(value)
        if unscaled is None:
            raw(value, place, report)
        elif type(unscaled) is str:
            fix = f"Send a decimal of at most {decimal.precision} digits, {decimal.scale} of them behind the point."
            report.add(say.wrong_text, place, unscaled, fix)

    return check


def _exact(node: AvroType) -> Check:
    wanted = bool if node.kind == "boolean" else type(None)

    def check(value: Any, place: Place, report: Report) -> None:
        if type(value) is not wanted:
            report.add(say.wrong_type, place, node, value)

    return check


def _is_encodable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _is_bytes_text(text: str) -> bool:
    return text.isascii() or max(text) <= "\xff"


_ACCEPTED: dict[type, frozenset[str]] = {
    type(None): frozenset({"null"}),
    bool: frozenset({"boolean"}),
    int: frozenset({"int", "long", "float", "double"}),
    float: frozenset({"float", "double"}),
    str: frozenset({"string", "bytes", "enum", "fixed", "float", "double"}),
    list: frozenset({"array"}),
    dict: frozenset({"record", "map"}),
}


class UnionCheck:
    """The check of a union: a value as such, or tagged with its branch (`{"string": "x"}`, `{"ns.Rec": {…}}`).

    A value as such takes the first branch that it fits; a whole number with an exponent or a point (`1e3`) takes
    one of floats before one of integers.
    """

    __slots__ = ("_by_type", "_node", "_tags")

    def __init__(self, checks: Checks, node: Union) -> None:
        self._node = node
        compiled = [(index, branch, checks.of(branch)) for index, branch in enumerate(node.branches)]
        self._tags = {branch.branch_name: (index, check) for index, branch, check in compiled}
        self._by_type = {
            kind: [(index, check) for index, branch, check in compiled if _accepts(branch, kind)] for kind in _ACCEPTED
        }
        # A number that is written as a float is one, unless no other branch takes it and it is whole.
        self._by_type[float] += [(index, check) for index, branch, check in compiled if branch.kind in _RANGES]

    def __call__(self, value: Any, place: Place, report: Report) -> None:
        """Adds the findings of the branch that comes nearest."""
        candidates = self._by_type.get(type(value), ())
        if len(candidates) == 1 and type(value) is not dict:
            candidates[0][1](value, place, report)
        else:
            self.branch(value, place, report)

    def branch(self, value: Any, place: Place, report: Report) -> tuple[int, Any] | None:
        """The index of the branch for a value and the value without its tag; `None` after adding findings."""
        nearest: list[Any] | None = None
        for index, check, inner, inner_place in self._readings(value, place):
            count = report.count
            check(inner, inner_place, report)
            if report.count == count:
                return index, inner
            report.spend(_FAILED_BRANCH_STEPS, place)
            found = report.take_back(count)
            if nearest is None or len(found) < len(nearest):
                nearest = found
        if nearest is None:
            report.add(say.wrong_type, place, self._node, value)
        else:
            report.put_back(nearest)
        return None

    def _readings(self, value: Any, place: Place) -> list[tuple[int, Check, Any, Place]]:
        readings: list[tuple[int, Check, Any, Place]] = []
        if type(value) is dict and len(value) == 1:
            tag = next(iter(value))
            if tag in self._tags:
                index, check = self._tags[tag]
                readings.append((index, check, value[tag], (place, tag)))
        for index, check in self._by_type.get(type(value), ()):
            readings.append((index, check, value, place))
        return readings


def _accepts(branch: AvroType, kind: type) -> bool:
    return branch.kind in _ACCEPTED[kind] or (kind in (int, float) and decimal_of(branch) is not None)
