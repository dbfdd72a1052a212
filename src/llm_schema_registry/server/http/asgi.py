"""The outer ASGI application: request ids, origins, context prefixes, metrics."""

import time
import uuid
from collections.abc import MutableMapping
from typing import Any

import structlog
from litestar import Litestar
from litestar.response.base import ASGIResponse

from llm_schema_registry.registry import RegistryError
from llm_schema_registry.server.connections.limits import CYCLE, REFUSAL, Refusal
from llm_schema_registry.server.http.cache_control import NOT_KEPT
from llm_schema_registry.server.http.context_prefix import without_context
from llm_schema_registry.server.http.errors import RETRY, HttpError, problem_of
from llm_schema_registry.server.http.media_types import SCHEMA_REGISTRY
from llm_schema_registry.server.http.origins import OriginPolicy
from llm_schema_registry.server.http.revision_headers import least_revision
from llm_schema_registry.server.http.routing import problem_response, surface_of
from llm_schema_registry.server.process.offload import REQUESTER, Requester
from llm_schema_registry.server.response_cache.middleware import Application, ResponseCacheMiddleware
from llm_schema_registry.server.service import Service
from llm_schema_registry.server.settings import LogLevel, TlsMode
from llm_schema_registry.store import InvalidStoreUrlError, StoreUnavailableError

REQUEST_ID_HEADER = b"x-request-id"
_MAX_REQUEST_ID = 200
_UNROUTED = "unmatched"
_CACHE_CONTROL = b"cache-control"
_NOT_KEPT = NOT_KEPT.encode()
_UNAVAILABLE = 503
_CLIENT_CLOSED_REQUEST = 499
_PREFLIGHT = ASGIResponse(status_code=204)
_log = structlog.get_logger()


class RegistryApp:
    """Routes on the raw path, so that encoded slashes stay within their segment; gives every request an id and
    counts it.

    Args:
        app: the framework's application.
        service: what the endpoints share.
    """

    def __init__(self, app: Litestar, service: Service) -> None:
        self.app = app
        self.service = service
        self._origins = OriginPolicy(service.settings)
        self._answer: Application = app
        if service.response_cache is not None:
            seconds, stale = service.settings.stale_reads_seconds, service.metrics.stale
            self._answer = ResponseCacheMiddleware(app, service.response_cache, self._refuse, seconds, stale)
        self._log_requests = service.settings.log_level is LogLevel.DEBUG

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Answers one request, or lives through the process (ASGI)."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(scope)
        status = 0
        preflight = False

        async def sending(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"]
                headers.append((REQUEST_ID_HEADER, request_id))
                if self._origins.has_cors:
                    headers.extend(self._origins.permissions(scope["headers"], preflight=preflight))
                if not any(name == _CACHE_CONTROL for name, _ in headers):
                    headers.append((_CACHE_CONTROL, _NOT_KEPT))
            await send(message)

        REQUESTER.set(Requester(self._client_of(scope), receive))
        scope["request_id"] = request_id.decode("latin-1")
        refusal: Refusal | None = scope.get(REFUSAL)
        try:
            if refusal is not None:
                raise HttpError(refusal.status, refusal.message, RETRY if refusal.status == _UNAVAILABLE else ())
            self._origins.check(scope["method"], scope["headers"])
            preflight = self._origins.preflight(scope["method"], scope["headers"])
            _route_on_raw_path(scope)
            if (revision := least_revision(scope["headers"])) is not None:
                await self.service.reach(revision)
        except (HttpError, RegistryError, StoreUnavailableError) as error:
            answer: Application = self._refusal(error, scope)
        else:
            answer = _PREFLIGHT if preflight else self._answer
        await answer(scope, receive, sending)
        if (cycle := scope.pop(CYCLE, None)) is not None and cycle.disconnected:
            if REFUSAL in scope and refusal is None:
                # The rest of its body was refused: that answer is counted.
                return
            status = _CLIENT_CLOSED_REQUEST
        seconds = time.perf_counter() - started
        template = scope.get("path_template") or _UNROUTED
        self.service.metrics.request(scope["method"], str(template), status, seconds)
        if self._log_requests:
            _log.debug(
                "request",
                method=scope["method"],
                endpoint=template,
                status=status,
                seconds=round(seconds, 6),
                request_id=scope["request_id"],
            )

    def _client_of(self, scope: MutableMapping[str, Any]) -> str:
        """The address of the client; behind a proxy the one that the proxy adds."""
        if self.service.settings.tls_mode is TlsMode.TRUSTED_PROXY:
            for name, value in scope["headers"]:
                if name == b"x-forwarded-for":
                    return str(value.rpartition(b",")[2].strip().decode("latin-1"))
        client = scope.get("client")
        return str(client[0]) if client else ""

    def _refusal(self, error: Exception, scope: MutableMapping[str, Any]) -> Application:
        return problem_response(problem_of(error), surface_of(scope["path"]), SCHEMA_REGISTRY, self.service)

    async def _refuse(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Answers that the store is not available (ASGI)."""
        await self._refusal(StoreUnavailableError(), scope)(scope, receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        """Opens the store at start-up and closes it at shutdown."""
        await receive()
        try:
            await self.service.start()
        except (StoreUnavailableError, InvalidStoreUrlError) as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.service.stop()
        await send({"type": "lifespan.shutdown.complete"})


def _route_on_raw_path(scope: MutableMapping[str, Any]) -> None:
    """Puts the percent-encoded path, without a context in front, where the framework looks for it."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    path, _, _ = raw.decode("latin-1").partition("?")
    if "//" in path:
        raise HttpError.not_found()
    if path.startswith("/contexts/"):
        query = scope["query_string"].decode("latin-1")
        path, query = without_context(path, query)
        scope["query_string"] = query.encode("latin-1")
    scope["path"] = path


def _request_id(scope: MutableMapping[str, Any]) -> bytes:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    for name, value in headers:
        if name == REQUEST_ID_HEADER and value:
            return value[:_MAX_REQUEST_ID]
    return str(uuid.uuid4()).encode()
