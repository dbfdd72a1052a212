"""The Protobuf format as the rest of the registry sees it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.formats.format import (
    TAGGING,
    Dependency,
    Difference,
    DifferenceType,
    Entity,
    InvalidSchemaError,
    Outcome,
    OutlineField,
    ParsedSchema,
    Reading,
    SchemaType,
)
from llm_schema_registry.formats.profiles import NotCompiledError, ProfileDifference, ProfileRule, Side
from llm_schema_registry.formats.protobuf import tags
from llm_schema_registry.formats.protobuf.breaking.comparison import WORK as PROFILE_COMPARISON
from llm_schema_registry.formats.protobuf.breaking.comparison import compare_files
from llm_schema_registry.formats.protobuf.breaking.rules import PROFILE_RULES
from llm_schema_registry.formats.protobuf.compatibility import WORK as COMPARISON
from llm_schema_registry.formats.protobuf.compatibility import compare_models
from llm_schema_registry.formats.protobuf.differences import DIFFERENCE_TYPES
from llm_schema_registry.formats.protobuf.linked import LinkedFile
from llm_schema_registry.formats.protobuf.outline import outline_of
from llm_schema_registry.formats.protobuf.payload import ProtobufValidator
from llm_schema_registry.formats.protobuf.resolution import read
from llm_schema_registry.formats.protobuf.samples import samples
from llm_schema_registry.formats.protobuf.schema import WORK as PARSE
from llm_schema_registry.formats.protobuf.schema import ProtobufSchema, parse_schema


class ProtobufFormat:
    """Fulfils `Format` for Protobuf."""

    @property
    def schema_type(self) -> SchemaType:
        """`PROTOBUF`."""
        return SchemaType.PROTOBUF

    @property
    def difference_types(self) -> Mapping[str, DifferenceType]:
        """Every difference, by name."""
        return DIFFERENCE_TYPES

    def parse(
        self,
        text: str,
        dependencies: Sequence[Dependency] = (),
        *,
        strict: bool = True,
        budget: Budget | None = None,
    ) -> ProtobufSchema:
        """Parses `.proto` text or the base64 of a FileDescriptorProto.

        With `strict` the verdict on validity is protoc's; without, the text only has to be readable.

        Raises:
            InvalidSchemaError: protoc's or the parser's messages, with line and column.
            BudgetExceededError: the text is too long, or protoc took too long.
        """
        return parse_schema(text, dependencies, strict=strict, budget=budget or Budget(what=PARSE))

    def equivalent(self, one: ParsedSchema, other: ParsedSchema) -> bool:
        """Whether both have the same text and import the same texts."""
        first, second = _protobuf(one), _protobuf(other)
        return first.canonical == second.canonical and first.imported_texts == second.imported_texts

    def compare(
        self, reader: ParsedSchema, writer: ParsedSchema, *, lenient: bool = False, budget: Budget | None = None
    ) -> list[Difference]:
        """All differences for `reader` reading data of `writer`. Protobuf knows no leniency.

        Raises:
            BudgetExceededError: too much work.
        """
        if self.equivalent(reader, writer):
            return []
        return compare_models(_protobuf(reader).model, _protobuf(writer).model, budget or Budget(what=COMPARISON))

    @property
    def profile_rules(self) -> Mapping[str, ProfileRule]:
        """Every rule of the profiles, by name."""
        return PROFILE_RULES

    def profile_differences(
        self, new: ParsedSchema, old: ParsedSchema, *, budget: Budget | None = None
    ) -> list[ProfileDifference]:
        """The changes from `old` to `new` that break profiles; see `HasProfiles.profile_differences`.

        Raises:
            NotCompiledError: protoc refuses one of the two.
            BudgetExceededError: too much work.
        """
        first, second = _protobuf(new), _protobuf(old)
        if first.canonical == second.canonical:
            return []
        budget = budget or Budget(what=PROFILE_COMPARISON)
        return list(compare_files(_linked(first, Side.NEW), _linked(second, Side.OLD), budget))

    def describe(self, difference: Difference, reader: str, writer: str) -> str:
        """`{errorType:"…", description:"…"}`, as the Confluent registry prints it."""
        name = difference.type.name
        description = difference.type.description.format(reader=reader, writer=writer, path=difference.path)
        return f'{{errorType:"{name}", description:"{description}"}}'

    def validator(self, schema: ParsedSchema, *, inline: bool = False) -> ProtobufValidator:
        """The payload validator of a schema, compiled on first use and kept with the schema.

        Raises:
            InvalidSchemaError: a stored schema that protoc refuses today.
        """
        return _protobuf(schema).validator

    def outline(self, schema: ParsedSchema) -> list[OutlineField]:
        """The field tree."""
        return outline_of(_protobuf(schema))

    def samples(self, schema: ParsedSchema, *, budget: Budget | None = None, inline: bool = False) -> Iterator[Any]:
        """Payloads of every message; see `samples.samples`. None of a stored schema that protoc refuses today."""
        try:
            validator = _protobuf(schema).validator
        except InvalidSchemaError:
            return iter(())
        return samples(validator, budget or Budget(what="Making samples"))

    def read(self, reader: ParsedSchema, writer: ParsedSchema, value: Any, *, inline: bool = False) -> Reading:
        """Writes a JSON value under `writer` and reads it under `reader` with the runtime.

        The value is of the first message, unless it names another (see `ProtobufValidator.message_of`).
        """
        try:
            return read(_protobuf(reader).validator, _protobuf(writer).validator, value)
        except InvalidSchemaError as error:
            return Reading(Outcome.UNWRITABLE, problem=error.message)

    def tags(self, schema: ParsedSchema, *, budget: Budget | None = None) -> dict[Entity, tuple[str, ...]]:
        """What can carry tags, with its tags; see `tags.tags`."""
        return tags.tags(_protobuf(schema), budget or Budget(what=TAGGING))

    def with_tags(
        self,
        schema: ParsedSchema,
        add: Mapping[Entity, Sequence[str]],
        remove: Mapping[Entity, Sequence[str]],
        *,
        budget: Budget | None = None,
    ) -> str:
        """The text with other tags; see `tags.with_tags`."""
        return tags.with_tags(_protobuf(schema), add, remove, budget or Budget(what=TAGGING))


def _protobuf(schema: ParsedSchema) -> ProtobufSchema:
    if not isinstance(schema, ProtobufSchema):
        raise TypeError(f"a parsed Protobuf schema is needed, not {type(schema).__name__}")
    return schema


def _linked(schema: ProtobufSchema, side: Side) -> LinkedFile:
    try:
        return schema.linked
    except InvalidSchemaError as error:
        raise NotCompiledError(side, error) from error


FORMAT: Final = ProtobufFormat()
