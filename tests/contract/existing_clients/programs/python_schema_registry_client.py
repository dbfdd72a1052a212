"""Serialises, deserialises and administers with python-schema-registry-client. Arguments: URL, topic."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from schema_registry.client import AsyncSchemaRegistryClient, SchemaRegistryClient
from schema_registry.client.errors import ClientError
from schema_registry.client.schema import AvroSchema, JsonSchema
from schema_registry.serializers import (
    AsyncAvroMessageSerializer,
    AvroMessageSerializer,
    JsonMessageSerializer,
)

_EVENT = {"type": "record", "name": "Event", "namespace": "app", "fields": [{"name": "model", "type": "string"}]}
_CHANGED = _EVENT | {"fields": [{"name": "model", "type": "int"}]}
_JSON = {"title": "Event", "type": "object", "properties": {"model": {"type": "string"}}}
_VALUE = {"model": "m-1"}


def avro(client: SchemaRegistryClient, topic: str) -> None:
    subject = f"{topic}-value"
    serializer = AvroMessageSerializer(client)
    data = serializer.encode_record_with_schema(subject, AvroSchema(_EVENT), _VALUE)
    assert serializer.decode_message(data) == _VALUE
    found = client.get_schema(subject)
    assert found is not None
    assert (found.subject, found.version) == (subject, 1)
    assert int.from_bytes(data[1:5], "big") == found.schema_id
    again = AvroMessageSerializer(SchemaRegistryClient(client.url_manager.url))
    assert again.encode_record_with_schema_id(found.schema_id, _VALUE) == data
    assert again.decode_message(data) == _VALUE


def json_schema(client: SchemaRegistryClient, topic: str) -> None:
    serializer = JsonMessageSerializer(client)
    data = serializer.encode_record_with_schema(f"{topic}-value", JsonSchema(_JSON), _VALUE)
    assert serializer.decode_message(data) == _VALUE
    found = client.get_schema(f"{topic}-value")
    assert found is not None
    assert isinstance(found.schema, JsonSchema)


def administration(client: SchemaRegistryClient, topic: str) -> None:
    subject = f"{topic}-value"
    assert client.get_schema(subject) is None
    assert client.get_versions(subject) == []
    assert client.check_version(subject, AvroSchema(_EVENT)) is None
    schema_id = client.register(subject, AvroSchema(_EVENT))
    assert client.get_by_id(schema_id) == AvroSchema(_EVENT)
    assert subject in client.get_subjects()
    assert [each.subject for each in client.get_schema_subject_versions(schema_id)].count(subject) == 1
    found = SchemaRegistryClient(client.url_manager.url).check_version(subject, AvroSchema(_EVENT))
    assert found is not None
    assert (found.schema_id, found.version) == (schema_id, 1)

    assert client.test_compatibility(subject, AvroSchema(_CHANGED)) is False
    verdict = client.test_compatibility(subject, AvroSchema(_CHANGED), verbose=True)
    assert verdict["is_compatible"] is False
    assert verdict["messages"]
    assert _refusal(lambda: client.register(subject, AvroSchema(_CHANGED))).http_code == 409
    assert client.update_compatibility("NONE", subject)
    assert client.get_compatibility(subject) == "NONE"
    assert client.update_compatibility("BACKWARD")
    assert client.get_compatibility() == "BACKWARD"
    client.register(subject, AvroSchema(_CHANGED))
    assert client.get_versions(subject) == [1, 2]
    assert client.delete_version(subject, 1) == 1
    assert client.delete_subject(subject) == [2]
    assert client.delete_subject(subject) == []


def _refusal(call: Callable[[], Any]) -> ClientError:
    try:
        call()
    except ClientError as error:
        return error
    raise AssertionError("nothing was refused")


def asynchronous(client: SchemaRegistryClient, topic: str) -> None:
    async def run() -> None:
        serializer = AsyncAvroMessageSerializer(AsyncSchemaRegistryClient(client.url_manager.url))
        data = await serializer.encode_record_with_schema(f"{topic}-value", AvroSchema(_EVENT), _VALUE)
        assert await serializer.decode_message(data) == _VALUE

    asyncio.run(run())


_STEPS = (avro, json_schema, administration, asynchronous)

if __name__ == "__main__":
    for step in _STEPS:
        step(SchemaRegistryClient(sys.argv[1]), f"{sys.argv[2]}.{step.__name__}")
