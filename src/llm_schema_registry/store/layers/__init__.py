"""Layers: each fulfils the protocol of the store, wraps one, and adds one thing."""
