"""Apache Avro: parsing, canonical texts, compatibility, payloads and outlines, without I/O."""

from llm_schema_registry.formats.avro.format import FORMAT, AvroFormat
from llm_schema_registry.formats.avro.payload import AvroValidator, InvalidPayloadError
from llm_schema_registry.formats.avro.schema import AvroSchema
from llm_schema_registry.formats.avro.schema_resolution import UnreadableError, read_as

__all__ = [
    "FORMAT",
    "AvroFormat",
    "AvroSchema",
    "AvroValidator",
    "InvalidPayloadError",
    "UnreadableError",
    "read_as",
]
