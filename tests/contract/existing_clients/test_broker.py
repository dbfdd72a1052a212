"""Producers and consumers of a Kafka broker, with schemas of this registry."""

from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, DeserializingConsumer, SerializingProducer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from confluent_kafka.schema_registry import SchemaRegistryClient, header_schema_id_serializer
from confluent_kafka.serialization import StringDeserializer, StringSerializer

from contract.existing_clients.broker import broker
from contract.existing_clients.dialects import VALUES, Dialect

pytestmark = pytest.mark.xdist_group("kafka")

_SECONDS = 30


@pytest.fixture(scope="module")
def brokers() -> Iterator[str]:
    with broker() as address:
        yield address


def _to(brokers: str) -> dict[str, Any]:
    # Threads of the client may live on for a while after the broker, and would say so.
    return {"bootstrap.servers": brokers, "log_level": 0}


@pytest.fixture
def created(brokers: str, topic: str) -> str:
    admin = AdminClient(_to(brokers))
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(_SECONDS)
    return topic


def _produced(brokers: str, topic: str, serializer: Any, messages: list[Any]) -> None:
    producer = SerializingProducer(
        _to(brokers) | {"key.serializer": StringSerializer(), "value.serializer": serializer}
    )
    for message in messages:
        producer.produce(topic, key="k", value=message, headers=[])
    assert producer.flush(_SECONDS) == 0


def _consumed(brokers: str, topic: str, deserializer: Any, count: int) -> list[Any]:
    consumer = DeserializingConsumer(
        _to(brokers)
        | {
            "group.id": topic,
            "enable.auto.commit": False,
            # The broker answers a fetch when the wait is over, not when messages come.
            "fetch.wait.max.ms": 10,
            "key.deserializer": StringDeserializer(),
            "value.deserializer": deserializer,
        }
    )
    # A group would be balanced first, which takes the broker many seconds.
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    try:
        found: list[Any] = []
        for _ in range(_SECONDS * 5):
            message = consumer.poll(0.2)
            if message is not None:
                assert message.error() is None
                found.append(message)
            if len(found) == count:
                break
        return found
    finally:
        consumer.close()


@pytest.mark.parametrize(
    ("conf", "in_headers"), [({}, False), ({"schema.id.serializer": header_schema_id_serializer}, True)]
)
def test_messages_arrive(
    brokers: str,
    created: str,
    client: SchemaRegistryClient,
    owner: SchemaRegistryClient,
    dialect: Dialect,
    conf: dict[str, Any],
    in_headers: bool,
) -> None:
    sent = [VALUES | {"model": f"m-{number}"} for number in range(5)]
    _produced(brokers, created, dialect.serializer(owner, conf), [dialect.message(each) for each in sent])
    received = _consumed(brokers, created, dialect.deserializer(client, {}), len(sent))
    assert [dialect.values(each.value()) for each in received] == sent
    for each in received:
        assert [name for name, _ in each.headers() or ()] == (["__value_schema_id"] if in_headers else [])
