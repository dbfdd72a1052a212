"""Large definitions through a server with default settings; `make largest` takes nearly the largest size."""

import http.client
import json
import os
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from large_definitions import WRITTEN
from llm_schema_registry.formats import SchemaType

SIZE = int(float(os.environ.get("LARGEST_MIB", "0.25")) * 1024 * 1024)
_HEADERS = {"Content-Type": "application/json"}


def answer(url: str, method: str, path: str, body: object = None) -> Any:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=100)
    connection.request(method, path, None if body is None else json.dumps(body), _HEADERS)
    response = connection.getresponse()
    text = response.read()
    connection.close()
    assert response.status == 200, text[:500]
    return json.loads(text)


@pytest.mark.slow
@pytest.mark.parametrize(("schema_type", "written"), WRITTEN.items())
def test_a_large_definition_is_served_like_any_other(
    registry_url: str, schema_type: SchemaType, written: Callable[..., str]
) -> None:
    one, two = (
        {"schema": written(SIZE - 1000, added=added, prefix="name_of_a_field_"), "schemaType": schema_type.value}
        for added in (False, True)
    )
    assert len(one["schema"]) > SIZE * 0.9
    versions = f"/subjects/largest-{schema_type}/versions"
    first = answer(registry_url, "POST", versions, one)
    check = answer(registry_url, "POST", f"/compatibility{versions}/latest?verbose=true", two)
    assert check["is_compatible"]
    second = answer(registry_url, "POST", versions, two)
    assert second["id"] != first["id"]
    assert answer(registry_url, "POST", versions, one)["id"] == first["id"]
    assert len(answer(registry_url, "GET", f"/schemas/ids/{first['id']}")["schema"]) > SIZE * 0.9
    validated = answer(registry_url, "POST", "/api/v1/validate", {"schema_id": first["id"], "data": {}})
    assert validated["valid"] is (schema_type is not SchemaType.AVRO), "a record needs its fields"
