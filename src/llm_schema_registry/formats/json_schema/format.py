"""The object that fulfils `Format` for JSON Schema."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.formats.containment import Answer, Containment, Proof
from llm_schema_registry.formats.format import (
    TAGGING,
    Dependency,
    Difference,
    DifferenceType,
    Entity,
    Outcome,
    OutlineField,
    ParsedSchema,
    PayloadValidator,
    Reading,
    SchemaType,
)
from llm_schema_registry.formats.json_schema import tags
from llm_schema_registry.formats.json_schema.compatibility import compare
from llm_schema_registry.formats.json_schema.compiled import JSON_SANDBOX, STEPS_OF_A_JOB
from llm_schema_registry.formats.json_schema.containment import containment
from llm_schema_registry.formats.json_schema.differences import DIFFERENCE_TYPES
from llm_schema_registry.formats.json_schema.outline import outline
from llm_schema_registry.formats.json_schema.payload import JsonValidator, encoded
from llm_schema_registry.formats.json_schema.samples import samples
from llm_schema_registry.formats.json_schema.schema import JsonSchema, parse
from llm_schema_registry.sandbox import is_sandboxed

_CONTAINMENT = "The proof of containment"


class JsonSchemaFormat:
    """JSON Schema, drafts 4, 6, 7, 2019-09 and 2020-12."""

    @property
    def schema_type(self) -> SchemaType:
        """`JSON`."""
        return SchemaType.JSON

    @property
    def difference_types(self) -> Mapping[str, DifferenceType]:
        """See `differences`."""
        return DIFFERENCE_TYPES

    def parse(
        self,
        text: str,
        dependencies: Sequence[Dependency] = (),
        *,
        strict: bool = True,
        budget: Budget | None = None,
    ) -> JsonSchema:
        """Parses a schema; see `schema.parse`."""
        return parse(text, dependencies, strict=strict, budget=budget)

    def equivalent(self, one: ParsedSchema, other: ParsedSchema) -> bool:
        """Whether the canonical texts are equal and so are those of what they refer to."""
        return one.canonical == other.canonical and _resolved(one) == _resolved(other)

    def compare(
        self,
        reader: ParsedSchema,
        writer: ParsedSchema,
        *,
        lenient: bool = False,
        budget: Budget | None = None,
    ) -> list[Difference]:
        """All differences; see `Format.compare`.

        Under LENIENT the branches of combined schemas are matched by it too, so a verdict needs `lenient=True`, not
        only a look at the impacts.
        """
        return compare(_own(writer).root, _own(reader).root, lenient=lenient, budget=budget)

    def containment(self, reader: ParsedSchema, writer: ParsedSchema, *, budget: Budget | None = None) -> Containment:
        """See `DecidesContainment`. Equal schemas need no sandbox."""
        budget = budget or Budget(what=_CONTAINMENT)
        if self.equivalent(reader, writer):
            return Containment(Answer.YES, Proof.EQUALITY)
        if is_sandboxed():
            return containment(_own(reader), _own(writer), budget)
        budget.spend(STEPS_OF_A_JOB)
        try:
            return JSON_SANDBOX.contain(self.source(reader), self.source(writer))
        except BudgetExceededError as error:
            return Containment(Answer.UNKNOWN, reason=error.why)

    def source(self, schema: ParsedSchema) -> tuple[str, tuple[Dependency, ...]]:
        """See `DecidesContainment`."""
        return schema.canonical, _own(schema).dependencies

    def describe(self, difference: Difference, reader: str, writer: str) -> str:
        """The Confluent registry's text of a difference, with its unequal quotation marks."""
        row = difference.type
        text = row.description.format(reader=reader, writer=writer, path=difference.path, detail=difference.detail)
        return f'{{errorType:"{row.name}", description:"{text}\'}}'

    def validator(self, schema: ParsedSchema, *, inline: bool = False) -> PayloadValidator:
        """The payload validator; compiled once for each parsed schema."""
        return JsonValidator(_own(schema), inline=inline)

    def outline(self, schema: ParsedSchema) -> list[OutlineField]:
        """The field tree; see `outline.outline`."""
        return outline(_own(schema))

    def samples(self, schema: ParsedSchema, *, budget: Budget | None = None, inline: bool = False) -> Iterator[Any]:
        """Payloads of a schema; see `samples.samples`."""
        return samples(_own(schema), budget or Budget(what="Making samples"), inline=inline)

    def read(self, reader: ParsedSchema, writer: ParsedSchema, value: Any, *, inline: bool = False) -> Reading:
        """Checks `value` as the writer's serialiser does, and then as the reader's; JSON is never misread."""
        refused = JsonValidator(_own(writer), inline=inline).check_value(value)
        if refused:
            return Reading(Outcome.UNWRITABLE, problem=refused[0].message)
        data = encoded(value)
        refused = JsonValidator(_own(reader), inline=inline).check_bytes(data)
        if not refused:
            return Reading(Outcome.READ, data)
        return Reading(Outcome.REFUSED, data, refused[0].message, refused[0].path)

    def tags(self, schema: ParsedSchema, *, budget: Budget | None = None) -> dict[Entity, tuple[str, ...]]:
        """What can carry tags, with its tags; see `tags.tags`."""
        return tags.tags(_own(schema), budget or Budget(what=TAGGING))

    def with_tags(
        self,
        schema: ParsedSchema,
        add: Mapping[Entity, Sequence[str]],
        remove: Mapping[Entity, Sequence[str]],
        *,
        budget: Budget | None = None,
    ) -> str:
        """The text with other tags; see `tags.with_tags`."""
        return tags.with_tags(_own(schema), add, remove, budget or Budget(what=TAGGING))


def _own(schema: ParsedSchema) -> JsonSchema:
    if not isinstance(schema, JsonSchema):
        raise TypeError(f"A JSON Schema was expected, not {schema.schema_type}")
    return schema


def _resolved(schema: ParsedSchema) -> dict[str, str]:
    return {dependency.name: dependency.text for dependency in _own(schema).dependencies}


FORMAT = JsonSchemaFormat()
"""JSON Schema, as the registry of formats finds it."""
