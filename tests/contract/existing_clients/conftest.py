"""What the tests with real clients share."""

import uuid
from collections.abc import Iterator

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient

from contract.existing_clients.dialects import DIALECTS, Dialect


@pytest.fixture
def client(registry_url: str) -> Iterator[SchemaRegistryClient]:
    """The client of a service."""
    with SchemaRegistryClient({"url": registry_url}) as client:
        yield client


@pytest.fixture
def owner(registry_url: str) -> Iterator[SchemaRegistryClient]:
    """The client of whoever registers schemas: what it remembers is not what `client` remembers."""
    with SchemaRegistryClient({"url": registry_url}) as client:
        yield client


@pytest.fixture
def topic() -> str:
    return f"events.t{uuid.uuid4().hex}"


@pytest.fixture(params=DIALECTS, ids=lambda dialect: dialect.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    found: Dialect = request.param
    return found
