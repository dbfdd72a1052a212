"""Large definitions as objects outside the store. What needs a package is in the modules, and not imported here."""

from llm_schema_registry.store.blobs.api import (
    BlobInfo,
    Blobs,
    BlobsUnavailableError,
    DefinitionLostError,
    InvalidBlobsUrlError,
)
from llm_schema_registry.store.blobs.factory import DEFAULT_THRESHOLD, BlobSettings, folder_of, open_blobs

__all__ = [
    "DEFAULT_THRESHOLD",
    "BlobInfo",
    "BlobSettings",
    "Blobs",
    "BlobsUnavailableError",
    "DefinitionLostError",
    "InvalidBlobsUrlError",
    "folder_of",
    "open_blobs",
]
