"""The protocol that every schema format fulfils, and the values that cross it.

A format is a folder of `formats/` with modules for its schema, canonical text, compatibility, payload and outline, and
one object that implements `Format`. It is pure: no versions, no subjects, no I/O.
"""

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.core.findings import Finding, shortened


class SchemaType(enum.StrEnum):
    """The names of the formats on the wire (`schemaType`)."""

    AVRO = "AVRO"
    JSON = "JSON"
    PROTOBUF = "PROTOBUF"


@dataclass(frozen=True, slots=True)
class Dependency:
    """A schema that another one refers to, as the format needs it to parse the other.

    Attributes:
        name: what the referring text calls it: a full type name (Avro, informational), an import path
            (Protobuf), a `$ref` URI (JSON Schema).
        text: its canonical text.
    """

    name: str
    text: str


class Impact(enum.Enum):
    """What one difference means for "the reader can read what the writer wrote".

    `WARNING` counts as compatible, as in the reference, although a payload may break or be misunderstood: it is
    reported as a finding of severity `WARNING` wherever findings are shown, and never decides. `LOGICAL` is the same,
    unless the config says that logical types are compared strictly.
    """

    COMPATIBLE = "compatible"
    WARNING = "compatible, with a warning"
    LOGICAL = "compatible, with a warning, unless logical types are strict"
    LENIENT = "compatible under LENIENT"
    INCOMPATIBLE = "incompatible"


class Certainty(enum.Enum):
    """How sure it is that an incompatible difference breaks data; the rule decides the verdict either way."""

    CERTAIN = "some data breaks"
    POSSIBLE = "some data may break"
    NONE = "no data breaks"


