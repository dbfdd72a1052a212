"""Composition of the application: operations, router, middleware."""

from typing import Any

from litestar import Litestar, Request, Response

from llm_schema_registry.server.http.asgi import RegistryApp
from llm_schema_registry.server.http.confluent import CONFLUENT_OPERATIONS
from llm_schema_registry.server.http.openapi import DOCUMENTATION_OPERATIONS
from llm_schema_registry.server.http.routing import refused, routes
from llm_schema_registry.server.http.v1 import NATIVE_OPERATIONS
from llm_schema_registry.server.response_cache import ResponseCache
from llm_schema_registry.server.service import Service
from llm_schema_registry.server.settings import Settings


def create_app(settings: Settings | None = None, response_cache: ResponseCache | None = None) -> RegistryApp:
    """The application as an ASGI callable; its lifespan opens and closes the store.

    Args:
        settings: those of the environment for `None`.
        response_cache: of the protocol that serves the application.
    """
    settings = settings or Settings.from_environment()
    service = Service(settings, response_cache)

    def on_refusal(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        answer = refused(request, error, service)
        return Response(answer.body, status_code=answer.status_code, headers=dict(answer.headers))

    app = Litestar(
        route_handlers=routes([*CONFLUENT_OPERATIONS, *NATIVE_OPERATIONS, *DOCUMENTATION_OPERATIONS], service),
        exception_handlers={Exception: on_refusal},
        request_max_body_size=settings.max_body_bytes,
        openapi_config=None,
        logging_config=None,
    )
    return RegistryApp(app, service)
