"""The demonstration: the registry's main job on a registry of its own."""

from llm_schema_registry.cli.demo.process import RegistryProcess
from llm_schema_registry.cli.demo.story import STEPS, Stage

__all__ = ["STEPS", "RegistryProcess", "Stage"]
