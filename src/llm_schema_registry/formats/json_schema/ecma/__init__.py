"""Regular expressions of ECMA-262 for an engine that has another syntax."""

from llm_schema_registry.formats.json_schema.ecma.grammar import Grammar, PatternError
from llm_schema_registry.formats.json_schema.ecma.translation import is_same_for_both, translate

__all__ = ["Grammar", "PatternError", "is_same_for_both", "translate"]
