import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from llm_schema_registry.registry import ErrorCode
from llm_schema_registry.server.http.confluent import CONFLUENT_OPERATIONS
from llm_schema_registry.server.http.openapi import DOCUMENTATION_OPERATIONS
from llm_schema_registry.server.http.openapi.document import openapi_document
from llm_schema_registry.server.http.openapi.page import documentation_page
from llm_schema_registry.server.http.v1 import NATIVE_OPERATIONS

_OPERATIONS = [*CONFLUENT_OPERATIONS, *NATIVE_OPERATIONS, *DOCUMENTATION_OPERATIONS]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(openapi_document(_OPERATIONS)))
    return found


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    names = [operation.name for operation in _OPERATIONS]
    assert len(names) == len(set(names))
    for operation in _OPERATIONS:
        described = document["paths"][operation.path][operation.method.lower()]
        assert described["operationId"] == operation.name
        assert described["summary"].endswith(".")
        assert all(parameter["description"] for parameter in described["parameters"])
        codes = {
            example["value"]["error_code"]
            for answer in described["responses"].values()
            for media in answer.get("content", {}).values()
            for example in media.get("examples", {}).values()
        }
        assert {code.number for code in operation.errors} <= codes


def test_bodies_have_schemas_and_examples(document: dict[str, Any]) -> None:
    register = document["paths"]["/subjects/{subject}/versions"]["post"]
    for content in (register["requestBody"]["content"], register["responses"]["200"]["content"]):
        for media in content.values():
            assert media["schema"]["$ref"].startswith("#/components/schemas/")
            assert media["example"]
    described = document["components"]["schemas"]["SchemaRequest"]["properties"]["schemaType"]
    assert described["description"] == "`AVRO` if absent."


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for name in re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)):
        assert name in document["components"]["schemas"]


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: set[str | None] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.add(value)
            if name in ("href", "src"):
                self.links.append(value or "")


def test_the_page_needs_nothing_from_elsewhere(document: dict[str, Any]) -> None:
    page = _Page()
    page.feed(documentation_page(document))
    assert not page.tags & {"script", "link", "img", "iframe"}
    assert {link for link in page.links if not link.startswith("#")} == {"openapi.json"}
    assert {link[1:] for link in page.links if link.startswith("#")} <= page.ids
    assert {code.name.lower() for code in ErrorCode} <= page.ids
    assert {operation.name for operation in _OPERATIONS} <= page.ids
