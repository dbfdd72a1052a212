"""Parsing: from text to a checked schema with its model."""

from collections.abc import Sequence
from typing import Any

import jsonschema_rs

from llm_schema_registry.core.budget import CHARACTERS_PER_STEP, Budget, BudgetExceededError
from llm_schema_registry.core.findings import Finding, shortened
from llm_schema_registry.formats.format import Dependency, InvalidSchemaError, SchemaType
from llm_schema_registry.formats.json_schema.canonical import canonical_text, normalized_text, read_json
from llm_schema_registry.formats.json_schema.compiled import COMPILED, JSON_SANDBOX, STEPS_OF_A_JOB
from llm_schema_registry.formats.json_schema.cost import (
    CheckCost,
    Compilation,
    check_cost,
    compilation,
)
from llm_schema_registry.formats.json_schema.dialects import Dialect
from llm_schema_registry.formats.json_schema.duplicates import duplicate_keys
from llm_schema_registry.formats.json_schema.engine import Documents, documents
from llm_schema_registry.formats.json_schema.metaschema import refusal
from llm_schema_registry.formats.json_schema.model import Node
from llm_schema_registry.formats.json_schema.model_builder import ModelBuilder
from llm_schema_registry.formats.json_schema.pointers import pointer
from llm_schema_registry.formats.json_schema.references import References
from llm_schema_registry.formats.json_schema.subschema_cost import INLINE_COMPILING
from llm_schema_registry.sandbox import is_sandboxed

MAX_FAULTS = 20
"""Findings about one schema that is refused."""

_WORK = "Parsing the schema"
_TOO_DEEP = "The schema is nested too deeply"
_COMPILING = "Compiling the schema"
_NANOSECONDS_OF_A_STEP = 3_000


class JsonSchema:
    """A parsed JSON Schema; fulfils `ParsedSchema`. Immutable; what is derived from it is computed once.

    Attributes:
        raw: its JSON value.
        root: its model.
        references: what its `$ref`s mean.
        warnings: its duplicate keys, if it was parsed with `strict=True`.
    """

    __slots__ = (
        "_check_cost",
        "_compilation",
        "_documents",
        "_normalized",
        "canonical",
        "dependencies",
        "raw",
        "references",
        "root",
        "warnings",
    )

    def __init__(
        self, raw: Any, canonical: str, root: Node, references: References, dependencies: tuple[Dependency, ...]
    ) -> None:
        self.raw = raw
        self.canonical = canonical
        self.root = root
        self.references = references
        self.dependencies = dependencies
        self.warnings: tuple[Finding, ...] = ()
        self._normalized: str | None = None
        self._compilation: Compilation | None = None
        self._check_cost: CheckCost | None = None
        self._documents: Documents | None = None

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

    @property
    def compilation(self) -> Compilation:
        """What compiling costs."""
        if self._compilation is None:
            texts = [self.canonical, *(dependency.text for dependency in self.dependencies)]
            self._compilation = compilation(self.references, texts)
        return self._compilation

    @property
    def check_cost(self) -> CheckCost:
        """What checking a payload costs."""
        if self._check_cost is None:
            self._check_cost = check_cost(self.references)
        return self._check_cost

    def compiled(self) -> Any:
        """The validator library's validator, formats asserted, offline.

        Raises:
            InvalidSchemaError: the schema breaks its metaschema (only possible if it was parsed with `strict=False`).
            BudgetExceededError: compiling it here might take too long or too much memory.
        """
        validator = COMPILED.get(self)
        if validator is None:
            if self.compilation.nanoseconds > INLINE_COMPILING and not is_sandboxed():
                raise BudgetExceededError(_COMPILING)
            validator = _compiled(self.documents(), self.references.root.dialect)
            COMPILED.put(self, validator, self.compilation.size)
        return validator

    def documents(self, budget: Budget | None = None) -> Documents:
        """The documents that the validator library compiles; see `engine`.

        Raises:
            InvalidSchemaError: the schema is nested too deeply.
            BudgetExceededError: too much work.
        """
        if self._documents is None:
            try:
                self._documents = documents(self.references, self.canonical, budget or Budget(what=_WORK))
            except RecursionError:
                raise InvalidSchemaError(_TOO_DEEP) from None
        return self._documents


def parse(
    text: str, dependencies: Sequence[Dependency] = (), *, strict: bool = True, budget: Budget | None = None
) -> JsonSchema:
    """Parses a schema; see `Format.parse`.

    With `strict=False` the metaschema does not apply and text after the schema is ignored: schemas that other
    registries accepted stay readable.

    Raises:
        InvalidSchemaError: no JSON, no valid schema of its dialect, or a `$ref` that is not declared.
        BudgetExceededError: too much work.
    """
    budget = budget or Budget(what=_WORK)
    budget.spend(len(text) // CHARACTERS_PER_STEP)
    raw = read_json(text, whole=strict)
    canonical = canonical_text(raw)
    if not isinstance(raw, (dict, bool)):
        raise InvalidSchemaError(f"A schema must be an object, true or false, not {shortened(canonical, 40)}")
    references = References(raw, dependencies, budget)
    try:
        root = ModelBuilder(references, budget).load()
    except RecursionError:
        raise InvalidSchemaError(_TOO_DEEP) from None
    schema = JsonSchema(raw, canonical, root, references, tuple(dependencies))
    if strict:
        faults = schema.documents(budget).faults
        if faults:
            raise InvalidSchemaError(faults[0].message, faults[:MAX_FAULTS])
        schema.warnings = _duplicate_keys(text, canonical)
        _check_compilation(schema, budget)
    return schema


def _duplicate_keys(text: str, canonical: str) -> tuple[Finding, ...]:
    try:
        return duplicate_keys(text, canonical)
    except RecursionError:
        raise InvalidSchemaError(_TOO_DEEP) from None


def _check_compilation(schema: JsonSchema, budget: Budget) -> None:
    """Finds out whether a schema can be compiled: here if that is cheap, else in a sandbox."""
    if is_sandboxed():
        schema.compiled()
    elif schema.compilation.nanoseconds <= INLINE_COMPILING:
        budget.spend(int(schema.compilation.nanoseconds / _NANOSECONDS_OF_A_STEP))
        schema.compiled()
    else:
        budget.spend(STEPS_OF_A_JOB)
        JSON_SANDBOX.compile(schema.canonical, schema.dependencies)


def _compiled(documents: Documents, dialect: Dialect) -> Any:
    registry = jsonschema_rs.Registry(documents.referenced.items()) if documents.referenced else None
    for place, resource, document in documents.embedded:
        _validator(document, resource.dialect, registry, documents, place)
    return _validator(documents.root, dialect, registry, documents)


def _validator(document: Any, dialect: Dialect, registry: Any, documents: Documents, place: str = "#") -> Any:
    try:
        return dialect.validator(document, registry=registry, validate_formats=True, offline=True)
    except jsonschema_rs.ValidationError as error:
        raise _invalid(error, place, documents) from None
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise InvalidSchemaError(f"The schema cannot be used for validation: {shortened(str(error))}") from None


def _invalid(error: Any, place: str, documents: Documents) -> InvalidSchemaError:
    place += pointer(error.instance_path)
    cause, fix = refusal(error, documents.written)
    message = f"Not a valid JSON Schema at '{place}': {cause}"
    return InvalidSchemaError(message, [Finding(code="json.METASCHEMA", message=message, path=place, fix=fix)])
