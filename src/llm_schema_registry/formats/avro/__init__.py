"""Apache Avro."""

from llm_schema_registry.formats.avro.compatibility import compare
from llm_schema_registry.formats.avro.differences import describe
from llm_schema_registry.formats.avro.parsing import parse
from llm_schema_registry.formats.avro.schema import AvroSchema

__all__ = ["AvroSchema", "compare", "describe", "parse"]
