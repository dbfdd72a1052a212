"""Schemas and events of the size an LLM platform has: 20 fields, in every format, as many variants as wanted."""

import functools
import json
from collections.abc import Callable

from llm_schema_registry.formats import SchemaType

_Fields = tuple[tuple[str, str], ...]
_FIELDS: _Fields = (
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
# Stands for the variant in a text that all variants have in common.
_ANY = 987_654_321
_OPTIONAL = len(_FIELDS) - 1
_JSON_TYPES = {"string": "string", "long": "integer", "double": "number", "boolean": "boolean"}
_PROTOBUF_TYPES = {"string": "string", "long": "int64", "double": "double", "boolean": "bool"}
_VALUES = {"string": "a short text", "long": 1_234, "double": 0.25, "boolean": True}

EVENT: dict[str, object] = {name: _VALUES[kind] for name, kind in _FIELDS}
"""An event that is valid under the schemas of every format."""


def schema(schema_type: SchemaType, variant: int) -> str:
    """A schema of 20 fields, with a number in its name that makes it distinct."""
    before, after = _around_variant(schema_type, _FIELDS)
    return f"{before}{variant}{after}"


def predecessor(schema_type: SchemaType, variant: int) -> str:
    """The version before: without the last field, which is optional."""
    before, after = _around_variant(schema_type, _FIELDS[:-1])
    return f"{before}{variant}{after}"


def successor(schema_type: SchemaType, variant: int, revision: int) -> str:
    """One of many compatible successors of the predecessor: they differ in the name of the last field."""
    *first, (name, kind) = _FIELDS
    return _WRITERS[schema_type](variant, (*first, (f"{name}_{revision}", kind)))


@functools.cache
def _around_variant(schema_type: SchemaType, fields: _Fields) -> tuple[str, str]:
    before, _, after = _WRITERS[schema_type](_ANY, fields).partition(str(_ANY))
    return before, after


def _avro(variant: int, fields: _Fields) -> str:
    described: list[dict[str, object]] = []
    for position, (name, kind) in enumerate(fields):
        field: dict[str, object] = {"name": name, "type": kind, "doc": f"The {name} of the call."}
        if position == _OPTIONAL:
            field |= {"type": ["string", "null"], "default": ""}
        described.append(field)
    record = {"type": "record", "name": f"Inference{variant}", "namespace": "bench.telemetry", "fields": described}
    return json.dumps(record, separators=(",", ":"))


def _json(variant: int, fields: _Fields) -> str:
    properties = {name: {"type": _JSON_TYPES[kind]} for name, kind in fields}
    return json.dumps(
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": f"Inference{variant}",
            "type": "object",
            "properties": properties,
            "required": [name for name, _ in fields[:_OPTIONAL]],
            "additionalProperties": False,
        },
        separators=(",", ":"),
    )


def _protobuf(variant: int, fields: _Fields) -> str:
    lines = [f"  {_PROTOBUF_TYPES[kind]} {name} = {number};" for number, (name, kind) in enumerate(fields, start=1)]
    return "\n".join(
        ['syntax = "proto3";', "package bench.telemetry;", "", f"message Inference{variant} {{", *lines, "}", ""]
    )


_WRITERS: dict[SchemaType, Callable[[int, _Fields], str]] = {
    SchemaType.AVRO: _avro,
    SchemaType.JSON: _json,
    SchemaType.PROTOBUF: _protobuf,
}
