"""Reading one schema's bytes through another schema, as a consumer with its own schema does.

The codec is fastavro, whose reader takes the process down on bytes that are nested deeply enough; so it only ever
sees bytes that the bounded reader of the writer's schema has accepted.
"""

import functools
import io
import json
import math
from typing import Any

import fastavro
from fastavro.read import SchemaResolutionError

from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.formats.avro.payload import AvroValidator, InvalidPayloadError
from llm_schema_registry.formats.avro.round_trip import misread_at
from llm_schema_registry.formats.avro.schema import AvroSchema
from llm_schema_registry.formats.format import Outcome, Reading


class UnreadableError(Exception):
    """The data of the writer cannot be read with the reader's schema; the message says what was in the way."""


def read_as(reader: AvroSchema, writer: AvroSchema, data: bytes) -> Any:
    """The JSON value that a consumer with the schema `reader` gets from bytes written with `writer`.

    Logical types are ignored: decimals are the text of their bytes.

    Raises:
        InvalidPayloadError: the bytes are no encoding of `writer`.
        UnreadableError: the reader cannot resolve them.
    """
    _validator(writer).decode(data)
    return _resolved(reader, writer, data)


def read(reader: AvroSchema, writer: AvroSchema, value: Any) -> Reading:
    """Writes a JSON value under `writer` and reads it under `reader`; the contract is `Format.read`."""
    try:
        data = _validator(writer).encode(value)
    except InvalidPayloadError as error:
        return Reading(Outcome.UNWRITABLE, problem=str(error))
    try:
        found = read_as(reader, writer, data)
    except (UnreadableError, InvalidPayloadError) as error:
        return Reading(Outcome.REFUSED, data, str(error))
    budget = Budget(what="Comparing what was written with what was read")
    try:
        path = misread_at(reader.root, _resolved(writer, writer, data), found, budget)
    except BudgetExceededError as error:
        return Reading(Outcome.UNWRITABLE, data, str(error))
    if path is None:
        return Reading(Outcome.READ, data)
    where = f"The value that was read at {path}" if path else "The value that was read"
    return Reading(Outcome.MISREAD, data, f"{where} is not what was written")


def _resolved(reader: AvroSchema, writer: AvroSchema, data: bytes) -> Any:
    try:
        return _json_value(fastavro.schemaless_reader(io.BytesIO(data), _codec_schema(writer), _codec_schema(reader)))
    except (SchemaResolutionError, UnicodeDecodeError) as error:
        raise UnreadableError(str(error)) from error
    except (ValueError, LookupError, TypeError, EOFError) as error:
        # The codec has no error of its own for some pairs of schemas.
        raise UnreadableError(f"The codec stopped with {type(error).__name__}: {error}") from error


@functools.lru_cache(maxsize=32)
def _validator(schema: AvroSchema) -> AvroValidator:
    return AvroValidator(schema)


@functools.lru_cache(maxsize=32)
def _codec_schema(schema: AvroSchema) -> Any:
    return fastavro.parse_schema(_plain(json.loads(schema.resolved)), named_schemas={})


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
