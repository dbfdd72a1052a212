"""Bundles: two schemas with everything that they refer to, each part read by its own draft, as 2020-12 documents.

Only keywords that constrain payloads are kept, in the notation of 2020-12. A bundle means exactly what the schemas
mean, or it is not made.
"""

import enum
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.core.findings import Finding, shortened
from llm_schema_registry.formats.json_schema.compatibility.refinement import keeps_pattern
from llm_schema_registry.formats.json_schema.dialects import DRAFT_4, Dialect
from llm_schema_registry.formats.json_schema.ecma import PatternError
from llm_schema_registry.formats.json_schema.patterns import translated
from llm_schema_registry.formats.json_schema.references import DynamicTarget, References, Resource, Target

Schema = dict[str, Any] | bool
"""A schema in the notation of 2020-12. Every `$ref` is `#/$defs/` and a key of the bundle's definitions."""

DEFINITION = "#/$defs/"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
# Each format that a dialect asserts refuses at least one of these.
_PROBES = ("", "\\", "{", "(", "a b", "%", "-", "\u0000")
# What is valid may become more when a schema under these allows less.
_NEGATING = ("not", "oneOf", "if", "contains")


class UnsupportedError(Exception):
    """A bundle cannot express the schema. The text is a clause that completes "The question is open: …"."""


class Formats(enum.Enum):
    """Which `format` keywords a bundle keeps."""

    ASSERTED = "those that the validator asserts in the draft of the schema"
    ALL = "all of them"
    NONE = "none of them"


@dataclass(frozen=True, slots=True)
class Bundle:
    """Two schemas with common definitions.

    Attributes:
        writer: the schema that payloads are written with.
        reader: the schema that they are read with.
        definitions: what the two refer to, by name.
        has_formats: whether there is a `format` keyword, kept or not.
        has_content: whether `contentEncoding` or `contentMediaType` are assertions, which no draft since has.
        has_written_integers: whether both schemas are of draft-04, where an `integer` excludes `1.0`.
    """

    writer: Schema
    reader: Schema
    definitions: Mapping[str, Schema]
    has_formats: bool
    has_content: bool
    has_written_integers: bool

    def documents(self, premise: Sequence[Schema], conclusion: Schema) -> tuple[dict[str, Any], dict[str, Any]]:
        """The documents of two parts of the bundle, with the same definitions.

        Args:
            premise: the first document is what is valid under all of these schemas.
            conclusion: the second document.
        """
        names: dict[str, Schema] = {}
        pending = list(references_in([*premise, conclusion]))
        while pending:
            name = pending.pop()
            if name not in names and name in self.definitions:
                names[name] = self.definitions[name]
                pending.extend(references_in(names[name]))
        head = {"$schema": _DIALECT, "$defs": names}
        return {**head, "allOf": list(premise)}, {**head, "allOf": [conclusion]}

    def recursive(self) -> frozenset[str]:
        """The names of the definitions that lead to one that leads to itself."""
        left = {name: set(references_in(schema)) for name, schema in self.definitions.items()}
        holders: dict[str, list[str]] = {}
        for name, inner in left.items():
            for each in inner:
                holders.setdefault(each, []).append(name)
        done = [name for name, inner in left.items() if not inner]
        while done:
            finished = done.pop()
            del left[finished]
            for holder in holders.get(finished, ()):
                left[holder].discard(finished)
                if not left[holder]:
                    done.append(holder)
        return frozenset(left)

    def target(self, reference: str) -> Schema:
        """The schema that a `$ref` of the bundle means."""
        return self.definitions[reference.removeprefix(DEFINITION)]


def references_in(part: Any) -> Iterator[str]:
    """The names of the definitions that a part of a bundle refers to."""
    pending = [part]
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            pending.extend(part)
        elif isinstance(part, dict):
            pending.extend(part.values())
            if isinstance(part.get("$ref"), str):
                yield part["$ref"].removeprefix(DEFINITION)


def bundle(writer: References, reader: References, formats: Formats, budget: Budget) -> Bundle:
    """The bundle of two schemas.

    Raises:
        UnsupportedError: a keyword has a meaning that a bundle cannot express.
        BudgetExceededError: too much work.
    """
    interned: dict[Any, Schema] = {}
    old = _Bundler(writer, formats, budget, "writer-", interned)
    new = _Bundler(reader, formats, budget, "reader-", interned)
    definitions: dict[str, Schema] = {}
    return Bundle(
        writer=old.bundle(definitions),
        reader=new.bundle(definitions),
        definitions=MappingProxyType(definitions),
        has_formats=old.has_formats or new.has_formats,
        has_content=old.has_content or new.has_content,
        has_written_integers=_has_written_integers(old, new),
    )


