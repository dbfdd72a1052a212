"""Where the documentation is served; it is made when it is first asked for."""

from functools import cache
from typing import Any

import msgspec

from llm_schema_registry.server.http.confluent import CONFLUENT_OPERATIONS
from llm_schema_registry.server.http.media_types import JSON
from llm_schema_registry.server.http.openapi.document import openapi_document
from llm_schema_registry.server.http.openapi.page import PAGE_HEADERS, documentation_page
from llm_schema_registry.server.http.query_params import Query
from llm_schema_registry.server.http.v1 import NATIVE_OPERATIONS
from llm_schema_registry.server.operations import Call, NoBody, Operations, RawBytes, Surface

_HTML = "text/html"
_NOT_SNIFFED = {"x-content-type-options": "nosniff"}
operations = Operations("Documentation", Surface.NATIVE)


@cache
def _document(url: str) -> dict[str, Any]:
    return openapi_document([*CONFLUENT_OPERATIONS, *NATIVE_OPERATIONS, *operations.table], url)


@cache
def _document_text(url: str) -> bytes:
    return msgspec.json.encode(_document(url))


@cache
def _page(url: str) -> bytes:
    return documentation_page(_document(url)).encode()


@operations.get("/openapi.json", media_type=JSON)
async def openapi(call: Call[Query, NoBody]) -> RawBytes:
    """The OpenAPI document of this server."""
    return RawBytes(_document_text(call.settings.public_url), JSON, _NOT_SNIFFED)


@operations.get("/docs", media_type=_HTML)
async def docs(call: Call[Query, NoBody]) -> RawBytes:
    """The OpenAPI document as a page that needs nothing from elsewhere."""
    return RawBytes(_page(call.settings.public_url), _HTML, PAGE_HEADERS)
