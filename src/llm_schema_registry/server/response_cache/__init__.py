"""The response cache, in front of the application."""

from llm_schema_registry.server.connections.connection import BoundedConnection
from llm_schema_registry.server.connections.flow_control import bound_send_buffers
from llm_schema_registry.server.connections.limits import RESERVED_CONNECTIONS, Limits
from llm_schema_registry.server.response_cache.cache import CachedResponse, ResponseCache
from llm_schema_registry.server.response_cache.commit_signal import LocalCommitSignal, SharedCommitSignal
from llm_schema_registry.server.response_cache.protocol import REQUEST_BYTES, response_cache_protocol

__all__ = [
    "REQUEST_BYTES",
    "RESERVED_CONNECTIONS",
    "BoundedConnection",
    "CachedResponse",
    "Limits",
    "LocalCommitSignal",
    "ResponseCache",
    "SharedCommitSignal",
    "bound_send_buffers",
    "response_cache_protocol",
]
