"""Reading one schema's bytes through another schema, as a consumer with its own schema does.

The codec is fastavro, whose reader takes the process down on bytes that are nested deeply enough; so it only ever
sees bytes that the bounded reader of the writer's schema has accepted.
"""

import io
import json
import math
from typing import Any

import fastavro
from fastavro.read import SchemaResolutionError

from llm_schema_registry.formats.avro.payload import AvroValidator
from llm_schema_registry.formats.avro.schema import AvroSchema


class UnreadableError(Exception):
    """The data of the writer cannot be read with the reader's schema; the message says what was in the way."""


def read_as(reader: AvroSchema, writer: AvroSchema, data: bytes) -> Any:
    """The JSON value that a consumer with the schema `reader` gets from bytes written with `writer`.

    Logical types are ignored: decimals are the text of their bytes.

    Raises:
        InvalidPayloadError: the bytes are no encoding of `writer`.
        UnreadableError: the reader cannot resolve them.
    """
    AvroValidator(writer).decode(data)
    written, wanted = (
        fastavro.parse_schema(_plain(json.loads(side.resolved)), named_schemas={}) for side in (writer, reader)
    )
    try:
        return _json_value(fastavro.schemaless_reader(io.BytesIO(data), written, wanted))
    except (SchemaResolutionError, ValueError) as error:
        raise UnreadableError(str(error)) from error


def _plain(node: Any) -> Any:
    """A schema without logical types, which the codec would turn into dates and decimals."""
    if isinstance(node, list):
        return [_plain(branch) for branch in node]
    if not isinstance(node, dict):
        return node
    result = {key: value for key, value in node.items() if key != "logicalType"}
    for key in ("type", "items", "values"):
        if key in result:
            result[key] = _plain(result[key])
    if "fields" in result:
        result["fields"] = [_plain(field) for field in result["fields"]]
    return result


def _json_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json_value(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
