"""Shared cache of point reads, for all nodes of a registry."""

from llm_schema_registry.store.layers.redis_cache.redis import RedisCache
from llm_schema_registry.store.layers.redis_cache.store import RedisCacheStore
from llm_schema_registry.store.layers.redis_cache.url import InvalidCacheUrlError, RedisUrl

__all__ = ["InvalidCacheUrlError", "RedisCache", "RedisCacheStore", "RedisUrl"]
