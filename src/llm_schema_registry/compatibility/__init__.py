"""What a change means: levels, and the verdict over a history."""

from llm_schema_registry.compatibility.duplicates import weighed
from llm_schema_registry.compatibility.exactness import Decision, decide, decides_containment
from llm_schema_registry.compatibility.laxity import overlooked_break
from llm_schema_registry.compatibility.levels import CompatibilityLevel, Direction, DuplicateKeys, LogicalTypes, Policy
from llm_schema_registry.compatibility.verdict import DIFFERENT_TYPE, Verdict, breaking_differences, check
from llm_schema_registry.formats.profiles import Profile

__all__ = [
    "DIFFERENT_TYPE",
    "CompatibilityLevel",
    "Decision",
    "Direction",
    "DuplicateKeys",
    "LogicalTypes",
    "Policy",
    "Profile",
    "Verdict",
    "breaking_differences",
    "check",
    "decide",
    "decides_containment",
    "overlooked_break",
    "weighed",
]
