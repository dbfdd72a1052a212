"""Moving the content of registries: a snapshot of one, what another lacks, and bringing it there."""

from llm_schema_registry.client.migration.bringing import bring
from llm_schema_registry.client.migration.comparing import Collision, ConfigChange, Work, compare
from llm_schema_registry.client.migration.directory import NotAnExportError, read_directory, write_directory
from llm_schema_registry.client.migration.failures import Action, Failure, Step
from llm_schema_registry.client.migration.snapshot import Snapshot, VersionRecord
from llm_schema_registry.client.migration.taking import take_snapshot

__all__ = [
    "Action",
    "Collision",
    "ConfigChange",
    "Failure",
    "NotAnExportError",
    "Snapshot",
    "Step",
    "VersionRecord",
    "Work",
    "bring",
    "compare",
    "read_directory",
    "take_snapshot",
    "write_directory",
]
