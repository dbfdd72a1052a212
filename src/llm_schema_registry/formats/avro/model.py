"""The types of an Avro schema as values.

Types are compared by identity: one object per place where the text defines a type, shared by every place that
names it, so recursive schemas are cycles of objects. Nothing changes a type once parsing has returned it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

PRIMITIVE_NAMES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
NAMED_KINDS = frozenset({"record", "enum", "fixed"})
TYPE_NAMES = PRIMITIVE_NAMES | NAMED_KINDS | {"array", "map", "union"}


class Absent(Enum):
    """The mark for "no default": `null` is a default of its own."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT

Properties = dict[str, Any]


@dataclass(slots=True, eq=False)
class AvroType:
    """What all types have.

    Attributes:
        kind: the Avro name of the kind (`record`, `union`, `long`).
        props: the attributes that Avro does not define, logical types included, in the order of the text.
    """

    kind: str
    props: Properties

    @property
    def branch_name(self) -> str:
        """The name that tells this type from the other branches of a union."""
        return self.kind

    def children(self) -> Iterator["AvroType"]:
        """The types directly inside this one, in order."""
        return iter(())


@dataclass(slots=True, eq=False)
class Primitive(AvroType):
    """One of the eight primitive types."""


@dataclass(slots=True, eq=False)
class Array(AvroType):
    """A list of `items`."""

    items: AvroType

    def children(self) -> Iterator[AvroType]:
        """The type of the items."""
        yield self.items


@dataclass(slots=True, eq=False)
class Map(AvroType):
    """A map from strings to `values`."""

    values: AvroType

    def children(self) -> Iterator[AvroType]:
        """The type of the values."""
        yield self.values


@dataclass(slots=True, eq=False)
class Union(AvroType):
    """One of several branches. Unions have no properties."""

    branches: list[AvroType]

    def children(self) -> Iterator[AvroType]:
        """The branches."""
        return iter(self.branches)


@dataclass(slots=True, eq=False)
class Named(AvroType):
    """What records, enums and fixed types have.

    Attributes:
        name: the unqualified name.
        namespace: the namespace, `None` for the null namespace.
        doc: the documentation.
        aliases: the full names of the aliases, in the order of the text.
    """

    name: str
    namespace: str | None
    doc: str | None
    aliases: tuple[str, ...]

    @property
    def full_name(self) -> str:
        """Namespace and name."""
        return self.name if self.namespace is None else f"{self.namespace}.{self.name}"

    @property
    def branch_name(self) -> str:
        """The full name."""
        return self.full_name


@dataclass(slots=True, eq=False)
class Field:
    """One field of a record; `aliases` are plain names, `order` is `ascending`, `descending` or `ignore`."""

    name: str
    type: AvroType
    doc: str | None
    default: Any
    order: str
    aliases: tuple[str, ...]
    props: Properties

    @property
    def has_default(self) -> bool:
        """Whether the text gives a default, `null` included."""
        return self.default is not ABSENT


@dataclass(slots=True, eq=False)
class Record(Named):
    """A record, or an `error` of a protocol (`is_error`), which differs only in how it is written."""

    is_error: bool
    fields: list[Field] = field(default_factory=list)
    by_name: dict[str, Field] = field(default_factory=dict)

    def children(self) -> Iterator[AvroType]:
        """The types of the fields."""
        return (member.type for member in self.fields)


@dataclass(slots=True, eq=False)
class EnumType(Named):
    """An enum; `default` is the symbol a reader takes for symbols that it does not know."""

    symbols: tuple[str, ...]
    default: str | None


@dataclass(slots=True, eq=False)
class Fixed(Named):
    """Exactly `size` bytes."""

    size: int
