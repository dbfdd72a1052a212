"""The registry of formats: a fourth format is a fourth folder and one line here."""

import functools
import importlib

from llm_schema_registry.formats.format import Format, SchemaType

_FORMATS = {
    SchemaType.AVRO: "llm_schema_registry.formats.avro",
    SchemaType.JSON: "llm_schema_registry.formats.json_schema",
    SchemaType.PROTOBUF: "llm_schema_registry.formats.protobuf",
}


@functools.cache
def format_of(schema_type: SchemaType) -> Format:
    """The format of a type. Its package is imported on first use, since some bring large libraries."""
    found: Format = importlib.import_module(_FORMATS[schema_type]).FORMAT
    return found
