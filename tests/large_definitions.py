"""Honest definitions of any size: many parts of 20 fields, and the next version with one addition.

The names of fields begin with `prefix`: the shorter it is, the more fields there are, and the more work.
"""

import json
from collections.abc import Callable

from llm_schema_registry.formats import SchemaType

FIELDS = 20


def avro(size: int, *, added: bool, prefix: str = "f") -> str:
    records: list[object] = []
    text = ""
    while len(text) < size:
        fields: list[object] = [{"name": f"{prefix}{index}", "type": "int"} for index in range(FIELDS)]
        records.append(
            {"name": f"r{len(records)}", "type": {"type": "record", "name": f"R{len(records)}", "fields": fields}}
        )
        if len(records) % 20 == 0:
            text = json.dumps(records, separators=(",", ":"))
    if added:
        records.append({"name": "added", "type": ["null", "string"], "default": None})
    return json.dumps({"type": "record", "name": "Large", "fields": records}, separators=(",", ":"))


def protobuf(size: int, *, added: bool, prefix: str = "f") -> str:
    members = "".join(f"int32 {prefix}{index}={index + 1};\n" for index in range(FIELDS))
    count = size // len(members)
    messages = "".join(f"message M{index} {{\n{members}}}\n" for index in range(count))
    return f'syntax="proto3";\n{messages}{"message Added { int32 a=1; }" if added else ""}'


def json_schema(size: int, *, added: bool, prefix: str = "f") -> str:
    properties = {f"{prefix}{index}": {"type": "string"} for index in range(FIELDS)}
    part = {"type": "object", "properties": properties, "additionalProperties": False}
    count = size // len(json.dumps(part, separators=(",", ":")))
    definitions: dict[str, object] = {f"p{index}": part for index in range(count)}
    if added:
        definitions["p0"] = {**part, "properties": {**properties, "added": {"type": "string"}}}
    places = {name: {"$ref": f"#/definitions/{name}"} for name in definitions}
    return json.dumps(
        {"type": "object", "properties": places, "definitions": definitions, "additionalProperties": False},
        separators=(",", ":"),
    )


WRITTEN: dict[SchemaType, Callable[..., str]] = {
    SchemaType.AVRO: avro,
    SchemaType.JSON: json_schema,
    SchemaType.PROTOBUF: protobuf,
}
