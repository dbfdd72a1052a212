"""Requests as bytes, and what bodies say."""

import json

from benchmarks.serving import HOST
from llm_schema_registry.formats import SchemaType


def get(path: str) -> bytes:
    """A GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nAccept: application/json\r\n\r\n".encode()


def post(path: str, body: object, method: str = "POST") -> bytes:
    """A POST request with a JSON body."""
    content = json.dumps(body, separators=(",", ":")).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nAccept: application/json\r\n"
        f"Content-Type: application/vnd.schemaregistry.v1+json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def registration(schema_type: SchemaType, text: str) -> dict[str, str]:
    """The body that registers, looks up or checks a schema."""
    return {"schemaType": schema_type, "schema": text}
