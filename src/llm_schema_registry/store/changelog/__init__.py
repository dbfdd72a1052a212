"""Readers of the change log: what changed, and up to which revision a process knows it."""
