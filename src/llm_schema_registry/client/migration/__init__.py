"""Moving the content of registries: a snapshot of one, what another lacks, and bringing it there."""

from llm_schema_registry.client.migration.archive import NotAnExportError, read_directory, write_directory
from llm_schema_registry.client.migration.diff import Collision, ConfigChange, ImportPlan, compare
from llm_schema_registry.client.migration.exporter import take_snapshot
from llm_schema_registry.client.migration.failures import Action, Failure, Step
from llm_schema_registry.client.migration.importer import apply_import
from llm_schema_registry.client.migration.snapshot import Snapshot, VersionRecord

__all__ = [
    "Action",
    "Collision",
    "ConfigChange",
    "Failure",
    "ImportPlan",
    "NotAnExportError",
    "Snapshot",
    "Step",
    "VersionRecord",
    "apply_import",
    "compare",
    "read_directory",
    "take_snapshot",
    "write_directory",
]
