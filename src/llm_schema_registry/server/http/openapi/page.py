"""The OpenAPI document as one HTML page, without scripts and without anything from elsewhere."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from html import escape
from typing import Any, Final

from llm_schema_registry.registry import ErrorCode
from llm_schema_registry.server.http.errors import STATUS_ERRORS

_CODE = re.compile(r"`([^`]+)`")
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
code, pre { font: 14px/1.4 ui-monospace, monospace; }
pre { overflow-x: auto; border: 1px solid #8884; padding: .5rem; }
summary { cursor: pointer; padding: .25rem 0; }
table { border-collapse: collapse; } td, th { border: 1px solid #8884; padding: .2rem .5rem; text-align: left; }
.method { display: inline-block; font-weight: bold; min-width: 5rem; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
PAGE_HEADERS: Final = {
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""Header fields of the page: it has one style and nothing else that a browser would load or run."""


def documentation_page(document: dict[str, Any]) -> str:
    """The page of an OpenAPI document."""
    info = document["info"]
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(info['title'])}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>",
            f'<p>{_prose(info["description"])}</p><p>As a document: <a href="openapi.json">openapi.json</a>.</p>',
            *_families(document),
            *_errors(),
            *_schemas(document),
            "</body></html>",
        ]
    )


def _families(document: dict[str, Any]) -> Iterator[str]:
    for tag in document["tags"]:
        yield f"<h2>{escape(tag['name'])}</h2>"
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if operation["tags"] == [tag["name"]]:
                    yield from _operation(method, path, operation)


def _operation(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f'<details id="{escape(operation["operationId"])}"><summary>'
    yield f'<code><span class="method">{method.upper()}</span>'
    yield f"{escape(path)}</code> {_prose(operation['summary'])}</summary>"
    yield f"<p>{_prose(operation.get('description', ''))}</p>"
    if operation["parameters"]:
        yield "<table><tr><th>parameter</th><th>in</th><th>type</th><th>meaning</th></tr>"
        for each in operation["parameters"]:
            cells = (each["name"], each["in"], each["schema"]["type"], each["description"])
            yield f"<tr>{''.join(f'<td>{_prose(cell)}</td>' for cell in cells)}</tr>"
        yield "</table>"
    if "requestBody" in operation:
        yield "<h4>Request</h4>"
        yield from _content(operation["requestBody"]["content"])
    for status, answer in operation["responses"].items():
        yield f"<h4>{status} {_prose(answer['description'])}</h4>"
        yield from _content(answer.get("content", {}))
    yield "</details>"


def _content(content: dict[str, Any]) -> Iterator[str]:
    for media_type, media in content.items():
        yield f"<p><code>{escape(media_type)}</code> {_named(media['schema'])}</p>"
    # All media types of one body carry the same examples.
    for media in list(content.values())[:1]:
        if "example" in media:
            yield _pre(media["example"])
        for each in media.get("examples", {}).values():
            yield _pre(each["value"])


def _named(schema: dict[str, Any]) -> str:
    name = schema.get("$ref", "").rpartition("/")[2]
    if name:
        return f'<a href="#schema-{escape(name)}">{escape(name)}</a>'
    return escape(str(schema.get("type", "")))


def _errors() -> Iterator[str]:
    yield "<h2>Errors</h2><table><tr><th>code</th><th>name</th><th>message</th></tr>"
    for code in ErrorCode:
        name = code.name.lower()
        message = escape(code.value[1].replace("{{", "{").replace("}}", "}"))
        yield f'<tr id="{name}"><td>{code.number}</td><td>{code.name}</td><td>{message}</td></tr>'
    for status, (name, message) in STATUS_ERRORS.items():
        yield f'<tr id="{name.lower()}"><td>{status}</td><td>{name}</td><td>{escape(message)}</td></tr>'
    yield "</table>"


def _schemas(document: dict[str, Any]) -> Iterator[str]:
    yield "<h2>Schemas</h2>"
    for name, schema in document["components"]["schemas"].items():
        yield f'<details id="schema-{escape(name)}"><summary><code>{escape(name)}</code> '
        yield f"{_prose(schema.get('description', ''))}</summary>{_pre(schema)}</details>"


def _pre(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"


def _prose(text: str) -> str:
    """Text as HTML, with what stands between backticks as code."""
    return _CODE.sub(r"<code>\1</code>", escape(text))
