"""Large definitions as objects outside the store. What needs a package is in the modules, and not imported here."""

from llm_schema_registry.store.blobs.blobs import (
    Blobs,
    BlobsUnavailableError,
    DefinitionLostError,
    InvalidBlobsUrlError,
    Item,
)
from llm_schema_registry.store.blobs.opening import DEFAULT_THRESHOLD, BlobPlace, folder_of, open_blobs

__all__ = [
    "DEFAULT_THRESHOLD",
    "BlobPlace",
    "Blobs",
    "BlobsUnavailableError",
    "DefinitionLostError",
    "InvalidBlobsUrlError",
    "Item",
    "folder_of",
    "open_blobs",
]
