"""The OpenAPI document, derived from the operations: their signatures, docstrings and errors."""

import re
import types
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, Union, get_args, get_origin

import msgspec
from msgspec import UNSET, UnsetType

from llm_schema_registry import __version__
from llm_schema_registry.registry import ErrorCode
from llm_schema_registry.server.http.cache_control import Caching, caching_of
from llm_schema_registry.server.http.errors import HttpError, Problem, confluent_body, native_body, problem_of
from llm_schema_registry.server.http.media_types import JSON, NDJSON, PROBLEM, SCHEMA_REGISTRY
from llm_schema_registry.server.http.openapi.examples import EXAMPLES
from llm_schema_registry.server.http.query_params import parameters_of
from llm_schema_registry.server.http.revision_headers import MIN_REVISION_HEADER
from llm_schema_registry.server.http.witnesses import WitnessResponse
from llm_schema_registry.server.operations import Items, NoBody, Operation, RawBytes, RawText, Reply, Surface

_REFERENCE = "#/components/schemas/{name}"
_VARIABLES = {
    "subject": "The subject, percent-encoded; `:.ctx:name` for one of another context.",
    "version": "A number from 1 to 2^31-1, or `latest`.",
    "id": "The id of the schema.",
    "guid": "The GUID of the schema.",
    "context": "The context.",
    "namespace": "The namespace of the resource; `-` for any.",
    "name": "The name of the resource; `-` for any.",
    "resource": "The id of the resource.",
}
_VALIDATORS = {
    "ETag": {"description": "The tag of the answer.", "schema": {"type": "string"}},
    "Cache-Control": {"description": "What may be kept of the answer.", "schema": {"type": "string"}},
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The tags of answers that the client holds; if the answer is one of them, 304 says so.",
    "schema": {"type": "string"},
}
_MIN_REVISION = {
    "name": MIN_REVISION_HEADER,
    "in": "header",
    "description": "A revision that the answer must hold, as a write told it in X-Registry-Revision; it is waited for.",
    "schema": {"type": "integer", "minimum": 0},
}
_MEDIA_TYPES = {Surface.CONFLUENT: (SCHEMA_REGISTRY, JSON), Surface.NATIVE: (JSON,)}
_PLAIN_TYPES = {bool: "boolean", int: "integer", str: "string"}
_BODY_ERRORS = (
    HttpError(400, "The request body is not valid JSON: Input data was truncated"),
    HttpError(413, "The request body is larger than this server accepts."),
    HttpError(415, "HTTP 415 Unsupported Media Type"),
    HttpError(422, "The request has no body; a JSON object is expected."),
)
_STORE_ERRORS = (
    ErrorCode.STORE_UNAVAILABLE,
    ErrorCode.DEFINITIONS_UNAVAILABLE,
    ErrorCode.DEFINITION_LOST,
    ErrorCode.REVISION_NOT_REACHED,
)
_COMMON_ERRORS = (
    HttpError(400, f"The header {MIN_REVISION_HEADER} is no revision: …"),
    HttpError(403, "The host 'example.org' is not allowed: …"),
    HttpError(500, "Internal Server Error"),
)
_SAMPLES = {
    "subject": "telemetry.inference",
    "version": "3",
    "schema": "100042",
    "schema_id": "100042",
    "context": ".team-a",
    "details": "{errorType:'…', description:'…'}",
    "type": "value",
    "resource": "events",
    "property": "subject",
    "detail": "must be given",
    "message": "…",
    "revision": "1042",
    "known": "1037",
    "what": "subject",
    "name": "telemetry.inference…",
    "size": "1042",
    "limit": "1000",
    "alias": "inference",
    "why": "it is the subject itself",
}


class ErrorBody(msgspec.Struct):
    """An error on the Confluent-compatible surface.

    Attributes:
        error_code: which error; its first three digits are the HTTP status.
        message: one sentence for people.
        details: findings, where there are any.
        witness: if one was asked for and found, a payload that the refused schema breaks; null if none was found.
        witness_searched: whether one was looked for; absent if none was asked for.
    """

    error_code: int
    message: str
    details: list[dict[str, Any]] = []
    witness: WitnessResponse | None | UnsetType = UNSET
    witness_searched: bool | UnsetType = UNSET


