"""The shapes of answers: absent and empty fields are left out, as the Confluent registry does."""

import re
from typing import Annotated, TypeVar

import msgspec

from llm_schema_registry.contracts import DEFAULT_CONTEXT, Metadata, Reference, Rule, RuleSet, SchemaTags, Subject
from llm_schema_registry.formats import SchemaType
from llm_schema_registry.registry import Registry
from llm_schema_registry.registry.candidates import SchemaRequest
from llm_schema_registry.registry.reads import render
from llm_schema_registry.registry.tags import find_tags
from llm_schema_registry.server.http.query_params import Query
from llm_schema_registry.store.records import StoredSchema, Version

_S = TypeVar("_S", bound=msgspec.Struct)
# No text of a .proto file looks like this: it has spaces, or braces, or both.
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")

Format = Annotated[
    str,
    msgspec.Meta(
        description="Another form of the text: `canonical` (what the GUID is made from), `resolved` (Avro, references "
        "written out), `serialized` (Protobuf, base64 of the descriptor), `ignore_extensions` (Protobuf). Anything "
        "else: the text that clients read, which differs from the canonical one in Avro schemas with references."
    ),
]
ReferenceFormat = Annotated[
    str,
    msgspec.Meta(
        description="`qualified` names the subjects of references with their context, outside the default one.",
        extra={"aliases": ("reference_format",)},
    ),
]
WithDeleted = Annotated[bool, msgspec.Meta(description="Soft-deleted ones too.")]
DeletedOnly = Annotated[
    bool, msgspec.Meta(description="Soft-deleted ones only; wins over `deleted`.", extra={"aliases": ("deleted_only",)})
]
Permanent = Annotated[bool, msgspec.Meta(description="For good, which needs a soft delete first.")]
Normalize = Annotated[
    bool | None, msgspec.Meta(description="Bring the schema into normal form; left out: as the config says.")
]
InContext = Annotated[
    str | None, msgspec.Meta(description="A subject, which picks the context the id belongs to; `:.ctx:` is enough.")
]


FindTags = Annotated[
    tuple[str, ...],
    msgspec.Meta(
        description="Tell the records and fields that have one of these tags, inline or by the metadata; `*`: any."
    ),
]


class SchemaForm(Query, frozen=True, kw_only=True):
    """How a schema is written in an answer."""

    format: Format = ""
    reference_format: ReferenceFormat = ""


class SchemaResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A schema: a version of a subject, or content known by its id or GUID."""

    subject: str | None = None
    version: int | None = None
    id: int | None = None
    guid: str
    schema_type: str
    schema: str
    references: tuple[Reference, ...] = ()
    metadata: Metadata | None = None
    rule_set: RuleSet | None = None
    schema_tags: list[SchemaTags] = []
    max_id: int | None = None
    ts: int | None = None
    deleted: bool = False


async def version_answer(
    registry: Registry, version: Version, content: StoredSchema, form: SchemaForm | None = None
) -> SchemaResponse:
    """A version of a subject with its content."""
    return SchemaResponse(
        subject=str(version.subject),
        version=version.version,
        id=content.schema_id,
        guid=content.guid,
        schema_type=content.schema_type,
        schema=await render(registry, content, "" if form is None else form.format),
        references=references_of(content, form),
        metadata=metadata_of(content),
        rule_set=rule_set_of(content),
        ts=version.registered_at,
        deleted=version.deleted,
    )


async def with_schema_tags(
    registry: Registry, answer: SchemaResponse, content: StoredSchema, wanted: tuple[str, ...]
) -> SchemaResponse:
    """An answer with the tagged records and fields that `findTags` asks for."""
    if not wanted:
        return answer
    return msgspec.structs.replace(answer, schema_tags=await find_tags(registry, content, wanted))


def sent_descriptor(request: SchemaRequest) -> str | None:
    """The descriptor of a Protobuf schema that was sent as one, for the answer to it; `None` for any other schema.

    Clients of Protobuf remember the answer to a registration under its id, and read it as what they sent.
    """
    sent = request.schema or ""
    changes_tags = request.schema_tags_to_add or request.schema_tags_to_remove or request.propagate_schema_tags
    if changes_tags or request.schema_type != SchemaType.PROTOBUF or not _BASE64.fullmatch(sent):
        return None
    return sent


def references_of(content: StoredSchema, form: SchemaForm | None) -> tuple[Reference, ...]:
    """The references as an answer names them."""
    if form is None or form.reference_format != "qualified" or content.context == DEFAULT_CONTEXT:
        return content.references
    return tuple(
        msgspec.structs.replace(each, subject=str(Subject.parse(each.subject, content.context)))
        for each in content.references
    )


def metadata_of(content: StoredSchema) -> Metadata | None:
    """The metadata without empty fields."""
    return None if content.metadata is None else _without_empty(content.metadata)


def rule_set_of(content: StoredSchema) -> RuleSet | None:
    """The rule set without empty fields."""
    rule_set = content.rule_set
    if rule_set is None:
        return None
    return _without_empty(
        msgspec.structs.replace(
            rule_set,
            migration_rules=_each_without_empty(rule_set.migration_rules),
            domain_rules=_each_without_empty(rule_set.domain_rules),
            encoding_rules=_each_without_empty(rule_set.encoding_rules),
        )
    )


def _each_without_empty(rules: list[Rule] | None) -> list[Rule] | None:
    return [_without_empty(rule) for rule in rules or ()]


def _without_empty(value: _S) -> _S:
    empty = {name: None for name in value.__struct_fields__ if getattr(value, name) in ("", [], {})}
    return msgspec.structs.replace(value, **empty) if empty else value
