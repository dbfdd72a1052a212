"""The HTTP protocol with the response shelf in front of the application."""

from llm_schema_registry.server.serving.connection import BoundedConnection
from llm_schema_registry.server.serving.flow import bound_send_buffers
from llm_schema_registry.server.serving.limits import RESERVED_CONNECTIONS, Limits
from llm_schema_registry.server.serving.protocol import REQUEST_BYTES, shelf_protocol
from llm_schema_registry.server.serving.shelf import Answer, Shelf
from llm_schema_registry.server.serving.signals import LocalSignal, SharedSignal

__all__ = [
    "REQUEST_BYTES",
    "RESERVED_CONNECTIONS",
    "Answer",
    "BoundedConnection",
    "Limits",
    "LocalSignal",
    "SharedSignal",
    "Shelf",
    "bound_send_buffers",
    "shelf_protocol",
]
