"""Resolves the schema that a request names: by id, by subject and version, or by the prefix of a message."""

from dataclasses import dataclass

from llm_schema_registry.contracts import Subject
from llm_schema_registry.registry import ErrorCode, Registry, RegistryError
from llm_schema_registry.registry.config import resolve_alias
from llm_schema_registry.registry.identifiers import check_length, check_name, parse_version
from llm_schema_registry.registry.reads import get_schema, get_version
from llm_schema_registry.store.records import StoredSchema, Version


@dataclass(frozen=True, slots=True)
class SchemaSelector:
    """The schema that is meant.

    Attributes:
        content: the schema.
        version: the version of the subject it was named by, if it was.
    """

    content: StoredSchema
    version: Version | None = None


async def resolve_schema(
    registry: Registry, schema_id: int | str | None, subject: str | None, version: int | str | None
) -> SchemaSelector:
    """The schema of an id, or of a subject's version.

    Args:
        registry: the registry.
        schema_id: the id; as text it is another name for `subject`, as existing callers use it.
        subject: with an id: picks the context.
        version: `latest` if not given.

    Raises:
        RegistryError: INVALID_PAYLOAD if neither is given, SCHEMA_ID_NOT_FOUND, SUBJECT_NOT_FOUND,
            VERSION_NOT_FOUND, INVALID_VERSION.
    """
    if isinstance(schema_id, str):
        schema_id, subject = None, schema_id
    if schema_id is not None:
        of = None if subject is None else Subject.parse(check_length(subject, "subject"))
        found = await get_schema(registry, schema_id, of)
        return SchemaSelector(found.content, found.version)
    if subject is None:
        raise RegistryError(
            ErrorCode.INVALID_PAYLOAD, message="No schema is named. Give schema_id, or subject and version."
        )
    number = parse_version("latest" if version is None else str(version))
    named = await get_version(registry, await resolve_alias(registry.store, check_name(Subject.parse(subject))), number)
    return SchemaSelector(named.content, named.version)
