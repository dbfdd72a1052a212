"""Assembly: the operations, the framework, and the registry that lives from start-up to shutdown."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response

from llm_schema_registry.budget import DEFAULT_STEPS
from llm_schema_registry.registry import Registry, Rules
from llm_schema_registry.registry.heavy import HeavyWork
from llm_schema_registry.server.front import Front
from llm_schema_registry.server.rest.confluent import CONFLUENT_OPERATIONS
from llm_schema_registry.server.rest.documentation import DOCUMENTATION_OPERATIONS
from llm_schema_registry.server.rest.native import NATIVE_OPERATIONS
from llm_schema_registry.server.rest.routing import refused, routes
from llm_schema_registry.server.rest.service import Service
from llm_schema_registry.server.settings import Settings
from llm_schema_registry.store import open_store


def create_app(settings: Settings | None = None) -> Front:
    """The application as an ASGI callable; its lifespan opens and closes the store.

    Args:
        settings: those of the environment for `None`.
    """
    settings = settings or Settings.from_environment()
    service = Service(settings)

    def on_refusal(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        answer = refused(request, error, service)
        return Response(answer.body, status_code=answer.status_code, headers=dict(answer.headers))

    app = Litestar(
        route_handlers=routes([*CONFLUENT_OPERATIONS, *NATIVE_OPERATIONS, *DOCUMENTATION_OPERATIONS], service),
        exception_handlers={Exception: on_refusal},
        lifespan=[_lifespan(service)],
        request_max_body_size=settings.max_body_bytes,
        openapi_config=None,
        logging_config=None,
    )
    return Front(app, service)


def _lifespan(service: Service) -> Any:
    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        settings = service.settings
        rules = Rules(
            compatibility=settings.compatibility,
            strict_config=settings.confluent_strict_config,
            context_fallback=settings.confluent_context_fallback,
            mode_mutability=settings.mode_mutability,
            permanent_delete=settings.permanent_delete,
            schema_search_limit=settings.schema_search_limit,
        )
        store = await open_store(settings.store)
        if settings.store_in_memory:
            # No other process sees this store, so all work is done here.
            service.registry = Registry(store, rules, steps=DEFAULT_STEPS)
            elsewhere = None
        else:
            elsewhere = HeavyWork(settings.store, rules)
            service.registry = Registry(store, rules, elsewhere=elsewhere)
        try:
            yield
        finally:
            if elsewhere is not None:
                elsewhere.close()
            await store.close()

    return lifespan
