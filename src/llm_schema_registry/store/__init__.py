"""One store remembers: the protocol, its values, and the SQL implementation."""

from llm_schema_registry.store.model import (
    Association,
    Change,
    ChangeKind,
    Deleted,
    Lifecycle,
    Setting,
    State,
    StoredSchema,
    Version,
)
from llm_schema_registry.store.opening import InvalidStoreUrlError, open_store
from llm_schema_registry.store.store import (
    Cause,
    OutcomeUnknownError,
    Reads,
    Store,
    StoreUnavailableError,
    Transaction,
    ValueRefusedError,
)

__all__ = [
    "Association",
    "Cause",
    "Change",
    "ChangeKind",
    "Deleted",
    "InvalidStoreUrlError",
    "Lifecycle",
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
