"""What a payload must also satisfy: metadata, rules, and the identity that covers them."""

from llm_schema_registry.contracts.identity import Reference, guid_of
from llm_schema_registry.contracts.metadata import (
    CONFLUENT_VERSION,
    RESERVED_FIELDS,
    Metadata,
    merge_metadata,
    property_of,
    same_but_for_version,
    without_version_marker,
)
from llm_schema_registry.contracts.rules import (
    EnableAt,
    InvalidRuleSetError,
    Rule,
    RuleKind,
    RuleMode,
    RuleSet,
    check_rule_set,
    merge_rule_sets,
)
from llm_schema_registry.contracts.subjects import (
    CONTEXT_WILDCARD,
    DEFAULT_CONTEXT,
    DEFAULT_SCOPE,
    GLOBAL_CONTEXT,
    GLOBAL_SCOPE,
    Subject,
)
from llm_schema_registry.contracts.tags import EVERY_TAG, SchemaEntity, SchemaTags, by_entity, listed_tags, tags_in_all

__all__ = [
    "CONFLUENT_VERSION",
    "CONTEXT_WILDCARD",
    "DEFAULT_CONTEXT",
    "DEFAULT_SCOPE",
    "EVERY_TAG",
    "GLOBAL_CONTEXT",
    "GLOBAL_SCOPE",
    "RESERVED_FIELDS",
    "EnableAt",
    "InvalidRuleSetError",
    "Metadata",
    "Reference",
    "Rule",
    "RuleKind",
    "RuleMode",
    "RuleSet",
    "SchemaEntity",
    "SchemaTags",
    "Subject",
    "by_entity",
    "check_rule_set",
    "guid_of",
    "listed_tags",
    "merge_metadata",
    "merge_rule_sets",
    "property_of",
    "same_but_for_version",
    "tags_in_all",
    "without_version_marker",
]
