"""The serialisers of the Confluent client for Python: how they find subjects, ids and schemas."""

import struct
import uuid
from typing import Any

import pytest
from confluent_kafka.schema_registry import (
    AssociationCreateOrUpdateInfo,
    AssociationCreateOrUpdateRequest,
    AsyncSchemaRegistryClient,
    Metadata,
    MetadataProperties,
    Schema,
    SchemaReference,
    SchemaRegistryClient,
    header_schema_id_serializer,
    record_subject_name_strategy,
)
from confluent_kafka.schema_registry.avro import (
    AsyncAvroDeserializer,
    AsyncAvroSerializer,
    AvroDeserializer,
    AvroSerializer,
)
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext, SerializationError

from contract.existing_clients.dialects import AVRO, PROTOBUF, VALUES, Dialect

_LOOK_UP = {"auto.register.schemas": False}
_LATEST = {"auto.register.schemas": False, "use.latest.version": True}


def _value_of(topic: str, headers: Any = None) -> SerializationContext:
    return SerializationContext(topic, MessageField.VALUE, headers)


def _written_and_read(client: SchemaRegistryClient, dialect: Dialect, topic: str, **conf: Any) -> bytes:
    """What was written, after it was read again."""
    data: bytes = dialect.serializer(client, conf)(dialect.message(VALUES), _value_of(topic))
    assert dialect.values(dialect.deserializer(client, {})(data, _value_of(topic))) == VALUES
    return data


def test_a_first_message_registers_its_schema(client: SchemaRegistryClient, dialect: Dialect, topic: str) -> None:
    data = _written_and_read(client, dialect, topic)
    registered = client.get_latest_version(f"{topic}-value")
    assert (registered.version, registered.schema.schema_type or "AVRO") == (1, dialect.name)
    assert struct.unpack(">bI", data[:5]) == (0, registered.schema_id)


def test_a_schema_nobody_registered_is_not_found(client: SchemaRegistryClient, dialect: Dialect, topic: str) -> None:
    with pytest.raises(SchemaRegistryError) as refused:
        _written_and_read(client, dialect, topic, **_LOOK_UP)
    assert (refused.value.http_status_code, refused.value.error_code) == (404, 40401)


@pytest.mark.parametrize("normalized", [False, True])
def test_a_registered_schema_is_found(
    client: SchemaRegistryClient, owner: SchemaRegistryClient, dialect: Dialect, topic: str, normalized: bool
) -> None:
    text = dialect.text if dialect is not PROTOBUF else PROTOBUF.descriptor
    schema_id = owner.register_schema(f"{topic}-value", Schema(text, dialect.name), normalize_schemas=normalized)
    data = _written_and_read(client, dialect, topic, **_LOOK_UP, **{"normalize.schemas": normalized})
    assert struct.unpack(">I", data[1:5]) == (schema_id,)


def test_a_descriptor_is_found_that_was_registered_as_text(
    client: SchemaRegistryClient, owner: SchemaRegistryClient, topic: str
) -> None:
    text = 'syntax = "proto3";\npackage app;\n\nmessage Event {\n  string model = 1;\n  string user = 2;\n}\n'
    schema_id = owner.register_schema(f"{topic}-value", Schema(text, "PROTOBUF"))
    data = _written_and_read(client, PROTOBUF, topic, **_LOOK_UP)
    assert struct.unpack(">I", data[1:5]) == (schema_id,)


def test_the_latest_version_is_used(
    client: SchemaRegistryClient, owner: SchemaRegistryClient, dialect: Dialect, topic: str
) -> None:
    schema_id = owner.register_schema(f"{topic}-value", Schema(dialect.text, dialect.name))
    data = _written_and_read(client, dialect, topic, **_LATEST)
    assert struct.unpack(">I", data[1:5]) == (schema_id,)


def test_the_latest_version_with_metadata_is_used(
    client: SchemaRegistryClient, owner: SchemaRegistryClient, dialect: Dialect, topic: str
) -> None:
    ids = []
    for major in ("1", "2"):
        metadata = Metadata(None, MetadataProperties({"app/major version": major}), None)
        ids.append(owner.register_schema(f"{topic}-value", Schema(dialect.text, dialect.name, [], metadata)))
    assert ids[0] != ids[1]
    for major, schema_id in zip(("1", "2"), ids, strict=True):
        conf = {"auto.register.schemas": False, "use.latest.with.metadata": {"app/major version": major}}
        data = _written_and_read(client, dialect, topic, **conf)
        assert struct.unpack(">I", data[1:5]) == (schema_id,)


