"""What makes two schemas the same: the GUID, a hash over text, references, metadata and rules."""

import hashlib
import struct
import uuid
from collections.abc import Iterable, Mapping

import msgspec

from llm_schema_registry.contracts.metadata import Metadata
from llm_schema_registry.contracts.rules import Rule, RuleSet


class Reference(msgspec.Struct, frozen=True):
    """A reference from one schema to a version of a subject.

    Attributes:
        name: what the text calls it: a type name (Avro), an import path (Protobuf), a `$ref` URI (JSON Schema).
        subject: the subject that holds it; unqualified means the referring schema's context.
        version: its version there; -1 in a request means the latest.
    """

    name: str
    subject: str
    version: int


def guid_of(
    text: str,
    references: Iterable[Reference] = (),
    metadata: Metadata | None = None,
    rule_set: RuleSet | None = None,
) -> str:
    """The GUID of a schema: the same in every context, node and registry.

    MD5 over the canonical text, the references in order, the metadata and the rule set, without delimiters,
    written as a UUID without version bits: the Confluent registry's function (Confluent's rule), so that
    schemas keep their identity when they move between registries.
    """
    digest = hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False)
    for reference in references:
        digest.update(reference.name.encode())
        digest.update(reference.subject.encode())
        digest.update(struct.pack(">i", reference.version))
    if metadata is not None:
        digest.update(b"\x01")
        _add_mapping_of_lists(digest, metadata.tags)
        _add_mapping(digest, metadata.properties)
        _add_set(digest, metadata.sensitive)
    if rule_set is not None:
        digest.update(b"\x01")
        for _, rules, _ in rule_set.phases():
            for rule in rules:
                _add_rule(digest, rule.materialised())
        _add(digest, rule_set.enable_at)
    return str(uuid.UUID(bytes=digest.digest()))


def _add_rule(digest: "hashlib._Hash", rule: Rule) -> None:
    for text in (rule.name, rule.doc, rule.kind, rule.mode, rule.type):
        _add(digest, text)
    _add_set(digest, rule.tags)
    _add_mapping(digest, rule.params)
    for text in (rule.expr, rule.on_success, rule.on_failure):
        _add(digest, text)
    if rule.disabled:
        digest.update(b"\x01")


def _add(digest: "hashlib._Hash", text: str | None) -> None:
    if text is not None:
        digest.update(text.encode("utf-8", "surrogatepass"))


def _add_set(digest: "hashlib._Hash", values: Iterable[str] | None) -> None:
    for value in sorted(set(values or ())):
        _add(digest, value)


def _add_mapping(digest: "hashlib._Hash", mapping: Mapping[str, str] | None) -> None:
    for key, value in sorted((mapping or {}).items()):
        _add(digest, key)
        _add(digest, value)


def _add_mapping_of_lists(digest: "hashlib._Hash", mapping: Mapping[str, Iterable[str]] | None) -> None:
    for key, values in sorted((mapping or {}).items()):
        _add(digest, key)
        _add_set(digest, values)