class ProblemBody(msgspec.Struct):
    """An error on the native surface: problem details (RFC 9457).

    Attributes:
        type: where the error is explained.
        title: the kind of error.
        status: the HTTP status.
        detail: one sentence for people.
        code: the kind of error, for programs.
        error_code: the number that the Confluent-compatible surface gives it.
        findings: findings, where there are any.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    error_code: int
    findings: list[dict[str, Any]] = []


def openapi_document(operations: Sequence[Operation], url: str = "") -> dict[str, Any]:
    """The OpenAPI 3.1 document of these operations.

    Args:
        operations: in their order.
        url: of the registry for its clients; without one, that of the document.
    """
    bodies = {type_: None for operation in operations for type_ in _json_types(operation)}
    schemas, components = msgspec.json.schema_components([*bodies, ErrorBody, ProblemBody], ref_template=_REFERENCE)
    by_type = dict(zip([*bodies, ErrorBody, ProblemBody], schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, by_type)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "LLM-Schema-Registry",
            "version": __version__,
            "description": "The Confluent-compatible surface, and the registry's own under `/api/v1`. Every path of "
            "the first may have `/contexts/{context}` in front.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": url.rstrip("/") or "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in operations)],
        "paths": paths,
        "components": {"schemas": {name: _described(schema) for name, schema in components.items()}},
    }


def _operation(operation: Operation, by_type: dict[Any, Any]) -> dict[str, Any]:
    query, body, _ = operation.types
    summary, _, description = operation.documentation.partition("\n")
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": summary.strip(),
        "parameters": [
            *(
                {
                    "name": name,
                    "in": "path",
                    "required": True,
                    "description": _VARIABLES[name],
                    "schema": {"type": "string"},
                }
                for name in re.findall(r"{(\w+)}", operation.path)
            ),
            *(_query_parameter(parameter) for parameter in parameters_of(query)),
            _MIN_REVISION,
        ],
        "responses": {str(operation.status): _answer(operation, by_type), **_refusals(operation, by_type)},
    }
    if caching_of(operation) is not Caching.NOT:
        described["parameters"].append(_IF_NONE_MATCH)
        described["responses"]["304"] = {"description": HTTPStatus.NOT_MODIFIED.phrase, "headers": _VALIDATORS}
    if description.strip():
        described["description"] = " ".join(description.split())
    if body is RawBytes:
        content = {JSON: {"schema": {"type": "array"}}, NDJSON: {"schema": {"type": "string"}}}
        described["requestBody"] = {"required": True, "content": content}
    elif body is not NoBody:
        content = _content(_MEDIA_TYPES[operation.surface], by_type[body], EXAMPLES.get(body))
        described["requestBody"] = {"required": True, "content": content}
    return described


def _query_parameter(parameter: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": _PLAIN_TYPES[parameter.type]}
    if parameter.many:
        schema = {"type": "array", "items": schema}
    elif parameter.default is not None:
        schema["default"] = parameter.default
    return {"name": parameter.name, "in": "query", "description": parameter.description, "schema": schema}


def _answer(operation: Operation, by_type: dict[Any, Any]) -> dict[str, Any]:
    result = _plain(operation.types[2])
    answer: dict[str, Any] = {"description": HTTPStatus(operation.status).phrase}
    if caching_of(operation) is not Caching.NOT:
        answer["headers"] = _VALIDATORS
    if operation.writes:
        answer["headers"] = {
            "X-Registry-Revision": {
                "description": "The revision of the registry that contains the change.",
                "schema": {"type": "integer"},
            }
        }
    if result is RawText:
        # A definition as it is: JSON, or the text of a Protobuf file.
        answer["content"] = _content(_MEDIA_TYPES[operation.surface], {}, None)
    elif operation.media_type is not None:
        schema = {} if operation.media_type == JSON else {"type": "string"}
        answer["content"] = _content((operation.media_type,), schema, None)
    elif result is not type(None):
        answer["content"] = _content(_MEDIA_TYPES[operation.surface], by_type[result], EXAMPLES.get(result))
    return answer


def _refusals(operation: Operation, by_type: dict[Any, Any]) -> dict[str, Any]:
    """The errors by HTTP status, each with an example."""
    native = operation.surface is Surface.NATIVE
    errors: list[Problem] = [_example_of(code) for code in (*operation.errors, *_STORE_ERRORS)]
    errors += [problem_of(error) for error in _COMMON_ERRORS]
    if "{" in operation.path:
        errors.append(problem_of(HttpError.not_found()))
    if operation.types[1] is not NoBody:
        errors += [problem_of(error) for error in _BODY_ERRORS]
    refusals: dict[str, Any] = {}
    for problem in sorted(errors, key=lambda each: each.code):
        refusal = refusals.setdefault(
            str(problem.status),
            {
                "description": HTTPStatus(problem.status).phrase,
                "content": {
                    PROBLEM if native else SCHEMA_REGISTRY: {
                        "schema": by_type[ProblemBody if native else ErrorBody],
                        "examples": {},
                    }
                },
            },
        )
        (media,) = refusal["content"].values()
        body = native_body(problem) if native else confluent_body(problem)
        media["examples"][problem.name] = {"value": msgspec.json.decode(body)}
    return refusals


def _example_of(code: ErrorCode) -> Problem:
    message = code.value[1].format(**_SAMPLES)
    return Problem(status=code.status, code=code.number, name=code.name, message=message)


def _json_types(operation: Operation) -> Iterable[Any]:
    """The types that an operation reads or writes as JSON."""
    for type_ in (operation.types[1], _plain(operation.types[2])):
        if type_ not in (NoBody, RawText, RawBytes, type(None)):
            yield type_


def _plain(result: Any) -> Any:
    """The type of an answer besides the special ones it can have."""
    if get_origin(result) not in (Union, types.UnionType):
        return result
    (plain,) = (each for each in get_args(result) if each not in (Items, RawText, RawBytes, Reply))
    return plain


def _content(media_types: Sequence[str], schema: Any, example: Any) -> dict[str, Any]:
    media = {"schema": schema} if example is None else {"schema": schema, "example": example}
    return dict.fromkeys(media_types, media)


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """A component whose docstring is divided among itself and its properties."""
    text, _, attributes = schema.get("description", "").partition("Attributes:\n")
    described = {**schema, "description": " ".join(text.split())}
    properties = dict(schema.get("properties", {}))
    # Docstrings call a field as Python does, the properties are called as on the wire.
    names = {_folded(name): name for name in properties}
    for found in re.finditer(r"^ *(\w+): (.+?)(?=^ *\w+: |\Z)", attributes, re.MULTILINE | re.DOTALL):
        name = names.get(_folded(found[1]))
        if name is not None:
            properties[name] = {**properties[name], "description": " ".join(found[2].split())}
    if properties:
        described["properties"] = properties
    return described


def _folded(name: str) -> str:
    return name.replace("_", "").lower()
