"""Serialises and deserialises with whichever release of confluent-kafka the interpreter has. Arguments: URL, topic."""

import importlib.metadata
import json
import sys
from collections.abc import Callable
from typing import Any

from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

_AVRO = '{"type":"record","name":"Event","namespace":"app","fields":[{"name":"model","type":"string"}]}'
_ANOTHER = '{"type":"record","name":"Event","namespace":"app","fields":[{"name":"model","type":"int"}]}'
_BATCH = '{"type":"record","name":"Batch","fields":[{"name":"event","type":"app.Event"}]}'
_JSON = '{"title":"Event","type":"object","properties":{"model":{"type":"string"}}}'
_CURRENT = {"use.deprecated.format": False}
_VALUE = {"model": "m-1"}
_RELEASE = tuple(map(int, importlib.metadata.version("confluent-kafka").split(".")))


def avro(client: SchemaRegistryClient, topic: str) -> None:
    context = SerializationContext(topic, MessageField.VALUE)
    data = AvroSerializer(client, _AVRO)(_VALUE, context)
    assert AvroDeserializer(client)(data, context) == _VALUE
    assert client.get_versions(f"{topic}-value") == [1]
    latest = AvroSerializer(client, _AVRO, conf={"auto.register.schemas": False, "use.latest.version": True})
    assert latest(_VALUE, context) == data
    found = AvroSerializer(client, _AVRO, conf={"auto.register.schemas": False})
    assert found(_VALUE, context) == data


def avro_references(client: SchemaRegistryClient, topic: str) -> None:
    if _RELEASE < (2, 1):
        return  # Its serialiser takes texts only.
    context = SerializationContext(topic, MessageField.VALUE)
    client.register_schema(f"{topic}-event", Schema(_AVRO, "AVRO", []))
    batch = Schema(_BATCH, "AVRO", [SchemaReference("app.Event", f"{topic}-event", 1)])
    data = AvroSerializer(client, batch)({"event": _VALUE}, context)
    assert AvroDeserializer(client)(data, context) == {"event": _VALUE}


def json_schema(client: SchemaRegistryClient, topic: str) -> None:
    context = SerializationContext(topic, MessageField.VALUE)
    data = JSONSerializer(_JSON, client)(_VALUE, context)
    assert json.loads(data[5:]) == _VALUE
    assert JSONDeserializer(_JSON)(data, context) == _VALUE


def protobuf(client: SchemaRegistryClient, topic: str) -> None:
    context = SerializationContext(topic, MessageField.VALUE)
    event_class = _event_class()
    event = event_class(model="m-1")
    event.at.seconds = 1
    for conf in ({"skip.known.types": False}, {"skip.known.types": True}):
        data = ProtobufSerializer(event_class, client, _CURRENT | conf)(event, context)
        assert ProtobufDeserializer(event_class, _CURRENT)(data, context) == event


def administration(client: SchemaRegistryClient, topic: str) -> None:
    subject = f"{topic}-subject"
    schema_id = client.register_schema(subject, Schema(_AVRO, "AVRO"))
    assert client.get_schema(schema_id).schema_str == _AVRO
    assert client.lookup_schema(subject, Schema(_AVRO, "AVRO")).version == 1
    assert not client.test_compatibility(subject, Schema(_ANOTHER, "AVRO"), "latest")
    assert client.set_compatibility(subject, "NONE") is not None
    assert client.get_compatibility(subject) == "NONE"
    assert client.test_compatibility(subject, Schema(_ANOTHER, "AVRO"))
    assert client.delete_version(subject, 1) == 1
    refusal = _refusal(lambda: client.get_latest_version(subject))
    assert (refusal.http_status_code, refusal.error_code) == (404, 40401)


def _refusal(call: Callable[[], Any]) -> SchemaRegistryError:
    try:
        call()
    except SchemaRegistryError as error:
        return error
    raise AssertionError("nothing was refused")


def _event_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="app/old_event.proto", package="app", syntax="proto3")
    file.dependency.append("google/protobuf/timestamp.proto")
    event = file.message_type.add(name="Event")
    event.field.add(name="model", number=1, type=9, label=1)
    event.field.add(name="at", number=2, type=11, label=1, type_name=".google.protobuf.Timestamp")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("app.Event"))


_STEPS = (avro, avro_references, json_schema, protobuf, administration)

if __name__ == "__main__":
    for step in _STEPS:
        step(SchemaRegistryClient({"url": sys.argv[1]}), f"{sys.argv[2]}.{step.__name__}")
