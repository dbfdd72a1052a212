"""A cache that all nodes of a registry share, below what each of them remembers by itself."""

from llm_schema_registry.store.layers.redis_cache.redis import RedisCache
from llm_schema_registry.store.layers.redis_cache.store import RedisCacheStore
from llm_schema_registry.store.layers.redis_cache.url import InvalidCacheUrlError, RedisUrl

__all__ = ["InvalidCacheUrlError", "RedisCache", "RedisCacheStore", "RedisUrl"]
