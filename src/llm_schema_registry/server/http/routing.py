"""Routing: decodes a request, calls its operation, encodes the result."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec
import structlog
from litestar import HttpMethod, Request
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from llm_schema_registry.server.http.cache_control import Conditions
from llm_schema_registry.server.http.errors import HttpError, Problem, confluent_body, native_body, problem_of
from llm_schema_registry.server.http.etags import if_none_match, is_among
from llm_schema_registry.server.http.json_arrays import ArrayStream, begun
from llm_schema_registry.server.http.media_types import JSON, PROBLEM, SCHEMA_REGISTRY, negotiated
from llm_schema_registry.server.http.query_params import read_query
from llm_schema_registry.server.http.request_body import read_body
from llm_schema_registry.server.http.revision_headers import REVISION_HEADER
from llm_schema_registry.server.operations import Call, Items, Operation, RawBytes, RawText, Reply, Surface
from llm_schema_registry.server.response_cache.middleware import DEPENDENCIES, Origin
from llm_schema_registry.server.service import Service
from llm_schema_registry.store import StoreUnavailableError
from llm_schema_registry.store.dependencies import track

_NATIVE_PATHS = ("/api/", "/health", "/metrics", "/openapi.json", "/docs")
_OK = 200
_NO_CONTENT = 204
_NOT_MODIFIED = 304
_encoder = msgspec.json.Encoder()
_log = structlog.get_logger()


def routes(operations: Iterable[Operation], service: Service) -> list[HTTPRouteHandler]:
    """The route handlers of the framework for a table of operations, and for OPTIONS at each path."""
    handlers = []
    methods: dict[str, set[str]] = {}
    for operation in operations:
        handlers.append(_route(operation, service))
        methods.setdefault(operation.path, {"OPTIONS"}).update(_methods(operation))
    # First, or the framework adds its own, which knows the methods of one handler alone.
    return [*(_options(path, allowed) for path, allowed in methods.items()), *handlers]


def surface_of(path: str) -> Surface:
    """The dialect that a path belongs to, also when it leads nowhere."""
    return Surface.NATIVE if path.startswith(_NATIVE_PATHS) else Surface.CONFLUENT


def problem_response(problem: Problem, surface: Surface, media_type: str, service: Service) -> ASGIResponse:
    """An error in the shape of its surface."""
    if surface is Surface.NATIVE:
        body, media_type = native_body(problem), PROBLEM
    else:
        body = confluent_body(problem, service.settings.confluent_error_codes)
    return ASGIResponse(body=body, status_code=problem.status, media_type=media_type, headers=dict(problem.headers))


def refused(request: Request[Any, Any, Any], error: Exception, service: Service) -> ASGIResponse:
    """The answer to a request that an exception ended."""
    problem = problem_of(error)
    if isinstance(error, StoreUnavailableError):
        service.metrics.storage_error(request.method)
    if problem.unexpected:
        _log_failure("request failed", request, error)
    surface = surface_of(request.scope["path"])
    return problem_response(problem, surface, _media_type_of_error(request), service)


def _broken_off(request: Request[Any, Any, Any], error: Exception, service: Service) -> None:
    """Notes that an exception ended the answer to a request in the middle."""
    if isinstance(error, StoreUnavailableError):
        service.metrics.storage_error(request.method)
    _log_failure("answer broken off", request, error)


def _log_failure(event: str, request: Request[Any, Any, Any], error: Exception) -> None:
    _log.error(
        event,
        method=request.method,
        endpoint=request.scope.get("path_template"),
        request_id=request.scope.get("request_id"),
        exc_info=error,
    )


def _route(operation: Operation, service: Service) -> HTTPRouteHandler:
    query_type, body_type, _ = operation.types
    handle: Callable[[Call[Any, Any]], Awaitable[Any]] = operation.handle
    confluent = operation.surface is Surface.CONFLUENT
    conditions = Conditions.of(operation, service.settings)
    limit = service.settings.max_body_bytes

    async def endpoint(request: Request[Any, Any, Any]) -> ASGIResponse:
        try:
            scope = request.scope
            media_type = negotiated(request.headers.get("accept", "")) if confluent else JSON
            query = read_query(query_type, scope["query_string"])
            body = await read_body(request, body_type, operation.surface, limit, service.turns)
            call = Call(service.registry, service.settings, service.metrics, service, scope["path_params"], query, body)
            with track() as dependencies:
                result = await handle(call)
                if isinstance(result, Items):
                    result = await begun(result, media_type, lambda error: _broken_off(request, error, service))
            origin = Origin(operation.path, dependencies, operation.writes, operation.cacheable)
            scope[DEPENDENCIES] = origin  # type: ignore[typeddict-unknown-key]
            if isinstance(result, ArrayStream):
                return result
            status, content, media_type = _encoded(result, operation.status, media_type)
            headers = None
            if status == _OK and conditions is not None:
                deleted = bool(getattr(result, "deleted", False))
                headers = conditions.validators(
                    content, media_type, scope["query_string"], dependencies.noted, deleted=deleted
                )
                held = if_none_match(scope["headers"])
                if held is not None and is_among(headers["etag"], held):
                    status, content = _NOT_MODIFIED, b""
            response = ASGIResponse(body=content, status_code=status, media_type=media_type, headers=headers)
            if isinstance(result, RawBytes):
                response.headers.update(result.headers)
            if operation.writes:
                # What was there already may have come with a commit that nobody here has heard of.
                revision = dependencies.revision or await service.registry.store.revision()
                response.headers[REVISION_HEADER] = str(revision)
        except Exception as error:
            return refused(request, error, service)
        return response

    return HTTPRouteHandler(
        _template(operation.path), http_method=_methods(operation), name=operation.name, status_code=200
    )(endpoint)


def _options(path: str, methods: Iterable[str]) -> HTTPRouteHandler:
    """The handler of OPTIONS at a path, which names all methods there."""
    headers = {"allow": ", ".join(sorted(methods))}

    async def endpoint() -> ASGIResponse:
        return ASGIResponse(status_code=_NO_CONTENT, headers=headers)

    return HTTPRouteHandler(_template(path), http_method=HttpMethod.OPTIONS, status_code=_OK)(endpoint)


def _methods(operation: Operation) -> list[HttpMethod]:
    return [HttpMethod.GET, HttpMethod.HEAD] if operation.method == "GET" else [HttpMethod(operation.method)]


def _template(path: str) -> str:
    return path.replace("}", ":str}")


def _encoded(result: Any, status: int, media_type: str) -> tuple[int, bytes, str]:
    """What an operation answered as status, body and media type."""
    if isinstance(result, Reply):
        status, result = result.status, result.value
    if isinstance(result, RawText):
        return status, result.text.encode(), media_type
    if isinstance(result, RawBytes):
        return status, result.body, result.media_type
    return status, b"" if status == _NO_CONTENT else _encoder.encode(result), media_type


def _media_type_of_error(request: Request[Any, Any, Any]) -> str:
    try:
        return negotiated(request.headers.get("accept", ""))
    except HttpError:
        return SCHEMA_REGISTRY
