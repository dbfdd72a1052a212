"""The Protobuf format: `.proto` files of proto2, proto3 and the editions."""

from llm_schema_registry.formats.protobuf.format import FORMAT, ProtobufFormat

__all__ = ["FORMAT", "ProtobufFormat"]
