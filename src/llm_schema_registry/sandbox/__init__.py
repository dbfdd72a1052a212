"""Bounded worker processes for native work that has no budget of its own."""

from llm_schema_registry.sandbox.errors import (
    DeadlineExceededError,
    ProcessDiedError,
    QueueFullError,
    SandboxError,
    SandboxUnavailableError,
)
from llm_schema_registry.sandbox.limits import Limits
from llm_schema_registry.sandbox.pool import Sandbox
from llm_schema_registry.sandbox.process import is_sandboxed

__all__ = [
    "DeadlineExceededError",
    "Limits",
    "ProcessDiedError",
    "QueueFullError",
    "Sandbox",
    "SandboxError",
    "SandboxUnavailableError",
    "is_sandboxed",
]
