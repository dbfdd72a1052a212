"""The Avro format as one object."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.formats.avro import (
    compatibility,
    differences,
    logical_compatibility,
    parser,
    schema_resolution,
    tags,
)
from llm_schema_registry.formats.avro.outline import outline
from llm_schema_registry.formats.avro.payload import AvroValidator
from llm_schema_registry.formats.avro.samples import samples
from llm_schema_registry.formats.avro.schema import AvroSchema
from llm_schema_registry.formats.format import (
    TAGGING,
    Dependency,
    Difference,
    DifferenceType,
    Entity,
    OutlineField,
    ParsedSchema,
    Reading,
    SchemaType,
)


class AvroFormat:
    """Fulfils `Format` for Apache Avro."""

    @property
    def schema_type(self) -> SchemaType:
        """`AVRO`."""
        return SchemaType.AVRO

    @property
    def difference_types(self) -> Mapping[str, DifferenceType]:
        """The table of differences, by name."""
        return differences.DIFFERENCE_TYPES

    def parse(
        self,
        text: str,
        dependencies: Sequence[Dependency] = (),
        *,
        strict: bool = True,
        budget: Budget | None = None,
    ) -> AvroSchema:
        """Parses a schema; see `parser.parse`."""
        return parser.parse(text, dependencies, strict=strict, budget=budget)

    def equivalent(self, one: ParsedSchema, other: ParsedSchema) -> bool:
        """Whether the canonical texts are equal with references written out."""
        return _avro(one).resolved == _avro(other).resolved

    def compare(
        self, reader: ParsedSchema, writer: ParsedSchema, *, lenient: bool = False, budget: Budget | None = None
    ) -> list[Difference]:
        """Why `reader` cannot read what `writer` wrote, then what it gives another meaning. Avro knows no leniency.

        See `compatibility.compare` and `logical_compatibility.compare`.
        """
        budget = budget or Budget(what="The compatibility check")
        mine, theirs = _avro(reader), _avro(writer)
        found = compatibility.compare(mine, theirs, budget=budget)
        return found + logical_compatibility.compare(mine, theirs, budget)

    def describe(self, difference: Difference, reader: str, writer: str) -> str:
        """One difference in the Confluent registry's words."""
        return differences.describe(difference, reader, writer)

    def validator(self, schema: ParsedSchema, *, inline: bool = False) -> AvroValidator:
        """The payload validator of a schema; it also encodes and decodes. All its work is bounded."""
        return AvroValidator(_avro(schema), inline=inline)

    def outline(self, schema: ParsedSchema) -> list[OutlineField]:
        """The field tree with `confluent:tags`."""
        return outline(_avro(schema).root)

    def samples(self, schema: ParsedSchema, *, budget: Budget | None = None, inline: bool = False) -> Iterator[Any]:
        """Payloads of a schema, made from the schema alone."""
        return samples(_avro(schema).root, budget or Budget(what="Making samples"))

    def read(self, reader: ParsedSchema, writer: ParsedSchema, value: Any, *, inline: bool = False) -> Reading:
        """Writes and reads `value` with the real codecs."""
        return schema_resolution.read(_avro(reader), _avro(writer), value)

    def tags(self, schema: ParsedSchema, *, budget: Budget | None = None) -> dict[Entity, tuple[str, ...]]:
        """What can carry tags, with its tags; see `tags.tags`."""
        return tags.tags(_avro(schema), budget or Budget(what=TAGGING))

    def with_tags(
        self,
        schema: ParsedSchema,
        add: Mapping[Entity, Sequence[str]],
        remove: Mapping[Entity, Sequence[str]],
        *,
        budget: Budget | None = None,
    ) -> str:
        """The text with other tags; see `tags.with_tags`."""
        return tags.with_tags(_avro(schema), add, remove, budget or Budget(what=TAGGING))


def _avro(schema: ParsedSchema) -> AvroSchema:
    if not isinstance(schema, AvroSchema):
        raise TypeError(f"an Avro schema is needed here, not {type(schema).__name__}")
    return schema


FORMAT = AvroFormat()
