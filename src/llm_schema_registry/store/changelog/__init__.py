"""Readers of the change log: what changed, and up to which revision a process knows it."""

from llm_schema_registry.store.changelog.follower import ChangeLogFollower, CommitSignal, InvalidationListener
from llm_schema_registry.store.changelog.recent import RecentChanges

__all__ = ["ChangeLogFollower", "CommitSignal", "InvalidationListener", "RecentChanges"]
