"""A cache that all nodes of a registry share, below what each of them remembers by itself."""

from llm_schema_registry.store.caching.shared.address import Address, InvalidCacheUrlError
from llm_schema_registry.store.caching.shared.server import CacheServer
from llm_schema_registry.store.caching.shared.store import SharedStore

__all__ = ["Address", "CacheServer", "InvalidCacheUrlError", "SharedStore"]