def _has_written_integers(writer: "_Bundler", reader: "_Bundler") -> bool:
    """See `Bundle`; raises if integers of draft-04 meet those of other drafts where that makes a difference."""
    if not (writer.has_written_integers or reader.has_written_integers):
        return False
    if writer.dialects | reader.dialects == {DRAFT_4}:
        return True
    if reader.has_written_integers or writer.has_negations:
        raise UnsupportedError("an integer of draft-04 excludes 1.0, and an integer of later drafts does not")
    # To the others, the writer's integers are some of their integers.
    return False


@functools.cache
def asserts_format(dialect: Dialect, name: str) -> bool:
    """Whether the validator library asserts a format in a dialect."""
    validator = dialect.validator({"type": "string", "format": name}, validate_formats=True, offline=True)
    return not all(validator.is_valid(probe) for probe in _PROBES)


@dataclass(slots=True)
class _Bundler:
    """Translates one schema.

    Args:
        _references: the schema, and what it refers to.
        _formats: which formats are kept.
        _budget: bounds the work.
        _prefix: of the names of its definitions.
        _interned: equal schemas become one object.
    """

    _references: References
    _formats: Formats
    _budget: Budget
    _prefix: str
    _interned: dict[Any, Schema]
    has_formats: bool = False
    has_content: bool = False
    has_written_integers: bool = False
    has_negations: bool = False
    dialects: set[Dialect] = field(default_factory=set)
    _names: dict[int, str] = field(default_factory=dict)
    _pending: list[tuple[str, Any, Resource]] = field(default_factory=list)

    def bundle(self, definitions: dict[str, Schema]) -> Schema:
        """The root; adds what it refers to."""
        root = self._references.root
        schema = self.schema(root.raw, root)
        while self._pending:
            name, raw, resource = self._pending.pop()
            definitions[name] = self.schema(raw, resource)
        return schema

    def schema(self, raw: Any, inside: Resource) -> Schema:
        """A schema in the notation of 2020-12."""
        self._budget.spend()
        if isinstance(raw, bool):
            return raw
        if not isinstance(raw, dict):
            raise UnsupportedError("a schema has the wrong shape")
        resource = self._references.embedded(raw, inside)
        dialect = resource.dialect
        self.dialects.add(dialect)
        if dialect.ref_hides_siblings and "$ref" in raw:
            return self._intern({"$ref": self._reference(raw["$ref"], resource)})
        self.has_negations |= not raw.keys().isdisjoint(_NEGATING)
        new: dict[str, Any] = {}
        for keyword, value in raw.items():
            reading = _KEYWORDS.get(keyword)
            if reading is not None:
                reading(self, new, keyword, value, raw, resource)
        return self._intern(new)

    def _intern(self, schema: dict[str, Any]) -> Schema:
        return self._interned.setdefault(frozenset((key, _identity(value)) for key, value in schema.items()), schema)

    def _reference(self, reference: Any, inside: Resource) -> str:
        found = self._references.find(reference, inside) if isinstance(reference, str) else None
        if found is None or isinstance(found, Finding):
            raise UnsupportedError(f"the $ref '{shortened(str(reference))}' is unknown")
        return self._definition(found)

    def _definition(self, found: Target) -> str:
        name = self._names.get(id(found.raw))
        if name is None:
            name = self._names[id(found.raw)] = f"{self._prefix}{len(self._names)}"
            self._pending.append((name, found.raw, found.resource))
        return DEFINITION + name

    # Each of these adds one keyword to a schema in the new notation.

    def ref(self, new: dict[str, Any], keyword: str, value: Any, raw: dict[str, Any], resource: Resource) -> None:
        """`$ref` beside other keywords."""
        new[keyword] = self._reference(value, resource)

    def dynamic(self, new: dict[str, Any], keyword: str, value: Any, raw: dict[str, Any], resource: Resource) -> None:
        """`$dynamicRef` and `$recursiveRef` as `$ref`, where they mean the same schema on every way."""
        native = "$dynamicRef" if resource.dialect.prefix_items else "$recursiveRef"
        found = self._references.find_dynamic(keyword, value, resource) if isinstance(value, str) else None
        if keyword != native or not isinstance(found, DynamicTarget) or found.others:
            raise UnsupportedError(f"the target of the {keyword} '{shortened(str(value))}' depends on the way to it")
        new.setdefault("allOf", []).append({"$ref": self._definition(found.target)})

    def value(self, new: dict[str, Any], keyword: str, value: Any, raw: dict[str, Any], resource: Resource) -> None:
        """A keyword that means the same in all drafts."""
        new[keyword] = value

    def type(self, new: dict[str, Any], keyword: str, value: Any, raw: dict[str, Any], resource: Resource) -> None:
        """`type`; in draft-04 an integer is written without a decimal point."""
        names = value if isinstance(value, list) else [value]
        if resource.dialect is DRAFT_4 and "integer" in names and "number" not in names:
            self.has_written_integers = True
        new[keyword] = value

    def bound(self, new: dict[str, Any], keyword: str, value: Any, raw: dict[str, Any], resource: Resource) -> None:
        """`minimum` and `maximum`, which draft-04 makes exclusive by a flag."""
        exclusive = "exclusive" + keyword.capitalize()
        is_exclusive = resource.dialect.exclusive_flags and raw.get(exclusive) is True
        new[exclusive if is_exclusive else keyword] = value

    def exclusive(self, new: dict[str, Any], keyword: str, value: Any, raw: dict[str, Any], resource: Resource) -> None:
        """`exclusiveMinimum` and `exclusiveMaximum` as numbers."""
        if not resource.dialect.exclusive_flags:
            new[keyword] = value

    def pattern(self, new: dict[str, Any], keyword: str, value: Any, raw: dict[str, Any], resource: Resource) -> None:
        """`pattern`, in the syntax of the engine, unless every text has a match."""
        if not keeps_pattern(value):
            new[keyword] = _translated(value, resource)

    def content(self, new: dict[str, Any], keyword: str, value: Any, raw: dict[str, Any], resource: Resource) -> None:
        """`contentEncoding` and `contentMediaType`, which validators assert in draft-06 and draft-07."""
        self.has_content = True
        new[keyword] = value

    def format(self, new: dict[str, Any], keyword: str, value: Any, raw: dict[str, Any], resource: Resource) -> None:
        """`format`, as far as it is to be kept."""
        self.has_formats = True
        if not isinstance(value, str):
            raise UnsupportedError("a format is not a string")
        if self._formats is Formats.ALL or (
            self._formats is Formats.ASSERTED and asserts_format(resource.dialect, value)
        ):
            new[keyword] = value

    def one(self, new: dict[str, Any], keyword: str, value: Any, raw: dict[str, Any], resource: Resource) -> None:
        """A keyword whose value is a schema."""
        new[keyword] = self.schema(value, resource)

    def several(self, new: dict[str, Any], keyword: str, value: Any, raw: dict[str, Any], resource: Resource) -> None:
        """A keyword whose value is a list of schemas."""
        if not isinstance(value, list):
            raise UnsupportedError(f"{keyword} is not a list")
        new.setdefault(keyword, []).extend(self.schema(each, resource) for each in value)

    def by_name(self, new: dict[str, Any], keyword: str, value: Any, raw: dict[str, Any], resource: Resource) -> None:
        """A keyword whose value is an object of schemas."""
        if not isinstance(value, dict):
            raise UnsupportedError(f"{keyword} is not an object")
        new[keyword] = {name: self.schema(each, resource) for name, each in value.items()}

    def by_pattern(
        self, new: dict[str, Any], keyword: str, value: Any, raw: dict[str, Any], resource: Resource
    ) -> None:
        """`patternProperties`; two notations of one pattern both count."""
        self.by_name(new, keyword, value, raw, resource)
        schemas: dict[str, Schema] = {}
        for pattern, schema in new[keyword].items():
            key = _translated(pattern, resource)
            schemas[key] = {"allOf": [schemas[key], schema]} if key in schemas else schema
        new[keyword] = schemas

    def dependencies(
        self, new: dict[str, Any], keyword: str, value: Any, raw: dict[str, Any], resource: Resource
    ) -> None:
        """`dependencies`, of names or schemas; validators assert it in all drafts."""
        if not isinstance(value, dict):
            raise UnsupportedError(f"{keyword} is not an object")
        names = {key: each for key, each in value.items() if isinstance(each, list)}
        schemas = {key: self.schema(each, resource) for key, each in value.items() if key not in names}
        new.setdefault("allOf", []).append({"dependentRequired": names, "dependentSchemas": schemas})

    def items(self, new: dict[str, Any], keyword: str, value: Any, raw: dict[str, Any], resource: Resource) -> None:
        """`items`: one schema, or up to 2019-09 a tuple with `additionalItems` for the rest."""
        if not isinstance(value, list):
            new["items"] = self.schema(value, resource)
            return
        if resource.dialect.prefix_items:
            raise UnsupportedError("items is not a schema")
        self.several(new, "prefixItems", value, raw, resource)
        if "additionalItems" in raw:
            new["items"] = self.schema(raw["additionalItems"], resource)

    def conditional(
        self, new: dict[str, Any], keyword: str, value: Any, raw: dict[str, Any], resource: Resource
    ) -> None:
        """`if` with `then` and `else`."""
        new |= {each: self.schema(raw[each], resource) for each in ("if", "then", "else") if each in raw}

    def contains(self, new: dict[str, Any], keyword: str, value: Any, raw: dict[str, Any], resource: Resource) -> None:
        """`contains` with its limits."""
        new[keyword] = self.schema(value, resource)
        if resource.dialect.is_2019:
            new |= {each: raw[each] for each in ("minContains", "maxContains") if each in raw}

    def unevaluated_items(
        self, new: dict[str, Any], keyword: str, value: Any, raw: dict[str, Any], resource: Resource
    ) -> None:
        """`unevaluatedItems`, which `contains` evaluates items for since 2020-12 only."""
        if not resource.dialect.prefix_items:
            raise UnsupportedError("unevaluatedItems of 2019-09 is not compared")
        new[keyword] = self.schema(value, resource)


