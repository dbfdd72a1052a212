"""What clients and caches between them and the server may keep of an answer, and for how long (RFC 9111)."""

import enum
from collections.abc import Iterable
from typing import Final, Self
from urllib.parse import quote

from llm_schema_registry.server.http.etags import entity_tag
from llm_schema_registry.server.operations import Operation
from llm_schema_registry.server.settings import Settings
from llm_schema_registry.store.dependencies import Fact

NOT_KEPT: Final = "no-cache, no-store, must-revalidate"
"""What the Confluent registry sends with every answer."""

_DAY = 86_400
_VARY = "Accept, Authorization"
# The buffers of proxies for the head of an answer begin at 4 KiB.
_MAX_KEYS_LENGTH = 1_000
_EVERYTHING = "everything"


class Caching(enum.Enum):
    """What may be kept of the good answers of an operation."""

    NOT = "nothing"
    REVALIDATED = "the answer, to be asked for again by its tag before each use"
    IMMUTABLE = "the answer, for a day"


_EXCEPTIONS = {
    "/schemas/ids/{id}": Caching.IMMUTABLE,
    "/schemas/ids/{id}/schema": Caching.IMMUTABLE,
    "/schemas/guids/{guid}": Caching.IMMUTABLE,
    "/health": Caching.NOT,
    "/health/live": Caching.NOT,
    "/health/ready": Caching.NOT,
    "/metrics": Caching.NOT,
}


def caching_of(operation: Operation) -> Caching:
    """What may be kept of an operation's answers to requests without query parameters.

    The content of an id or a GUID is what no change but a permanent delete makes different; see `Conditions` for
    contents that are marked as deleted.
    """
    if operation.method != "GET":
        return Caching.NOT
    return _EXCEPTIONS.get(operation.path, Caching.REVALIDATED)


def cache_control(caching: Caching, settings: Settings) -> str:
    """The value of the header `Cache-Control`."""
    if caching is Caching.NOT or settings.confluent_cache_control:
        return NOT_KEPT
    whose = "public" if settings.public_cache else "private"
    return f"{whose}, max-age={_DAY}, immutable" if caching is Caching.IMMUTABLE else f"{whose}, no-cache"


class Conditions:
    """What the good answers of a read say to caches.

    Args:
        caching: what may be kept of it.
        settings: of the server.
    """

    def __init__(self, caching: Caching, settings: Settings) -> None:
        # What an id means without a context may change when others are searched, and a parameter may name an alias.
        plain = Caching.REVALIDATED if settings.confluent_context_fallback else caching
        self._plain = cache_control(plain, settings)
        self._with_query = cache_control(Caching.REVALIDATED, settings)
        self._named = settings.public_cache

    @classmethod
    def of(cls, operation: Operation, settings: Settings) -> Self | None:
        """The conditions of an operation; `None` if nothing of it may be kept."""
        caching = caching_of(operation)
        return None if caching is Caching.NOT else cls(caching, settings)

    def validators(
        self, body: bytes, media_type: str, query: bytes, dependencies: Iterable[Fact], *, deleted: bool = False
    ) -> dict[str, str]:
        """The headers of a good answer that caches go by.

        Args:
            body: of the answer.
            media_type: of the body.
            query: the query string of the request.
            dependencies: the facts that the answer was made from.
            deleted: whether it says that what it tells is soft-deleted, which may be taken back.
        """
        headers = {
            "etag": entity_tag(body, media_type),
            "cache-control": self._with_query if query or deleted else self._plain,
            "vary": _VARY,
        }
        if self._named:
            headers["surrogate-key"] = surrogate_keys(dependencies)
        return headers


def surrogate_keys(dependencies: Iterable[Fact]) -> str:
    """The names of facts by which a cache that is told of a change finds the answers it concerns.

    A fact is written as its parts with `/` between them, each percent-encoded: `subject/./orders-value`. An answer
    made from more facts than a header should hold has one key for all of them.
    """
    keys = " ".join(sorted("/".join(quote(str(part), safe=":") for part in fact) for fact in dependencies))
    return keys if len(keys) <= _MAX_KEYS_LENGTH else _EVERYTHING
