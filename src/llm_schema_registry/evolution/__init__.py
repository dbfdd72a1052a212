"""What a change means: levels, and the verdict over a history."""

from llm_schema_registry.evolution.checking import DIFFERENT_TYPE, Verdict, breaking_differences, check
from llm_schema_registry.evolution.duplicates import weighed
from llm_schema_registry.evolution.exactness import Decision, decide, decides_containment
from llm_schema_registry.evolution.laxity import overlooked_break
from llm_schema_registry.evolution.levels import CompatibilityLevel, Direction, DuplicateKeys, LogicalTypes, Policy
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
