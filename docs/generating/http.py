"""The page of the HTTP interface, from the table of operations."""

from collections.abc import Iterable, Sequence

from generating.markdown import code, one_line, sentence, table
from generating.shapes import described, section, shapes_in
from llm_schema_registry.server.http.confluent import CONFLUENT_OPERATIONS
from llm_schema_registry.server.http.openapi import DOCUMENTATION_OPERATIONS
from llm_schema_registry.server.http.query_params import parameters_of
from llm_schema_registry.server.http.v1 import NATIVE_OPERATIONS
from llm_schema_registry.server.operations import Items, NoBody, Operation, RawBytes, RawText, Reply

_NOT_JSON = frozenset({Items, NoBody, RawText, RawBytes, Reply})
_INTRODUCTION = """# HTTP

Everything the server answers, from the same table that routes requests. `{…}` stands for a percent-encoded segment of
the path; a subject may be qualified with its context (`:.team:name`), and every path of the Confluent-compatible
surface may be prefixed with `/contexts/{context}`. GET answers HEAD too. Unknown query parameters and unknown fields of
a body are ignored.

Every answer to a write carries `X-Registry-Revision`: a revision of the change log that holds it. Whoever sends that
number along as `X-Registry-Min-Revision`, with any request and to any node, gets an answer that holds the write too:
the node reads the log, and waits up to three seconds for what is not there yet. Then it answers 503 with `Retry-After`
and names the revision; what is no whole number is a 400.

On the Confluent-compatible surface the content type is `application/vnd.schemaregistry.v1+json`, or what `Accept` asks
for among the types that clients of that surface use. Errors: [errors](errors.md).
"""


def page() -> str:
    """Every operation, by surface and family, and the shapes of bodies and answers."""
    operations = [*CONFLUENT_OPERATIONS, *NATIVE_OPERATIONS, *DOCUMENTATION_OPERATIONS]
    parts = [_INTRODUCTION, _overview(operations)]
    for tag in dict.fromkeys(operation.tag for operation in operations):
        family = [operation for operation in operations if operation.tag == tag]
        parts.append(f"## {tag} ({family[0].surface.value})\n")
        parts += [_operation(operation) for operation in family]
    parts.append("## Shapes\n\nFields that are absent or empty are left out of answers.\n")
    parts += [section(kind) for kind in _shapes(operations)]
    return "\n".join(parts)


def _overview(operations: Sequence[Operation]) -> str:
    rows = [(each.method, f"[{code(each.path)}](#{each.name})", _about(each)) for each in operations]
    return table(("method", "path", ""), rows)


def _operation(operation: Operation) -> str:
    query, body, answer = operation.types
    parts = [f"### {operation.name}\n\n{code(f'{operation.method} {operation.path}')}\n\n{_about(operation)}\n"]
    rows = [
        (code(each.name), described(each.type), code(_default(each.default)), each.description)
        for each in parameters_of(query)
    ]
    if rows:
        parts.append(table(("query parameter", "type", "default", ""), rows))
    facts = []
    if body is not NoBody:
        facts.append(f"- Body: {described(body)}")
    facts.append(f"- Answer: {operation.status}, {described(answer)}")
    if operation.errors:
        links = ", ".join(f"[{error.name}](errors.md#{error.name.lower()})" for error in operation.errors)
        facts.append(f"- Errors: {links}")
    return "\n".join([*parts, *facts, ""])


def _shapes(operations: Iterable[Operation]) -> list[type]:
    found = {
        kind
        for operation in operations
        for side in operation.types[1:]
        for kind in shapes_in(side)
        if kind not in _NOT_JSON
    }
    return sorted(found, key=lambda kind: kind.__name__)


def _about(operation: Operation) -> str:
    return sentence(one_line(operation.documentation.partition("\n\n")[0]))


def _default(value: object) -> str:
    if value in (None, "", ()):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
