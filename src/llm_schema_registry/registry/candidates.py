"""A schema as a client sends it, made ready to be compared, looked up or stored."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from llm_schema_registry.compatibility import DuplicateKeys, weighed
from llm_schema_registry.contracts import Metadata, Reference, RuleSet, SchemaTags, Subject
from llm_schema_registry.core.findings import Finding, Severity, shortened
from llm_schema_registry.formats import InvalidSchemaError, ParsedSchema, SchemaType
from llm_schema_registry.registry.config import Config
from llm_schema_registry.registry.errors import ErrorCode, RegistryError
from llm_schema_registry.registry.identifiers import LATEST, MAX_ID, check_name
from llm_schema_registry.registry.registry import Registry
from llm_schema_registry.store.api import Reads

_BYTE_ORDER_MARK = "\ufeff"


class SchemaRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A schema in a request (`RegisterSchemaRequest` of the Confluent registry).

    Attributes:
        schema: the text; empty or absent means the text of the subject's latest version.
        schema_type: `AVRO` if absent.
        references: what the text refers to; version -1 means the latest.
        metadata: absent means the latest version's.
        rule_set: absent means the latest version's.
        version: the version it shall become; -1: the latest if it is the same, else the next.
        id: the id it shall have; only in IMPORT mode.
        schema_tags_to_add: inline tags to put into the text.
        schema_tags_to_remove: inline tags to take out of it, after that.
        propagate_schema_tags: whether the latest version's inline tags go where they still have a place.
    """

    schema: str | None = None
    schema_type: str | None = None
    references: list[Reference] | None = None
    metadata: Metadata | None = None
    rule_set: RuleSet | None = None
    version: int | None = None
    id: int | None = None
    schema_tags_to_add: list[SchemaTags] | None = None
    schema_tags_to_remove: list[SchemaTags] | None = None
    propagate_schema_tags: bool | None = None

    def __post_init__(self) -> None:
        """Drops a byte order mark, which editors put in front of a text and which is not a part of it."""
        if self.schema and self.schema.startswith(_BYTE_ORDER_MARK):
            msgspec.structs.force_setattr(self, "schema", self.schema.removeprefix(_BYTE_ORDER_MARK))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A request's schema after parsing.

    Attributes:
        parsed: the parsed form of `text`.
        text: canonical, or normal form if that was asked for.
        references: with concrete versions, in the order they are stored.
        normalized: whether `text` is the normal form.
        warnings: about the text of the request, if it is a new schema.
    """

    parsed: ParsedSchema
    text: str
    references: tuple[Reference, ...]
    normalized: bool
    warnings: tuple[Finding, ...] = ()


def schema_type_of(request: SchemaRequest) -> SchemaType:
    """The format the request names; raises INVALID_SCHEMA for one that is not known."""
    name = request.schema_type or SchemaType.AVRO
    try:
        return SchemaType(name)
    except ValueError:
        message = f"Invalid schema type {shortened(name, 100)}"
        raise RegistryError(ErrorCode.INVALID_SCHEMA, message=message) from None


def check_size(registry: Registry, text: str, *parts: object) -> None:
    """Raises SCHEMA_TOO_LARGE for a definition that is larger than the registry allows.

    Args:
        registry: the registry.
        text: the text of the schema.
        parts: what is stored with it (references, metadata, rule set); as large as their JSON.
    """
    size = len(text.encode("utf-8", "surrogatepass")) + sum(len(msgspec.json.encode(part)) for part in parts if part)
    limit = registry.rules.max_schema_bytes
    if size > limit:
        what = "with its references, metadata and rules it has" if any(parts) else "it has"
        raise RegistryError(ErrorCode.SCHEMA_TOO_LARGE, what=what, size=size, limit=limit)


def check_references(references: Iterable[Reference], context: str) -> None:
    """Raises NAME_TOO_LONG or INVALID_SUBJECT for a reference to a subject that cannot be."""
    for reference in references:
        check_name(Subject.parse(reference.subject, context))


async def prepare(
    registry: Registry,
    reads: Reads,
    subject: Subject,
    request: SchemaRequest,
    config: Config,
    *,
    normalize: bool | None,
    new: bool,
) -> Candidate:
    """Parses the schema of a request.

    Args:
        registry: the registry.
        reads: where references are looked up.
        subject: the subject it is meant for.
        request: what was sent; its text is not empty.
        config: the subject's effective config.
        normalize: as asked for in the request; `None` leaves it to the config.
        new: whether it is to be registered (strict parsing, no soft-deleted references) or only looked up.

    Raises:
        RegistryError: INVALID_SCHEMA with the place, SCHEMA_TOO_LARGE, NAME_TOO_LONG and INVALID_SUBJECT for the
            subjects of references.
        BudgetExceededError: too much work for here.
    """
    schema_type = schema_type_of(request)
    text = request.schema or ""
    check_size(registry, text, request.references, request.metadata, request.rule_set)
    check_references(request.references or (), subject.context)
    strict = new and config.validate_new_schemas is not False
    normalized = bool(config.normalize if normalize is None else normalize)
    try:
        references = await _concrete(reads, subject.context, request.references or [])
        dependencies = await registry.schemas.dependencies(reads, references, subject.context, deleted=not new)
        budget = registry.schemas.budget(reads, "Parsing the schema")
        parsed = registry.schemas.parse(schema_type, text, dependencies, strict=strict, budget=budget)
        # The normal form has no duplicate keys, and a remembered parse may be of another text that has some.
        warnings = parsed.warnings if strict else ()
        if normalized:
            references = tuple(sorted(set(references), key=lambda each: (each.name, each.subject, each.version)))
            text = parsed.normalized()
            # Its text has been checked; what is left is to read it as it is going to be stored.
            budget = registry.schemas.budget(reads, "Parsing the schema")
            parsed = registry.schemas.parse(schema_type, text, dependencies, strict=False, budget=budget)
    except InvalidSchemaError as error:
        raise _invalid(subject, schema_type, request, error) from error
    text = parsed.normalized() if normalized else parsed.canonical
    return Candidate(parsed, text, references, normalized, warnings)


def refuse_duplicate_keys(subject: Subject, request: SchemaRequest, candidate: Candidate, config: Config) -> None:
    """Raises INVALID_SCHEMA for duplicate keys in the text of a new schema, if the config counts them as errors."""
    findings = weighed(candidate.warnings, config.duplicate_keys or DuplicateKeys.WARN)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        raise _invalid(subject, candidate.parsed.schema_type, request, InvalidSchemaError(errors[0].message, findings))


async def _concrete(reads: Reads, context: str, references: list[Reference]) -> tuple[Reference, ...]:
    concrete: list[Reference] = []
    for reference in references:
        if reference.version == LATEST:
            latest = await reads.latest(Subject.parse(reference.subject, context))
            if latest is not None:
                reference = msgspec.structs.replace(reference, version=latest.version)
        elif not 1 <= reference.version <= MAX_ID:
            raise InvalidSchemaError(
                f'Invalid version {reference.version} of the reference to subject "{reference.subject}": '
                "allowed are 1 to 2^31-1, and -1 for the latest"
            )
        concrete.append(reference)
    return tuple(concrete)


def _invalid(
    subject: Subject, schema_type: SchemaType, request: SchemaRequest, error: InvalidSchemaError
) -> RegistryError:
    if schema_type is SchemaType.AVRO:
        references = ", ".join(
            f"{{name='{each.name}', subject='{each.subject}', version={each.version}}}"
            for each in request.references or []
        )
        text = shortened(request.schema or "", 1000)
        inner = (
            f"Invalid schema {{subject={subject},schemaType=AVRO,schema={text}}} with refs [{references}] of type AVRO"
        )
    else:
        inner = f"Invalid schema of type {schema_type}"
    message = f"Invalid schema of type {schema_type}, details: {inner}, details: {error.message}"
    return RegistryError(ErrorCode.INVALID_SCHEMA, error.findings, message=message)
