"""Caching layers: they fulfil the protocol of the store, and wrap one."""

from llm_schema_registry.store.changelog.follower import ChangeLogFollower, CommitSignal, InvalidationListener
from llm_schema_registry.store.changelog.recent import RecentChanges
from llm_schema_registry.store.layers.local_cache import LocalCacheStore

__all__ = ["ChangeLogFollower", "CommitSignal", "InvalidationListener", "LocalCacheStore", "RecentChanges"]
