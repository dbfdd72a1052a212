"""The same event in the three formats, as the Confluent client for Python serialises it."""

import base64
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.schema_registry.rule_registry import RuleRegistry
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

Conf = Mapping[str, Any]
VALUES = {"model": "m-1", "user": "ada"}


class Dialect:
    """How one format is registered, written and read.

    Attributes:
        name: the schema type.
        record: what strategies that name subjects after records put into the subject.
        text: the schema of the event: the fields `model` and `user`, both strings; `user` is tagged PII.

    Args:
        user: what the second field is called.
    """

    name: ClassVar[str]
    record: ClassVar[str] = "app.Event"
    _text: ClassVar[str]

    def __init__(self, user: str = "user") -> None:
        self.text = self._text.replace("user", user)

    def serializer(self, client: SchemaRegistryClient, conf: Conf, rules: RuleRegistry | None = None) -> Any:
        raise NotImplementedError

    def deserializer(self, client: SchemaRegistryClient, conf: Conf, rules: RuleRegistry | None = None) -> Any:
        raise NotImplementedError

    def message(self, values: dict[str, str]) -> Any:
        """What the serializer takes."""
        return dict(values)

    def renamed(self, user: str) -> "Dialect":
        """The same with another name for the second field."""
        return type(self)(user)

    def values(self, message: Any) -> dict[str, str]:
        """The fields of what the deserializer gives."""
        return dict(message)


class _Avro(Dialect):
    name = "AVRO"
    _text = json.dumps(
        {
            "type": "record",
            "name": "Event",
            "namespace": "app",
            "fields": [
                {"name": "model", "type": "string"},
                {"name": "user", "type": "string", "confluent:tags": ["PII"]},
            ],
        }
    )

    def serializer(self, client: SchemaRegistryClient, conf: Conf, rules: RuleRegistry | None = None) -> Any:
        return AvroSerializer(client, self.text, None, dict(conf), rule_registry=rules)

    def deserializer(self, client: SchemaRegistryClient, conf: Conf, rules: RuleRegistry | None = None) -> Any:
        return AvroDeserializer(client, conf=dict(conf), rule_registry=rules)


class _Json(Dialect):
    name = "JSON"
    _text = json.dumps(
        {
            "title": "app.Event",
            "type": "object",
            "properties": {
                "model": {"type": "string"},
                "user": {"type": "string", "confluent:tags": ["PII"]},
            },
            "required": ["model"],
        }
    )

    def serializer(self, client: SchemaRegistryClient, conf: Conf, rules: RuleRegistry | None = None) -> Any:
        return JSONSerializer(self.text, client, None, dict(conf), rule_registry=rules)

    def deserializer(self, client: SchemaRegistryClient, conf: Conf, rules: RuleRegistry | None = None) -> Any:
        return JSONDeserializer(None, schema_registry_client=client, conf=dict(conf), rule_registry=rules)


class _Protobuf(Dialect):
    name = "PROTOBUF"
    _text = """\
syntax = "proto3";
package app;

import "confluent/meta.proto";

message Event {
  string model = 1;
  string user = 2 [(confluent.field_meta) = {tags: "PII"}];
}
"""

    def __init__(self, user: str = "user") -> None:
        super().__init__(user)
        # Without the tag, which is an option that only the registered text has.
        file = descriptor_pb2.FileDescriptorProto(name="app/event.proto", package="app", syntax="proto3")
        event = file.message_type.add(name="Event")
        event.field.add(name="model", json_name="model", number=1, type=9, label=1)
        event.field.add(name=user, json_name=user, number=2, type=9, label=1)
        self.descriptor = base64.b64encode(file.SerializeToString()).decode()
        pool = descriptor_pool.DescriptorPool()
        pool.Add(file)
        self._class = message_factory.GetMessageClass(pool.FindMessageTypeByName("app.Event"))

    def serializer(self, client: SchemaRegistryClient, conf: Conf, rules: RuleRegistry | None = None) -> Any:
        return ProtobufSerializer(self._class, client, dict(conf), rule_registry=rules)

    def deserializer(self, client: SchemaRegistryClient, conf: Conf, rules: RuleRegistry | None = None) -> Any:
        return ProtobufDeserializer(self._class, dict(conf), client, rule_registry=rules)

    def message(self, values: dict[str, str]) -> Any:
        return self._class(**values)

    def values(self, message: Any) -> dict[str, str]:
        return dict(json_format.MessageToDict(message))


AVRO = _Avro()
JSON = _Json()
PROTOBUF = _Protobuf()
DIALECTS: tuple[Dialect, ...] = (AVRO, JSON, PROTOBUF)
