"""Associations as Confluent's own Python client makes and uses them."""

import uuid

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.common.schema_registry_client import (
    AssociationCreateOrUpdateInfo,
    AssociationCreateOrUpdateRequest,
)
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext

S1 = '{"type":"record","name":"R","fields":[{"name":"f1","type":"string"}]}'


def request(topic: str, **values: object) -> AssociationCreateOrUpdateRequest:
    info = AssociationCreateOrUpdateInfo(association_type="value", **values)
    return AssociationCreateOrUpdateRequest(topic, "lkc-1", f"id of {topic}", "topic", [info])


def test_a_strong_association(registry_url: str) -> None:
    topic = str(uuid.uuid4())
    with SchemaRegistryClient({"url": registry_url}) as client:
        made = client.create_association(request(topic, schema=Schema(S1, "AVRO")))
        (info,) = made.associations
        assert (info.subject, info.lifecycle, info.schema.schema_str) == (f":.lkc-1:{topic}-value", "STRONG", S1)
        (found,) = client.get_associations_by_resource_name(topic, "-", "topic", ["value"])
        assert (found.subject, found.resource_id) == (info.subject, f"id of {topic}")
        with pytest.raises(SchemaRegistryError) as caught:
            client.delete_associations(found.resource_id)
        assert caught.value.error_code == 40908
        client.delete_associations(found.resource_id, "topic", ["value"], cascade_lifecycle=True)
        assert client.get_associations_by_resource_name(topic, "lkc-1") == []
        assert info.subject not in client.get_subjects()


def test_serializers_take_the_associated_subject(registry_url: str) -> None:
    topic, subject = str(uuid.uuid4()), f"team/{uuid.uuid4()}"
    with SchemaRegistryClient({"url": registry_url}) as client:
        client.register_schema(subject, Schema(S1, "AVRO"))
        client.create_association(request(topic, subject=subject))
        context = SerializationContext(topic, MessageField.VALUE)
        serialize = AvroSerializer(client, S1, conf={"auto.register.schemas": False})
        data = serialize({"f1": "x"}, context)
        assert AvroDeserializer(client)(data, context) == {"f1": "x"}
        assert f"{topic}-value" not in client.get_subjects()
