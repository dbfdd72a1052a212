"""Where the documentation is served; it is made when it is first asked for."""

from functools import cache
from typing import Any

import msgspec

from llm_schema_registry.server.rest.confluent import CONFLUENT_OPERATIONS
from llm_schema_registry.server.rest.documentation.openapi import openapi_document
from llm_schema_registry.server.rest.documentation.page import documentation_page
from llm_schema_registry.server.rest.native import NATIVE_OPERATIONS
from llm_schema_registry.server.rest.operations import Call, NoBody, Operations, RawBytes, Surface
from llm_schema_registry.server.rest.queries import Query

operations = Operations("Documentation", Surface.NATIVE)


@cache
def _document() -> dict[str, Any]:
    return openapi_document([*CONFLUENT_OPERATIONS, *NATIVE_OPERATIONS, *operations.table])


@cache
def _document_text() -> bytes:
    return msgspec.json.encode(_document())


@cache
def _page() -> bytes:
    return documentation_page(_document()).encode()


@operations.get("/openapi.json")
async def openapi(call: Call[Query, NoBody]) -> RawBytes:
    """The OpenAPI document of this server."""
    return RawBytes(_document_text(), "application/json")


@operations.get("/docs")
async def docs(call: Call[Query, NoBody]) -> RawBytes:
    """The OpenAPI document as a page that needs nothing from elsewhere."""
    return RawBytes(_page(), "text/html")