def _identity(value: Any) -> Any:
    """What tells the value of a keyword apart from others; schemas in it are interned already."""
    if isinstance(value, dict):
        # A schema, or schemas by name.
        parts = frozenset((name, id(each) if isinstance(each, dict) else repr(each)) for name, each in value.items())
        return "object", parts
    if isinstance(value, list):
        return "array", tuple(id(each) if isinstance(each, dict) else repr(each) for each in value)
    return repr(value)


def _translated(pattern: Any, resource: Resource) -> str:
    if not isinstance(pattern, str):
        raise UnsupportedError("a pattern is not a string")
    try:
        return translated(pattern, plain=resource.dialect.plain_patterns)
    except PatternError as error:
        raise UnsupportedError(f"the pattern '{shortened(pattern)}' is not valid: {error}") from None


_Reading = Callable[[_Bundler, dict[str, Any], str, Any, dict[str, Any], Resource], None]


def _only(applies: Callable[[Dialect], bool], reading: _Reading) -> _Reading:
    """The reading of a keyword that only some dialects have."""

    def read(
        bundler: _Bundler, new: dict[str, Any], keyword: str, value: Any, raw: dict[str, Any], resource: Resource
    ) -> None:
        if applies(resource.dialect):
            reading(bundler, new, keyword, value, raw, resource)

    return read