def test_a_schema_id_is_used(
    client: SchemaRegistryClient, owner: SchemaRegistryClient, dialect: Dialect, topic: str
) -> None:
    schema_id = owner.register_schema(f"{topic}-value", Schema(dialect.text, dialect.name))
    data = _written_and_read(client, dialect, topic, **_LOOK_UP, **{"use.schema.id": schema_id})
    assert struct.unpack(">I", data[1:5]) == (schema_id,)


def test_guids_in_headers(client: SchemaRegistryClient, dialect: Dialect, topic: str) -> None:
    headers: list[tuple[str, bytes]] = []
    conf = {"schema.id.serializer": header_schema_id_serializer}
    data = dialect.serializer(client, conf)(dialect.message(VALUES), _value_of(topic, headers))
    [(name, value)] = headers
    registered = client.get_latest_version(f"{topic}-value")
    assert name == "__value_schema_id"
    assert value[:17] == b"\x01" + uuid.UUID(registered.guid).bytes
    read = dialect.deserializer(client, {})(data, _value_of(topic, headers))
    assert dialect.values(read) == VALUES


@pytest.mark.parametrize(("strategy", "subject"), [("RECORD", "{record}"), ("TOPIC_RECORD", "{topic}-{record}")])
def test_subjects_named_after_records(
    client: SchemaRegistryClient, dialect: Dialect, topic: str, strategy: str, subject: str
) -> None:
    expected = f":.{dialect.name}:" if strategy == "RECORD" else ""
    context = {"url": client.config()["url"] + f"/contexts/.{dialect.name}"} if expected else client.config()
    with SchemaRegistryClient(context) as in_context:
        conf = {"subject.name.strategy.type": strategy}
        data = dialect.serializer(in_context, conf)(dialect.message(VALUES), _value_of(topic))
        read = dialect.deserializer(in_context, conf)(data, _value_of(topic))
    assert dialect.values(read) == VALUES
    expected += subject.format(topic=topic, record=dialect.record)
    assert expected in client.get_subjects(subject_prefix=":*:")


def test_an_association_names_the_subject(
    client: SchemaRegistryClient, owner: SchemaRegistryClient, dialect: Dialect, topic: str
) -> None:
    subject = f"{topic}-owned"
    schema_id = owner.register_schema(subject, Schema(dialect.text, dialect.name))
    info = AssociationCreateOrUpdateInfo(subject=subject, association_type="value", lifecycle="WEAK")
    resource = str(uuid.uuid4())
    made = client.create_association(
        AssociationCreateOrUpdateRequest(
            resource_name=topic,
            resource_namespace="cluster-1",
            resource_id=resource,
            resource_type="topic",
            associations=[info],
        )
    )
    assert made.associations is not None
    assert [each.subject for each in made.associations] == [subject]
    found = client.get_associations_by_resource_name(topic, "cluster-1", "topic", ["value"])
    assert [(each.subject, each.resource_id) for each in found] == [(subject, resource)]

    data = _written_and_read(client, dialect, topic, **_LATEST)
    assert struct.unpack(">I", data[1:5]) == (schema_id,)
    client.delete_associations(resource, "topic", ["value"])
    assert client.get_associations_by_resource_name(topic, "cluster-1", "topic") == []


def test_without_an_association_the_fallback_may_refuse(client: SchemaRegistryClient, topic: str) -> None:
    conf = {"subject.name.strategy.conf": {"subject.name.strategy.fallback.type": "NONE"}}
    with pytest.raises(SerializationError, match="No associated subject"):
        _written_and_read(client, AVRO, topic, **conf)


def test_avro_references(client: SchemaRegistryClient, owner: SchemaRegistryClient, topic: str) -> None:
    owner.register_schema(f"{topic}-event", Schema(AVRO.text, "AVRO"))
    text = '{"type":"record","name":"Batch","fields":[{"name":"events","type":{"type":"array","items":"app.Event"}}]}'
    schema = Schema(text, "AVRO", [SchemaReference("app.Event", f"{topic}-event", 1)])
    data = AvroSerializer(client, schema)({"events": [VALUES]}, _value_of(topic))
    assert AvroDeserializer(client)(data, _value_of(topic)) == {"events": [VALUES]}
    assert client.get_referenced_by(f"{topic}-event", 1) == [client.get_latest_version(f"{topic}-value").schema_id]
    with pytest.raises(SchemaRegistryError) as refused:
        client.delete_version(f"{topic}-event", 1)
    assert (refused.value.http_status_code, refused.value.error_code) == (422, 42206)


