"""The bounds of compiling and checking: never below what has to be done, and low for what people write."""

import json
import random
from typing import Any

import pytest

from llm_schema_registry.catalog import Catalog, Expectation, Sample
from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.formats.json_schema import FORMAT
from llm_schema_registry.formats.json_schema.cost import ENDLESS, INLINE_CHECK
from llm_schema_registry.formats.json_schema.pattern_cost import MILLISECOND, pattern_cost
from llm_schema_registry.formats.json_schema.patterns import Matcher
from llm_schema_registry.formats.json_schema.payload import JsonValidator
from llm_schema_registry.formats.json_schema.schema import JsonSchema

NEWEST = "https://json-schema.org/draft/2020-12/schema"
CATALOG = Catalog.load()
_APPLIED = 300.0
_SEEDS = range(60)


def parse(schema: Any) -> JsonSchema:
    return FORMAT.parse(json.dumps(schema), strict=False)


def diamonds(levels: int, **more: Any) -> dict[str, Any]:
    steps = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2, **more} for n in range(levels)}
    return {"$schema": NEWEST, "$defs": {**steps, f"d{levels}": {"type": "integer"}}, "$ref": "#/$defs/d0"}


def nested(value: Any, levels: int) -> Any:
    for _ in range(levels):
        value = {"l": value}
    return value


TWICE = {
    "$ref": "#/definitions/t",
    "definitions": {"t": {"properties": {"l": {"anyOf": [{"$ref": "#/definitions/t"}, {"$ref": "#/definitions/t"}]}}}},
}
SPLIT = {
    "$ref": "#/definitions/a",
    "definitions": {
        "a": {"properties": {"l": {"allOf": [{"$ref": "#/definitions/b"}, {"$ref": "#/definitions/a"}]}}},
        "b": {"additionalProperties": {"$ref": "#/definitions/a"}},
    },
}


@pytest.mark.parametrize(
    "schema",
    [
        diamonds(20, unevaluatedProperties=False),
        diamonds(20),
        {"$schema": NEWEST, "properties": {"a": {"$dynamicRef": "#a"}}, "$dynamicAnchor": "a"},
        {"properties": {f"p{n}": {"pattern": rf"^[\p{{L}}]{{50}}x{n}$"} for n in range(1_000)}},
        {"patternProperties": {f"^a{n}$": {} for n in range(5_000)}},
        {"items": {"enum": [{"a": n} for n in range(60_000)]}},
        {"items": {"anyOf": [{"const": n} for n in range(3_000)]}},
        {"pattern": "((a{900}){900}){900}"},
        {"pattern": "a" * 100_000},
    ],
)
def test_what_may_take_long_to_compile_is_not_compiled_here(schema: Any) -> None:
    parsed = parse(schema)
    assert parsed.compilation.nanoseconds == ENDLESS
    with pytest.raises(BudgetExceededError):
        parsed.compiled()
    with pytest.raises(BudgetExceededError):
        FORMAT.parse(json.dumps(schema), budget=Budget(50_000))


@pytest.mark.parametrize(
    ("schema", "payload"),
    [
        (TWICE, nested(5, 24)),
        (SPLIT, nested(5, 24)),
        (TWICE, nested(5, 9)),
        ({"items": {"enum": [{"a": n} for n in range(500)]}}, [{"a": 499}] * 2_000),
        ({"items": {"anyOf": [{"const": n} for n in range(300)]}}, [-1] * 1_000),
        ({"patternProperties": {f"^a{n}$": {} for n in range(100)}}, {f"b{n}": 1 for n in range(1_000)}),
        ({"items": {"pattern": r"(a*)*\1b"}}, ["a" * 50]),
        ({"items": {"pattern": "^(?:(?!x)[a-z]|(?!y)[a-z])*$"}}, ["a" * 50]),
        ({"items": {"format": "regex"}}, [r"\p{L}{50}" * 20]),
        ({"items": {"multipleOf": 0.01}}, [10**300] * 1_000),
    ],
)
def test_checks_that_may_take_long_are_not_made_here(schema: Any, payload: Any) -> None:
    with pytest.raises(BudgetExceededError):
        JsonValidator(parse(schema), inline=True).check_value(payload)


def test_errors_that_copy_large_values_are_not_collected_here() -> None:
    validator = JsonValidator(parse({"required": [f"r{n}" for n in range(1_000)]}), inline=True)
    with pytest.raises(BudgetExceededError):
        validator.check_value({"k": "x" * 50_000})
    assert validator.check_value({f"r{n}": 1 for n in range(1_000)}) == []


@pytest.mark.parametrize(
    "sample", [each for each in CATALOG.samples if each.file.endswith(".json")], ids=lambda sample: sample.name
)
def test_events_are_checked_here(sample: Sample) -> None:
    schema = FORMAT.parse(CATALOG.schema_text(sample.file))
    assert schema.compilation.nanoseconds < 5 * MILLISECOND
    assert JsonValidator(schema, inline=True).accepts(sample.value) is (sample.expectation is not Expectation.INVALID)


@pytest.mark.parametrize(
    ("schema", "payload"),
    [
        (TWICE, nested(None, 3)),
        ({"properties": {f"p{n}": {"type": "string"} for n in range(300)}}, {f"p{n}": "x" * 50 for n in range(300)}),
        ({"items": {"type": "object", "properties": {"role": {"enum": ["a"]}}}}, [{"role": "a"}] * 200),
        ({"properties": {"l": {"$ref": "#"}, "r": {"$ref": "#"}}}, nested({}, 100)),
        ({"properties": {"name": {"pattern": "^(?!-)(?!.*--)[a-z0-9-]{1,64}$"}}}, {"name": "abc"}),
    ],
)
def test_what_is_cheap_is_checked_here(schema: Any, payload: Any) -> None:
    assert JsonValidator(parse(schema), inline=True).check_value(payload) == []


