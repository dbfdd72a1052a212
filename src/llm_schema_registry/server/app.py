"""Assembly: the operations, the framework that routes to them, and what happens to every request."""

from typing import Any

from litestar import Litestar, Request, Response

from llm_schema_registry.server.front import Front
from llm_schema_registry.server.rest.confluent import CONFLUENT_OPERATIONS
from llm_schema_registry.server.rest.documentation import DOCUMENTATION_OPERATIONS
from llm_schema_registry.server.rest.native import NATIVE_OPERATIONS
from llm_schema_registry.server.rest.routing import refused, routes
from llm_schema_registry.server.rest.service import Service
from llm_schema_registry.server.serving import Shelf
from llm_schema_registry.server.settings import Settings


def create_app(settings: Settings | None = None, shelf: Shelf | None = None) -> Front:
    """The application as an ASGI callable; its lifespan opens and closes the store.

    Args:
        settings: those of the environment for `None`.
        shelf: of the protocol that serves the application.
    """
    settings = settings or Settings.from_environment()
    service = Service(settings, shelf)

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
    return Front(app, service)
