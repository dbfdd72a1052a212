"""Short ways to say what the tests of the use cases need."""

import json
from collections.abc import Awaitable

import pytest

from llm_schema_registry.contracts import Metadata, Reference, Subject
from llm_schema_registry.registry import ErrorCode, Registry, RegistryError
from llm_schema_registry.registry.candidates import SchemaRequest
from llm_schema_registry.registry.commit import RegistrationResult
from llm_schema_registry.registry.registration import register

S = Subject(".", "s")


def record(*fields: str, name: str = "R", **extra: object) -> str:
    """An Avro record whose fields are written `name:type` or `name:type=default`."""
    return json.dumps({"type": "record", "name": name, "fields": [_field(field) for field in fields], **extra})


def _field(text: str) -> dict[str, object]:
    name, _, rest = text.partition(":")
    kind, equals, default = rest.partition("=")
    field: dict[str, object] = {"name": name, "type": kind}
    if equals:
        field["default"] = json.loads(default)
    return field


S1 = record("f1:string")
S2 = record("f1:string", 'f2:string="x"')
S3 = record("f1:string", "f2:string")
S4 = record("f1:int")


def request(schema: str = S1, **values: object) -> SchemaRequest:
    return SchemaRequest(schema=schema, **values)  # type: ignore[arg-type]


def properties(**values: str) -> Metadata:
    return Metadata(properties={name.replace("__", ":"): value for name, value in values.items()})


def reference(name: str, subject: str, version: int = 1) -> Reference:
    return Reference(name, subject, version)


async def put(registry: Registry, schema: str = S1, subject: Subject = S, **values: object) -> RegistrationResult:
    return await register(registry, subject, request(schema, **values))


async def refused(code: ErrorCode, use_case: Awaitable[object]) -> RegistryError:
    """Awaits, expects the refusal, and returns it."""
    with pytest.raises(RegistryError) as caught:
        await use_case
    assert caught.value.code is code, caught.value
    return caught.value