def test_sandboxes_take_the_rest() -> None:
    assert FORMAT.parse(json.dumps(diamonds(9, unevaluatedProperties=False))).canonical
    validator = FORMAT.validator(parse(diamonds(12)))
    assert validator.check_value(1) == []
    assert [finding.code for finding in validator.check_value("x")] != []
    assert FORMAT.validator(parse(TWICE)).check_value(nested(None, 12)) == []


@pytest.mark.parametrize(
    ("pattern", "backtracks"),
    [
        ("^a+$", False),
        (r"^(?!-)(?=.*x)[a-z]+$", False),
        (r"^[(?!]+$", False),
        (r"\(\?=", False),
        (r"^(?:(?!a)b)*$", True),
        (r"^a*(?=b)", True),
        (r"(a)\1", True),
        (r"(?<=a)b", True),
        (r"(?<n>a)\k<n>", True),
    ],
)
def test_patterns_that_backtrack(pattern: str, backtracks: bool) -> None:
    assert (pattern_cost(pattern).match > MILLISECOND) is backtracks


@pytest.mark.parametrize(
    ("pattern", "atoms"),
    [
        ("abc", 3),
        ("[a-z]{50}", 50),
        ("(ab){10}", 20),
        ("(a{10}){10}", 100),
        ("a{3,}", 4),
        ("a{0,7}", 7),
        ("[]a]{9}", 9),
    ],
)
def test_repetitions_are_written_out(pattern: str, atoms: int) -> None:
    assert pattern_cost(pattern).byte >= 15 * atoms
    assert pattern_cost(r"\p{L}{50}").compiling > 20 * MILLISECOND


class Generator:
    """Random schemas of the keywords that multiply work, with payloads that walk far into them."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311
        self.definitions = self._random.randint(1, 4)

    def schema(self, depth: int) -> Any:
        if depth == 0:
            return {"$ref": f"#/$defs/{self._random.randrange(self.definitions)}"}
        width = self._random.randint(1, 3)
        match self._random.randrange(5):
            case 0:
                return {"properties": {self._name(): self.schema(depth - 1) for _ in range(width)}}
            case 1:
                return {"additionalProperties": self.schema(depth - 1), "properties": {"a": self.schema(depth - 1)}}
            case 2:
                return {"items": self.schema(depth - 1)}
            case 3:
                return {"allOf": [{"items": True}, *(self._below(depth - 1) for _ in range(width))]}
        return {"anyOf": [self._below(depth - 1) for _ in range(width)], "type": ["object", "array"]}

    def _below(self, depth: int) -> Any:
        """A schema that leads into the value, so that no circle arises in place."""
        return {"properties": {self._name(): self.schema(depth)}, "items": self.schema(depth)}

    def payload(self, depth: int) -> Any:
        if depth == 0:
            return self._random.choice([1, "x", None])
        values = [self.payload(depth - 1) for _ in range(self._random.randint(1, 3))]
        return values if self._random.random() < 0.5 else {self._name(): value for value in values}

    def _name(self) -> str:
        return self._random.choice("abc")


def applications(schema: Any, value: Any, root: Any) -> int:
    """How many subschemas apply to a value and the values in it, if none is left out."""
    if not isinstance(schema, dict):
        return 0
    count = 1
    for branch in (*schema.get("allOf", ()), *schema.get("anyOf", ())):
        count += applications(branch, value, root)
    if "$ref" in schema:
        count += applications(root["$defs"][schema["$ref"].rpartition("/")[2]], value, root)
    if isinstance(value, list):
        count += sum(applications(schema.get("items", True), item, root) for item in value)
    if isinstance(value, dict):
        properties, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
        count += sum(applications(properties.get(name, rest), child, root) for name, child in value.items())
    return count


@pytest.mark.parametrize("seed", _SEEDS)
def test_no_check_applies_more_subschemas_than_the_bound_allows(seed: int) -> None:
    generator = Generator(seed)
    definitions = {str(n): generator._below(2) for n in range(generator.definitions)}
    schema = {"$schema": NEWEST, "$defs": definitions, **generator.schema(2)}
    cost = parse(schema).check_cost
    for depth in (1, 2, 4, 6):
        payload = generator.payload(depth)
        text = json.dumps(payload, separators=(",", ":")).encode()
        needed = _APPLIED * applications(schema, payload, schema)
        assert cost.checking(text) >= needed
        if len(text) <= cost.inline_bytes:
            assert needed <= INLINE_CHECK


def test_patterns_that_may_take_long_are_not_matched_by_a_server_itself() -> None:
    matcher = Matcher()
    assert matcher.matches(r"^\p{L}{50}$", "x" * 50)
    matcher.is_inline = True
    assert matcher.matches("^[a-z]+$", "abc")
    assert not matcher.matches("(", "abc")
    for pattern in (r"^\p{L}{50}$", r"(a*)*\1b", "a{9000}"):
        with pytest.raises(BudgetExceededError):
            matcher.matches(pattern, "abc")


def test_patterns_tried_on_names_are_counted() -> None:
    patterns = {"patternProperties": {f"^a{n}$": {} for n in range(200)}}
    old = parse({"properties": {f"b{n}": {} for n in range(100)}, **patterns})
    with pytest.raises(BudgetExceededError):
        FORMAT.compare(parse(patterns), old, budget=Budget(10_000))
