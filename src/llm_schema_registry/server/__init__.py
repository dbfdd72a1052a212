"""The process and its faces: settings, assembly, REST. Translates, and decides nothing."""

from llm_schema_registry.server.app import create_app
from llm_schema_registry.server.process.main import run
from llm_schema_registry.server.settings import Settings, SettingsError, settings_reference

__all__ = ["Settings", "SettingsError", "create_app", "run", "settings_reference"]