@dataclass(frozen=True, slots=True)
class DifferenceType:
    """One row of a format's table of differences: the single place where a rule stands.

    Attributes:
        name: the type as the Confluent registry prints it (`READER_FIELD_MISSING_DEFAULT_VALUE`).
        impact: what it means for compatibility.
        description: Confluent's sentence with the fields `{reader}`, `{writer}`, `{path}`, `{detail}`; for a warning
            a sentence of our own with the same fields.
        why: why this breaks (or does not break) a reader, one sentence for a newcomer; may name `{detail}`.
        fix: what to do instead, one sentence; empty for compatible ones.
        certainty: for an incompatible one, whether findings may claim that data breaks.
    """

    name: str
    impact: Impact
    description: str
    why: str
    fix: str = ""
    certainty: Certainty = Certainty.CERTAIN


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference found between a reader's and a writer's schema.

    Attributes:
        type: the row of the table.
        path: where, as Confluent prints it for the format.
        detail: the value that the description or the `additionalInfo` names (missing symbols, a field name).
        reader: the reader's side as short text, where there is one.
        writer: the writer's side as short text, where there is one.
        places: how many paths lead to it, because its schema is referred to from several places. 0: it repeats a
            difference that is listed with a shorter path, for the messages of the Confluent registry.
    """

    type: DifferenceType
    path: str
    detail: str = ""
    reader: str | None = None
    writer: str | None = None
    places: int = 1


@dataclass(frozen=True, slots=True)
class OutlineField:
    """One field of a schema, as lists and trees show it.

    Attributes:
        path: dotted path from the root (`latency.total_ms`, `items[].price` for array items, `tags{}` for map values).
        type: short readable type (`string`, `union<null, long>`, `array<Message>`).
        required: whether a payload without it is refused.
        default: the default as JSON text, `None` if there is none.
        doc: its documentation.
        tags: its inline tags (`confluent:tags`), e.g. `PII`.
    """

    path: str
    type: str
    required: bool
    default: str | None = None
    doc: str | None = None
    tags: tuple[str, ...] = ()


class EntityKind(enum.StrEnum):
    """What in a schema can carry tags; the names on the wire (`entityType`)."""

    RECORD = "sr_record"
    FIELD = "sr_field"


class Entity(NamedTuple):
    """A place in a schema that can carry tags.

    Attributes:
        path: as the format writes it: `ns.Record.field` (Avro), `.Message.Nested.field` (Protobuf),
            `object.items.array.object.field` (JSON Schema, by the kinds of the schemas on the way).
        kind: what stands there.
    """

    path: str
    kind: EntityKind


class InvalidSchemaError(Exception):
    """The text is not a valid schema of its format.

    Attributes:
        message: the cause, as the reference implementation words it where clients read it.
        findings: at least one finding with the place.
    """

    def __init__(self, message: str, findings: Sequence[Finding] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.findings = tuple(findings) or (Finding(code="schema.INVALID", message=message),)


class UnknownMessageError(Exception):
    """Payloads cannot be validated as a message: the schema does not declare it. The text says what can be done."""


class InconsistentComparisonError(Exception):
    """Two schemas were found to be incompatible, but no difference says why: a defect of the comparison."""

    def __init__(self) -> None:
        super().__init__("The schemas were found to be incompatible, but no difference says why")


class Outcome(enum.Enum):
    """What became of a payload that was written under one schema and read under another."""

    READ = "read"
    REFUSED = "refused"
    MISREAD = "misread"
    UNWRITABLE = "unwritable"


@dataclass(frozen=True, slots=True)
class Reading:
    """The outcome of really writing a payload under one schema and reading it under another.

    Attributes:
        outcome: `READ`: the reader got what was written, apart from what its own schema leaves out or fills in.
            `REFUSED`: it could not read it. `MISREAD`: it read something else. `UNWRITABLE`: the value is no
            valid payload of the writer, so it says nothing about the pair.
        encoded: the payload in the format's encoding, as the writer wrote it; empty if it could not.
        problem: what the reader's codec or validator said, one sentence; empty for `READ`.
        path: JSON pointer to the value in the payload that it is about; empty if unknown, or the whole.
    """

    outcome: Outcome
    encoded: bytes = b""
    problem: str = ""
    path: str = ""


class PayloadValidator(Protocol):
    """Checks payloads against one schema. Compiled once, used for many payloads, safe to share between threads."""

    @property
    def size(self) -> int:
        """Bytes of memory that it takes, roughly."""
        ...

    def check_value(self, value: Any, text: bytes | None = None) -> list[Finding]:
        """Findings for a payload given as JSON value (`dict`, `list`, `str`, `int`, `float`, `bool`, `None`).

        Empty list: valid. Paths are JSON pointers into the payload (`/latency/total_ms`).

        Args:
            value: the payload.
            text: its JSON text, if the caller has it.

        Raises:
            BudgetExceededError: the check is expensive, and the validator checks what is cheap alone.
        """
        ...

    def check_bytes(self, data: bytes) -> list[Finding]:
        """Findings for a payload in the format's own encoding, unframed: Avro binary, JSON text, Protobuf wire.

        Never crashes and never hangs on hostile bytes: depth, sizes and counts are bounded.
        """
        ...


@runtime_checkable
class MessageValidator(PayloadValidator, Protocol):
    """Checks payloads against a schema that declares several messages, of which each payload is one (Protobuf)."""

    def as_message(self, name: str) -> "MessageValidator":
        """The validator of the same schema that takes payloads for the message of that name, full or relative.

        A payload that names another message by itself is invalid (`MESSAGE_CONFLICT`).

        Raises:
            UnknownMessageError: the schema does not declare it.
        """
        ...

    def judge_value(self, value: Any) -> tuple[str | None, list[Finding]]:
        """The findings of `check_value`, and the full name of the message that the payload was taken for, if any."""
        ...

    def judge_bytes(
        self, data: bytes, message_indexes: tuple[int, ...] | None = None
    ) -> tuple[str | None, list[Finding]]:
        """The findings of `check_bytes`, and the full name of the message that the payload was taken for, if any.

        Args:
            data: the payload without its frame.
            message_indexes: which message it is, if the payload has Confluent's frame, which says so.
        """
        ...


def as_message(validator: PayloadValidator, name: str) -> MessageValidator:
    """The validator that takes payloads for one message of the schema.

    Raises:
        UnknownMessageError: the schema does not declare it, or its format has one type per schema.
    """
    if not isinstance(validator, MessageValidator):
        raise UnknownMessageError(
            f"Payloads cannot be validated as message {shortened(name)}: only Protobuf schemas declare messages, "
            "this format has one type per schema. Leave the message out."
        )
    return validator.as_message(name)


class ParsedSchema(Protocol):
    """A parsed schema: immutable, hashable by identity, independent of subjects and versions."""

    @property
    def schema_type(self) -> SchemaType:
        """The format."""
        ...

    @property
    def canonical(self) -> str:
        """The canonical text: what is stored, hashed and returned (reference section 3)."""
        ...

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings about the text that do not refuse it; empty for a schema that was parsed with `strict=False`."""
        ...

    def normalized(self) -> str:
        """The normal form's text (`normalize=true`)."""
        ...

    def rendered(self, form: str) -> str:
        """The text in another form, as `?format=` names it; an unknown or empty name gives the text that clients read.

        That is the canonical text, save that Avro's has names for all types that references define.
        Avro: `resolved`. Protobuf: `serialized` (base64 FileDescriptorProto), `ignore_extensions`.
        """
        ...


