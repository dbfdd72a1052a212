"""Caching layers: they fulfil the protocol of the store, and wrap one."""

from llm_schema_registry.store.caching.follower import Follower, Rememberer, Signal
from llm_schema_registry.store.caching.memory import CachedStore
from llm_schema_registry.store.caching.recent import RecentChanges

__all__ = ["CachedStore", "Follower", "RecentChanges", "Rememberer", "Signal"]
