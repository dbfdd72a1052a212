"""Parsing: from text to a checked schema with its model."""

import contextlib
from collections.abc import Sequence
from typing import Any

import jsonschema_rs

from llm_schema_registry.budget import CHARACTERS_PER_STEP, Budget
from llm_schema_registry.findings import Finding, shortened
from llm_schema_registry.formats.format import Dependency, InvalidSchemaError, SchemaType
from llm_schema_registry.formats.jsonschema.canonical import canonical_text, normalized_text, read_json
from llm_schema_registry.formats.jsonschema.loading import Loader
from llm_schema_registry.formats.jsonschema.model import Node
from llm_schema_registry.formats.jsonschema.patterns import with_scoped_flags
from llm_schema_registry.formats.jsonschema.pointers import pointer
from llm_schema_registry.formats.jsonschema.references import References

_WORK = "Parsing the schema"
_TYPES = "array, boolean, integer, null, number, object, string"


class JsonSchema:
    """A parsed JSON Schema; fulfils `ParsedSchema`. Immutable; what is derived from it is computed once.

    Attributes:
        raw: its JSON value.
        root: its model.
        references: what its `$ref`s mean.
    """

    __slots__ = ("_normalized", "_validator", "canonical", "dependencies", "raw", "references", "root")

    def __init__(
        self, raw: Any, canonical: str, root: Node, references: References, dependencies: tuple[Dependency, ...]
    ) -> None:
        self.raw = raw
        self.canonical = canonical
        self.root = root
        self.references = references
        self.dependencies = dependencies
        self._normalized: str | None = None
        self._validator: Any = None

    @property
    def schema_type(self) -> SchemaType:
        """`JSON`."""
        return SchemaType.JSON

    def normalized(self) -> str:
        """The canonical text with the keys of every object sorted by UTF-16 code unit."""
        if self._normalized is None:
            self._normalized = normalized_text(self.raw)
        return self._normalized

    def rendered(self, form: str) -> str:
        """The canonical text: JSON Schema has no other form."""
        return self.canonical

    def compiled(self) -> Any:
        """The validator library's validator, formats asserted, offline.

        Raises:
            InvalidSchemaError: the schema breaks its metaschema (only possible if it was parsed with `strict=False`).
        """
        if self._validator is None:
            self._validator = _compile(self.raw, self.references)
        return self._validator


def parse(
    text: str, dependencies: Sequence[Dependency] = (), *, strict: bool = True, budget: Budget | None = None
) -> JsonSchema:
    """Parses a schema; see `Format.parse`.

    With `strict=False` the metaschema is not asked, so that schemas which other registries accepted can still be read.

    Raises:
        InvalidSchemaError: no JSON, no valid schema of its dialect, or a `$ref` that is not declared.
        BudgetExceededError: too much work.
    """
    budget = budget or Budget(what=_WORK)
    budget.spend(len(text) // CHARACTERS_PER_STEP)
    raw = read_json(text)
    canonical = canonical_text(raw)
    if not isinstance(raw, (dict, bool)):
        raise InvalidSchemaError(f"A schema must be an object, true or false, not {shortened(canonical, 40)}")
    references = References(raw, dependencies, budget)
    try:
        root = Loader(references, budget).load()
    except RecursionError:
        raise InvalidSchemaError("The schema is nested too deeply") from None
    schema = JsonSchema(raw, canonical, root, references, tuple(dependencies))
    if strict:
        schema.compiled()
    return schema


def _compile(raw: Any, references: References) -> Any:
    try:
        return _validator(raw, references)
    except jsonschema_rs.ValidationError as error:
        refused = error
    if refused.kind.name == "format":
        with contextlib.suppress(jsonschema_rs.ValidationError):
            return _validator(with_scoped_flags(raw), references)
    raise _invalid(refused)


def _validator(raw: Any, references: References) -> Any:
    try:
        registry = references.registry()
        return references.root.dialect.validator(raw, registry=registry, validate_formats=True, offline=True)
    except jsonschema_rs.ValidationError:
        raise
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise InvalidSchemaError(f"The schema cannot be used for validation: {shortened(str(error))}") from None


def _invalid(error: Any) -> InvalidSchemaError:
    place = pointer(error.instance_path)
    cause = shortened(error.message, 400)
    if error.kind.name == "anyOf" and place.rpartition("/")[2] == "type":
        cause = f"{shortened(repr(error.instance), 100)} is no type; the types are {_TYPES}"
    message = f"Not a valid JSON Schema at '#{place}': {cause}"
    finding = Finding(
        code="json.METASCHEMA",
        message=message,
        path="#" + place,
        fix="Correct the keyword as the metaschema of the schema's draft demands.",
    )
    return InvalidSchemaError(message, [finding])
