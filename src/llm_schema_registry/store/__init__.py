"""One store remembers: the protocol, its values, and the SQL implementation."""

from llm_schema_registry.store.api import (
    Cause,
    OutcomeUnknownError,
    Reads,
    Store,
    StoreUnavailableError,
    Transaction,
    ValueRefusedError,
)
from llm_schema_registry.store.factory import InvalidStoreUrlError, open_store
from llm_schema_registry.store.records import (
    Association,
    AssociationStrength,
    Change,
    ChangeKind,
    Deleted,
    Setting,
    State,
    StoredSchema,
    Version,
)

__all__ = [
    "Association",
    "AssociationStrength",
    "Cause",
    "Change",
    "ChangeKind",
    "Deleted",
    "InvalidStoreUrlError",
    "OutcomeUnknownError",
    "Reads",
    "Setting",
    "State",
    "Store",
    "StoreUnavailableError",
    "StoredSchema",
    "Transaction",
    "ValueRefusedError",
    "Version",
    "open_store",
]
