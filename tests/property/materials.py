"""What the three formats give a fuzzer: schemas, changes of them, payloads, and smaller schemas.

A model is a schema in the form that its generator changes easily; `text` makes it the text of a schema.
"""

import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any, Protocol, runtime_checkable

from llm_schema_registry.compatibility import Policy
from llm_schema_registry.formats import SchemaType
from property import avro_schemas, json_schemas, protobuf_schemas

UNORDERED = frozenset({"type", "enum", "required", "anyOf", "oneOf", "allOf"})
"""The keywords of JSON Schema whose lists mean the same in any order."""


class Material(Protocol):
    """Random input of one format; the same random source gives the same input."""

    schema_type: SchemaType

    def schema(self, random: Random) -> Any: ...

    def changed(self, model: Any, random: Random) -> Any: ...

    def text(self, model: Any) -> str: ...

    def payload(self, model: Any, random: Random) -> Any:
        """A payload as JSON value that is often valid under the schema."""

    def smaller(self, model: Any) -> Iterator[Any]:
        """Copies that lack one part each; some are no schemas any more."""


@runtime_checkable
class HasPolicy(Protocol):
    """Material for another policy than STRICT, whose counter-examples no laxity explains."""

    policy: Policy


@runtime_checkable
class Permutable(Protocol):
    """Material whose schemas mean the same in other orders of members and branches."""

    def permuted(self, model: Any, random: Random) -> Any: ...


class AvroMaterial:
    schema_type = SchemaType.AVRO

    def schema(self, random):
        return avro_schemas.Generator(random, sharing=0.2).record(3)

    def changed(self, model, random):
        return avro_schemas.changed(model, random)

    def text(self, model):
        return json.dumps(model)

    def payload(self, model, random):
        return avro_schemas.payload(model, random, avro_schemas.named_types(model))

    def smaller(self, model):
        return without_one_part(model)


class JsonMaterial:
    schema_type = SchemaType.JSON

    def schema(self, random):
        return json_schemas.Schemas(random, newest=random.random() < 0.5).document()

    def changed(self, model, random):
        return json_schemas.Schemas(random, newest="$schema" in model).changed(model)

    def text(self, model):
        return json.dumps(model)

    def payload(self, model, random):
        definitions = model.get("$defs") or model.get("definitions") or {}
        return json_schemas.value_for(model, random, definitions)

    def permuted(self, model, random):
        return permuted(model, random)

    def smaller(self, model):
        return without_one_part(model)


class ProtobufMaterial:
    schema_type = SchemaType.PROTOBUF

    def schema(self, random):
        return protobuf_schemas.schema(random)

    def changed(self, model, random):
        return protobuf_schemas.changed(model, random)

    def text(self, model):
        return protobuf_schemas.text(model)

    def payload(self, model, random):
        return protobuf_schemas.payload(model, random)

    def permuted(self, model, random):
        messages = {
            name: {**message, "fields": shuffled(message["fields"], random)}
            for name, message in model["messages"].items()
        }
        return {**model, "messages": messages}

    def smaller(self, model):
        for name, message in model["messages"].items():
            for tag in message["fields"]:
                result = copy.deepcopy(model)
                del result["messages"][name]["fields"][tag]
                yield result
            if len(model["messages"]) > 1:
                yield {**model, "messages": {key: value for key, value in model["messages"].items() if key != name}}


MATERIALS: dict[SchemaType, Material] = {
    each.schema_type: each for each in (AvroMaterial(), JsonMaterial(), ProtobufMaterial())
}


def without_one_part(node: Any) -> Iterator[Any]:
    """Copies of a JSON value that each lack one member or item, large parts first."""
    if isinstance(node, dict):
        for key in node:
            yield {name: value for name, value in node.items() if name != key}
        for key, value in node.items():
            for smaller in without_one_part(value):
                yield {**node, key: smaller}
    elif isinstance(node, list):
        for index in range(len(node)):
            yield node[:index] + node[index + 1 :]
        for index, value in enumerate(node):
            for smaller in without_one_part(value):
                yield [*node[:index], smaller, *node[index + 1 :]]


def permuted(node: Any, random: Random) -> Any:
    """A JSON Schema with its members, and the items of the lists whose order means nothing, in another order."""
    if isinstance(node, dict):
        result = {}
        for key, value in shuffled(node, random).items():
            value = permuted(value, random)
            if key in UNORDERED and isinstance(value, list):
                value = random.sample(value, len(value))
            elif key in ("dependencies", "dependentRequired") and isinstance(value, dict):
                value = {
                    name: random.sample(each, len(each)) if isinstance(each, list) else each
                    for name, each in value.items()
                }
            result[key] = value
        return result
    return [permuted(each, random) for each in node] if isinstance(node, list) else node


def shuffled(members: dict[Any, Any], random: Random) -> dict[Any, Any]:
    """The members in another order."""
    items = list(members.items())
    random.shuffle(items)
    return dict(items)