class Format(Protocol):
    """What a schema of one format is and does."""

    @property
    def schema_type(self) -> SchemaType:
        """The format's name on the wire."""
        ...

    @property
    def difference_types(self) -> Mapping[str, DifferenceType]:
        """Every difference this format can report, by name: drives the code and generates the docs."""
        ...

    def parse(
        self,
        text: str,
        dependencies: Sequence[Dependency] = (),
        *,
        strict: bool = True,
        budget: Budget | None = None,
    ) -> ParsedSchema:
        """Parses `text`.

        Args:
            text: the schema as the client sent it (Protobuf also as base64 FileDescriptorProto).
            dependencies: every schema it refers to, transitively, dependencies before dependants, each name once.
            strict: refuse what the reference refuses for *new* schemas (Avro names and defaults); stored schemas
                are read with `strict=False`.
            budget: bounds the work; `None` takes the default.

        Raises:
            InvalidSchemaError: the text is no valid schema; says where.
            BudgetExceededError: too much work.
        """
        ...

    def equivalent(self, one: ParsedSchema, other: ParsedSchema) -> bool:
        """Whether two schemas are the same once references are resolved (the reference's `canLookup`)."""
        ...

    def compare(
        self, reader: ParsedSchema, writer: ParsedSchema, *, lenient: bool = False, budget: Budget | None = None
    ) -> list[Difference]:
        """All differences that matter for `reader` reading data written with `writer`, compatible ones included.

        BACKWARD asks with reader = new, writer = old; FORWARD the other way round. Order as the reference reports.

        Args:
            reader: the schema that reads.
            writer: the schema that wrote.
            lenient: whether what is compatible only under LENIENT may pass where one choice decides about another
                (branches of combined JSON Schemas are matched by it); the impacts are told either way.
            budget: bounds the work; `None` takes the default.

        Raises:
            BudgetExceededError: too much work.
        """
        ...

    def describe(self, difference: Difference, reader: str, writer: str) -> str:
        """The reference's text of one difference (`{errorType:…}`), with the sides called `reader` and `writer`
        (`"new"`, `"old"` for BACKWARD; `"old"`, `"new"` for FORWARD).
        """
        ...

    def validator(self, schema: ParsedSchema, *, inline: bool = False) -> PayloadValidator:
        """Compiles the payload validator of a schema.

        Args:
            schema: the schema.
            inline: whether what is not provably done within a few milliseconds is refused: compiling here, and
                checking by the validator.

        Raises:
            InvalidSchemaError: payloads cannot be checked against the schema.
            BudgetExceededError: compiling is expensive, and `inline` is asked for.
        """
        ...

    def outline(self, schema: ParsedSchema) -> list[OutlineField]:
        """The field tree, depth first in declaration order; recursive types are cut at their second occurrence."""
        ...

    def samples(self, schema: ParsedSchema, *, budget: Budget | None = None, inline: bool = False) -> Iterator[Any]:
        """Payloads of a schema as JSON values, simple ones first: the same ones every time, a finite number.

        Together they take every branch, symbol, optional field (present and absent), empty and filled
        collection, and the edges of every range at least once. Every one of them is valid under the schema.

        Raises:
            BudgetExceededError: too much work, or it is not provably cheap and `inline` is asked for.
        """
        ...

    def read(self, reader: ParsedSchema, writer: ParsedSchema, value: Any, *, inline: bool = False) -> Reading:
        """Writes `value` under `writer` and reads it under `reader` with the real codecs and validators.

        Raises:
            BudgetExceededError: that is not provably cheap, and `inline` is asked for.
        """
        ...

    def tags(self, schema: ParsedSchema, *, budget: Budget | None = None) -> dict[Entity, tuple[str, ...]]:
        """Everything in a schema's own text that can carry tags, in order, with its inline tags; mostly none.

        Raises:
            BudgetExceededError: too much work.
        """
        ...

    def with_tags(
        self,
        schema: ParsedSchema,
        add: Mapping[Entity, Sequence[str]],
        remove: Mapping[Entity, Sequence[str]],
        *,
        budget: Budget | None = None,
    ) -> str:
        """The text of a schema with other inline tags: those of `add` put in, then those of `remove` taken out.

        Raises:
            InvalidSchemaError: a path leads nowhere; names it.
            BudgetExceededError: too much work.
        """
        ...


def untaggable(entity: Entity, example: str) -> InvalidSchemaError:
    """The refusal of an entity that is not in the schema; `example` is a path as the format writes it."""
    message = f"No {_ENTITY_NAMES[entity.kind]} of the schema has the path {shortened(entity.path, 200)!r}"
    fix = f"Name an entity of this schema, for example {example}." if example else "This schema has none to tag."
    return InvalidSchemaError(
        message,
        [
            Finding(
                code="schema.UNKNOWN_ENTITY",
                path=shortened(entity.path, 200),
                message=message,
                fix=fix,
                docs="reference/findings/schema.md#unknown_entity",
            )
        ],
    )


def spend_on(entity: Entity, budget: Budget) -> Entity:
    """The entity itself, once its place in a table is paid for: paths repeat the names they go through."""
    budget.spend(1 + len(entity.path) // _PATH_CHARACTERS_OF_A_STEP)
    return entity


def changed_tags(tags: Sequence[str], added: Sequence[str], removed: Sequence[str]) -> list[str]:
    """Tags in their order, with those `added` behind them and those `removed` left out."""
    return [tag for tag in dict.fromkeys((*tags, *added)) if tag not in removed]


TAGGING = "Finding what can carry tags"
"""What the budgets of `tags` and `with_tags` are for."""

_PATH_CHARACTERS_OF_A_STEP = 64
_ENTITY_NAMES = {EntityKind.RECORD: "record", EntityKind.FIELD: "field"}
