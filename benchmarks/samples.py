"""Schemas and events of the size an LLM platform has: 20 fields, in every format, as many variants as wanted."""

import json
from collections.abc import Callable

from llm_schema_registry.formats import SchemaType

_FIELDS = (
    ("trace_id", "string"),
    ("span_id", "string"),
    ("tenant", "string"),
    ("provider", "string"),
    ("model", "string"),
    ("operation", "string"),
    ("started_at", "long"),
    ("latency_ms", "long"),
    ("first_token_ms", "long"),
    ("prompt_tokens", "long"),
    ("completion_tokens", "long"),
    ("cached_tokens", "long"),
    ("cost", "double"),
    ("temperature", "double"),
    ("top_p", "double"),
    ("confidence", "double"),
    ("streamed", "boolean"),
    ("cached", "boolean"),
    ("finish_reason", "string"),
    ("environment", "string"),
)
_JSON_TYPES = {"string": "string", "long": "integer", "double": "number", "boolean": "boolean"}
_PROTOBUF_TYPES = {"string": "string", "long": "int64", "double": "double", "boolean": "bool"}
_VALUES = {"string": "a short text", "long": 1_234, "double": 0.25, "boolean": True}

EVENT: dict[str, object] = {name: _VALUES[kind] for name, kind in _FIELDS}
"""An event that is valid under the schemas of every format."""


def schema(schema_type: SchemaType, variant: int, *, fields: int = len(_FIELDS)) -> str:
    """A schema with the first `fields` fields and a number in its name that makes it distinct."""
    return _WRITERS[schema_type](variant, fields)


def predecessor(schema_type: SchemaType, variant: int) -> str:
    """The version before: one optional field less."""
    return schema(schema_type, variant, fields=len(_FIELDS) - 1)


def _avro(variant: int, fields: int) -> str:
    optional = len(_FIELDS) - 1
    described: list[dict[str, object]] = []
    for position, (name, kind) in enumerate(_FIELDS[:fields]):
        field: dict[str, object] = {"name": name, "type": kind, "doc": f"The {name} of the call."}
        if position == optional:
            field |= {"type": ["string", "null"], "default": ""}
        described.append(field)
    record = {"type": "record", "name": f"Inference{variant}", "namespace": "bench.telemetry", "fields": described}
    return json.dumps(record, separators=(",", ":"))


def _json(variant: int, fields: int) -> str:
    properties = {name: {"type": _JSON_TYPES[kind]} for name, kind in _FIELDS[:fields]}
    return json.dumps(
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": f"Inference{variant}",
            "type": "object",
            "properties": properties,
            "required": [name for name, _ in _FIELDS[: len(_FIELDS) - 1]],
            "additionalProperties": False,
        },
        separators=(",", ":"),
    )


def _protobuf(variant: int, fields: int) -> str:
    lines = [f"  {_PROTOBUF_TYPES[kind]} {name} = {number};" for number, (name, kind) in _numbered(fields)]
    return "\n".join(
        ['syntax = "proto3";', "package bench.telemetry;", "", f"message Inference{variant} {{", *lines, "}", ""]
    )


def _numbered(fields: int) -> list[tuple[int, tuple[str, str]]]:
    return list(enumerate(_FIELDS[:fields], start=1))


_WRITERS: dict[SchemaType, Callable[[int, int], str]] = {
    SchemaType.AVRO: _avro,
    SchemaType.JSON: _json,
    SchemaType.PROTOBUF: _protobuf,
}