def test_types_that_are_nested_in_avro_references(
    client: SchemaRegistryClient, owner: SchemaRegistryClient, topic: str
) -> None:
    kind = '{"type":"enum","name":"Kind","symbols":["CHAT"]}'
    digest = '{"type":"fixed","name":"Hash","size":2}'
    call = _record("Call", event=AVRO.text, kind=kind, hash=digest)
    owner.register_schema(f"{topic}-call", Schema(call, "AVRO"))
    trace = _record("Trace", call='"Call"', event='"Event"')
    owner.register_schema(f"{topic}-trace", Schema(trace, "AVRO", [SchemaReference("app.Call", f"{topic}-call", 1)]))
    text = _record("Batch", trace='"Trace"', event='["null","Event"]', kind='"Kind"', hash='"Hash"')
    schema = Schema(text, "AVRO", [SchemaReference("app.Trace", f"{topic}-trace", 1)])
    whole = {"event": VALUES, "kind": "CHAT", "hash": b"ab"}
    value = {"trace": {"call": whole, "event": VALUES}, **whole}
    data = AvroSerializer(client, schema)(value, _value_of(topic))
    assert AvroDeserializer(client)(data, _value_of(topic)) == value
    latest = AvroSerializer(owner, conf={"auto.register.schemas": False, "use.latest.version": True})
    assert latest(value, _value_of(topic)) == data
    assert owner.get_latest_version(f"{topic}-value").schema.schema_str == text


def _record(name: str, **fields: str) -> str:
    written = ",".join(f'{{"name":"{field}","type":{kind}}}' for field, kind in fields.items())
    return f'{{"type":"record","name":"{name}","namespace":"app","fields":[{written}]}}'


def test_json_schema_references(client: SchemaRegistryClient, owner: SchemaRegistryClient, topic: str) -> None:
    event = '{"type":"object","properties":{"model":{"type":"string"}}}'
    owner.register_schema(f"{topic}-event", Schema(event, "JSON"))
    text = '{"title":"Batch","type":"object","properties":{"event":{"$ref":"event.json"}}}'
    schema = Schema(text, "JSON", [SchemaReference("event.json", f"{topic}-event", 1)])
    write = JSONSerializer(schema, client)
    data = write({"event": {"model": "m"}}, _value_of(topic))
    read = JSONDeserializer(schema, schema_registry_client=client)
    assert read(data, _value_of(topic)) == {"event": {"model": "m"}}
    with pytest.raises(SerializationError):
        write({"event": {"model": 1}}, _value_of(topic))


def test_keys_and_values_have_subjects_of_their_own(client: SchemaRegistryClient, dialect: Dialect, topic: str) -> None:
    write = dialect.serializer(client, {})
    for field in (MessageField.KEY, MessageField.VALUE):
        write(dialect.message(VALUES), SerializationContext(topic, field))
    assert client.get_subjects(subject_prefix=topic) == [f"{topic}-key", f"{topic}-value"]


def test_a_strategy_of_ones_own(client: SchemaRegistryClient, topic: str) -> None:
    conf = {"subject.name.strategy": lambda context, record: f"{topic}:{record_subject_name_strategy(context, record)}"}
    _written_and_read(client, AVRO, topic, **conf)
    assert client.get_subjects(subject_prefix=topic) == [f"{topic}:app.Event"]


def test_a_reader_writes_what_it_read(
    client: SchemaRegistryClient, owner: SchemaRegistryClient, dialect: Dialect, topic: str
) -> None:
    data = _written_and_read(owner, dialect, topic)
    assert dialect.values(dialect.deserializer(client, {})(data, _value_of(topic))) == VALUES
    assert _written_and_read(client, dialect, topic, **_LOOK_UP) == data


async def test_asynchronous_serialisers(registry_url: str, topic: str) -> None:
    async with AsyncSchemaRegistryClient({"url": registry_url}) as client:
        await client.register_schema(f"{topic}-value", Schema(AVRO.text, "AVRO"))
        write = await AsyncAvroSerializer(client, AVRO.text, conf=_LATEST)
        read = await AsyncAvroDeserializer(client)
        data = await write(VALUES, _value_of(topic))
        assert await read(data, _value_of(topic)) == VALUES
