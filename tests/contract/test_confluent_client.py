"""Confluent's own Python client, unmodified, against a registry process."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka.schema_registry import (
    AsyncSchemaRegistryClient,
    Metadata,
    MetadataProperties,
    Rule,
    RuleKind,
    RuleMode,
    RuleSet,
    Schema,
    SchemaReference,
    SchemaRegistryClient,
    ServerConfig,
)
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.common.schema_registry_client import ConfigCompatibilityLevel
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

S1 = '{"type":"record","name":"R","fields":[{"name":"f1","type":"string"}]}'
S2 = '{"type":"record","name":"R","fields":[{"name":"f1","type":"string"},{"name":"f2","type":"string","default":"x"}]}'
S4 = '{"type":"record","name":"R","fields":[{"name":"f1","type":"int"}]}'


@pytest.fixture
def client(registry_url: str) -> Iterator[SchemaRegistryClient]:
    with SchemaRegistryClient({"url": registry_url}) as client:
        yield client


@pytest.fixture
def subject() -> str:
    return f"team/{uuid.uuid4()}:value"


def test_registering_and_reading(client: SchemaRegistryClient, subject: str) -> None:
    schema_id = client.register_schema(subject, Schema(S1, "AVRO"))
    assert client.register_schema(subject, Schema(S1, "AVRO")) == schema_id
    full = client.register_schema_full_response(subject, Schema(S2, "AVRO"))
    assert (full.version, full.guid) == (2, "218c320e-18fb-36b7-d25e-843519a59ddc")

    assert client.get_schema(schema_id).schema_str == S1
    assert client.get_schema_by_guid("acb9a771-413f-2f1c-6a25-9db09a05dd82").schema_str == S1
    latest = client.get_latest_version(subject)
    assert (latest.subject, latest.version, latest.schema.schema_str) == (subject, 2, S2)
    assert client.get_version(subject, 1).schema_id == schema_id
    assert client.get_versions(subject) == [1, 2]
    assert client.lookup_schema(subject, Schema(S1, "AVRO")).version == 1
    assert subject in client.get_subjects()
    assert client.get_subjects(subject_prefix=subject) == [subject]
    assert subject in client.get_subjects_by_schema_id(schema_id)
    assert any(each.subject == subject for each in client.get_schema_versions(schema_id))
    assert set(client.get_schema_types()) == {"AVRO", "JSON", "PROTOBUF"}
    assert "." in client.get_contexts()


def test_errors(client: SchemaRegistryClient, subject: str) -> None:
    client.register_schema(subject, Schema(S1, "AVRO"))
    with pytest.raises(SchemaRegistryError) as refused:
        client.register_schema(subject, Schema(S4, "AVRO"))
    assert (refused.value.http_status_code, refused.value.error_code) == (409, 40901)
    with pytest.raises(SchemaRegistryError) as refused:
        client.register_schema(subject, Schema("{", "AVRO"))
    assert (refused.value.http_status_code, refused.value.error_code) == (422, 42201)
    with pytest.raises(SchemaRegistryError) as refused:
        client.get_version(subject, 9)
    assert refused.value.error_code == 40402
    with pytest.raises(SchemaRegistryError) as refused:
        client.get_schema(2**31 - 1)
    assert refused.value.error_code == 40403


def test_compatibility_and_config(client: SchemaRegistryClient, subject: str) -> None:
    client.register_schema(subject, Schema(S1, "AVRO"))
    assert client.test_compatibility(subject, Schema(S2, "AVRO"))
    assert not client.test_compatibility(subject, Schema(S4, "AVRO"))
    assert client.test_compatibility_all_versions(subject, Schema(S2, "AVRO"))

    client.set_compatibility(subject, "NONE")
    assert client.get_compatibility(subject) == "NONE"
    assert client.test_compatibility(subject, Schema(S4, "AVRO"))
    client.set_config(subject, ServerConfig(compatibility=ConfigCompatibilityLevel.FULL, compatibility_group="app"))
    config = client.get_config(subject)
    assert (config.compatibility_level, config.compatibility_group) == ("FULL", "app")
    client.delete_config(subject)
    with pytest.raises(SchemaRegistryError) as refused:
        client.get_config(subject)
    assert refused.value.error_code == 40408


def test_modes(client: SchemaRegistryClient, subject: str) -> None:
    assert client.update_mode(subject, "READONLY") == "READONLY"
    assert client.get_mode(subject) == "READONLY"
    with pytest.raises(SchemaRegistryError) as refused:
        client.register_schema(subject, Schema(S1, "AVRO"))
    assert refused.value.error_code == 42205
    assert client.delete_mode(subject) == "READONLY"
    assert client.get_global_mode() == "READWRITE"


def test_metadata_and_rules(client: SchemaRegistryClient, subject: str) -> None:
    rule = Rule("checkLen", "", RuleKind.CONDITION, RuleMode.WRITE, "CEL", [], None, "true", None, None, False)
    metadata = Metadata(None, MetadataProperties({"owner": "cost-ops"}), None)
    rules = RuleSet(None, [rule])
    client.register_schema(subject, Schema(S1, "AVRO", [], metadata, rules))
    found = client.get_latest_with_metadata(subject, {"owner": "cost-ops"})
    assert found.version == 1
    assert found.schema.metadata.properties.properties == {"owner": "cost-ops"}
    assert found.schema.rule_set.domain_rules[0].name == "checkLen"


def test_references(client: SchemaRegistryClient, subject: str) -> None:
    inner = f"{subject}-inner"
    client.register_schema(inner, Schema(S1, "AVRO"))
    outer = '{"type":"record","name":"T","fields":[{"name":"r","type":"R"}]}'
    schema_id = client.register_schema(subject, Schema(outer, "AVRO", [SchemaReference("R", inner, 1)]))
    assert client.get_referenced_by(inner, 1) == [schema_id]
    found = client.get_latest_version(subject).schema.references
    assert [(each.name, each.subject, each.version) for each in found] == [("R", inner, 1)]


def test_normal_form(client: SchemaRegistryClient, subject: str) -> None:
    one = '{"type":"record","name":"R","fields":[{"name":"f1","type":"string","b":1,"a":2}]}'
    other = '{"type":"record","name":"R","fields":[{"name":"f1","type":"string","a":2,"b":1}]}'
    first = client.register_schema(subject, Schema(one, "AVRO"), normalize_schemas=True)
    assert client.register_schema(subject, Schema(other, "AVRO"), normalize_schemas=True) == first


def test_deletes(client: SchemaRegistryClient, subject: str) -> None:
    client.register_schema(subject, Schema(S1, "AVRO"))
    client.register_schema(subject, Schema(S2, "AVRO"))
    assert client.delete_version(subject, 1) == 1
    assert client.get_versions(subject) == [2]
    assert client.delete_subject(subject) == [2]
    assert subject not in client.get_subjects()
    assert subject in client.get_subjects(deleted=True)
    assert subject in client.get_subjects(deleted_only=True)
    assert client.delete_version(subject, 2, permanent=True) == 2


async def test_the_asynchronous_client(registry_url: str, subject: str) -> None:
    async with AsyncSchemaRegistryClient({"url": registry_url}) as client:
        schema_id = await client.register_schema(subject, Schema(S1, "AVRO"))
        assert (await client.get_schema(schema_id)).schema_str == S1
        assert (await client.get_latest_version(subject)).version == 1
        assert await client.test_compatibility(subject, Schema(S2, "AVRO"))
        assert await client.delete_subject(subject) == [1]
        assert await client.delete_subject(subject, permanent=True) == [1]


def _context(topic: str) -> SerializationContext:
    return SerializationContext(topic, MessageField.VALUE)


def test_avro_round_trip(client: SchemaRegistryClient, subject: str) -> None:
    context = _context(subject)
    data = AvroSerializer(client, S1)({"f1": "x"}, context)
    assert AvroDeserializer(client)(data, context) == {"f1": "x"}
    assert client.get_versions(f"{subject}-value") == [1]


def test_json_schema_round_trip(client: SchemaRegistryClient, subject: str) -> None:
    context = _context(subject)
    schema = '{"title":"E","type":"object","properties":{"a":{"type":"string"}},"required":["a"]}'
    data = JSONSerializer(schema, client)({"a": "x"}, context)
    assert JSONDeserializer(schema, schema_registry_client=client)(data, context) == {"a": "x"}


def test_protobuf_round_trip_with_an_import(client: SchemaRegistryClient, subject: str) -> None:
    message_class = _event_class(subject)
    context = _context(subject)
    event = message_class(name="x")
    event.unit.code = "USD"
    data = ProtobufSerializer(message_class, client, {"use.deprecated.format": False})(event, context)
    read: Any = ProtobufDeserializer(message_class, {"use.deprecated.format": False}, client)(data, context)
    assert (read.name, read.unit.code) == ("x", "USD")
    references = client.get_latest_version(f"{subject}-value").schema.references
    assert len(references) == 1


def _event_class(subject: str) -> Any:
    """A message class that imports another file; both have names of their own per subject."""
    package = "p" + uuid.uuid5(uuid.NAMESPACE_OID, subject).hex
    unit = descriptor_pb2.FileDescriptorProto(name=f"{package}/unit.proto", package=package, syntax="proto3")
    unit.message_type.add(name="Unit").field.add(name="code", number=1, type=9, label=1)
    event = descriptor_pb2.FileDescriptorProto(
        name=f"{package}/event.proto", package=package, syntax="proto3", dependency=[unit.name]
    )
    message = event.message_type.add(name="Event")
    message.field.add(name="name", number=1, type=9, label=1)
    message.field.add(name="unit", number=2, type=11, label=1, type_name=f".{package}.Unit")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(unit)
    pool.Add(event)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.Event"))
