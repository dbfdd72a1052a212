"""Rows of the tables as values, and values as rows."""

from collections.abc import Sequence
from typing import Any

import msgspec

from llm_schema_registry.contracts.identity import Reference
from llm_schema_registry.contracts.metadata import Metadata
from llm_schema_registry.contracts.rules import RuleSet
from llm_schema_registry.contracts.subjects import Subject
from llm_schema_registry.store.records import (
    Association,
    AssociationStrength,
    Change,
    ChangeKind,
    State,
    StoredSchema,
    Version,
)
from llm_schema_registry.store.sql.text_escape import column_of, text_of

Value = str | int | None
"""What a column can hold."""

Row = Sequence[Any]
"""One row of an answer, columns in the order of the statement."""

_STATES = {state.value: state for state in State}
_LIFECYCLES = {lifecycle.value: lifecycle for lifecycle in AssociationStrength}
_KINDS = {kind.value: kind for kind in ChangeKind}
_references = msgspec.json.Decoder(tuple[Reference, ...])
_metadata = msgspec.json.Decoder(Metadata)
_rule_set = msgspec.json.Decoder(RuleSet)


def schema_of(row: Row) -> StoredSchema:
    """The content in a row of `schemas`."""
    context, schema_id, guid, schema_type, text, references, metadata, rule_set, created_at, blob = row
    return StoredSchema(
        context=context,
        schema_id=schema_id,
        guid=guid,
        schema_type=schema_type,
        text=text_of(text),
        references=() if references is None else _references.decode(references),
        metadata=None if metadata is None else _metadata.decode(metadata),
        rule_set=None if rule_set is None else _rule_set.decode(rule_set),
        created_at=created_at,
        blob=blob,
    )


def row_of_schema(schema: StoredSchema) -> tuple[Value, ...]:
    """The row of `schemas` for a content."""
    return (
        schema.context,
        schema.schema_id,
        schema.guid,
        schema.schema_type,
        column_of(schema.text),
        _json(schema.references) if schema.references else None,
        None if schema.metadata is None else _json(schema.metadata),
        None if schema.rule_set is None else _json(schema.rule_set),
        schema.created_at,
        schema.blob,
    )


def version_of(row: Row) -> Version:
    """The fact in a row of `versions`."""
    context, subject, version, schema_id, state, deleted, registered_at = row
    return Version(
        subject=Subject(context, subject),
        version=version,
        schema_id=schema_id,
        state=_STATES[state],
        deleted=deleted == 1,
        registered_at=registered_at,
    )


def association_of(row: Row) -> Association:
    """The fact in a row of `associations`."""
    resource_id, resource_type, association_type, name, namespace, context, subject, guid, lifecycle, *rest = row
    frozen, created_at, updated_at = rest
    return Association(
        resource_id=resource_id,
        resource_type=resource_type,
        association_type=association_type,
        resource_name=name,
        resource_namespace=namespace,
        subject=Subject(context, subject),
        guid=guid,
        lifecycle=_LIFECYCLES[lifecycle],
        frozen=frozen == 1,
        created_at=created_at,
        updated_at=updated_at,
    )


def subject_of(row: Row) -> Subject:
    """The subject in a row of a context and a name."""
    return Subject(row[0], row[1])


def change_of(row: Row) -> Change:
    """The record in a row of `changes`."""
    revision, ordinal, at, kind, context, subject, version, schema_id, actor, detail = row
    return Change(
        revision=revision,
        ordinal=ordinal,
        at=at,
        kind=_KINDS[kind],
        subject=Subject(context, subject),
        version=version,
        schema_id=schema_id,
        actor=text_of(actor),
        detail=None if detail is None else text_of(detail),
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
