"""Duplicate keys of a new JSON Schema: a warning, or a refusal."""

from collections.abc import Iterable

import msgspec

from llm_schema_registry.compatibility.levels import DuplicateKeys
from llm_schema_registry.core.findings import Finding, Severity

DUPLICATE_KEY = "json.DUPLICATE_KEY"


def weighed(warnings: Iterable[Finding], duplicate_keys: DuplicateKeys) -> tuple[Finding, ...]:
    """The warnings of a parsed schema, with duplicate keys as errors if they refuse the schema."""
    if duplicate_keys is DuplicateKeys.WARN:
        return tuple(warnings)
    return tuple(
        msgspec.structs.replace(each, severity=Severity.ERROR) if each.code == DUPLICATE_KEY else each
        for each in warnings
    )