def _asserts_content(dialect: Dialect) -> bool:
    return not dialect.is_2019 and dialect is not DRAFT_4


def _has_const(dialect: Dialect) -> bool:
    return dialect.has_const


def _is_2019(dialect: Dialect) -> bool:
    return dialect.is_2019


_SAME = (
    *("enum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems"),
    *("minProperties", "maxProperties", "required"),
)
_KEYWORDS: Mapping[str, _Reading] = MappingProxyType(
    {
        **dict.fromkeys(_SAME, _Bundler.value),
        **dict.fromkeys(("minimum", "maximum"), _Bundler.bound),
        **dict.fromkeys(("exclusiveMinimum", "exclusiveMaximum"), _Bundler.exclusive),
        **dict.fromkeys(("allOf", "anyOf", "oneOf"), _Bundler.several),
        **dict.fromkeys(("additionalProperties", "not"), _Bundler.one),
        "$ref": _Bundler.ref,
        **dict.fromkeys(("$dynamicRef", "$recursiveRef"), _only(_is_2019, _Bundler.dynamic)),
        "type": _Bundler.type,
        "pattern": _Bundler.pattern,
        "format": _Bundler.format,
        "items": _Bundler.items,
        "properties": _Bundler.by_name,
        "patternProperties": _Bundler.by_pattern,
        "dependencies": _Bundler.dependencies,
        **dict.fromkeys(("contentEncoding", "contentMediaType"), _only(_asserts_content, _Bundler.content)),
        "const": _only(_has_const, _Bundler.value),
        "propertyNames": _only(_has_const, _Bundler.one),
        "contains": _only(_has_const, _Bundler.contains),
        "if": _only(lambda dialect: dialect.has_conditional, _Bundler.conditional),
        "prefixItems": _only(lambda dialect: dialect.prefix_items, _Bundler.several),
        "dependentRequired": _only(_is_2019, _Bundler.value),
        "dependentSchemas": _only(_is_2019, _Bundler.by_name),
        "unevaluatedProperties": _only(_is_2019, _Bundler.one),
        "unevaluatedItems": _only(_is_2019, _Bundler.unevaluated_items),
    }
)
