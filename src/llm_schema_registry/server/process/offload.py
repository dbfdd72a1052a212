"""Offload of heavy use cases to the sandbox on behalf of a client; dropped when the client disconnects."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from contextvars import ContextVar
from typing import Any, NamedTuple, TypeVar

from llm_schema_registry.registry.offload import ProcessOffload

_Result = TypeVar("_Result")


class Requester(NamedTuple):
    """The client of the request that is being answered.

    Attributes:
        name: its address; clients take turns.
        receive: of the request (ASGI); its body has been read.
    """

    name: str
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]]


REQUESTER: ContextVar[Requester | None] = ContextVar("REQUESTER", default=None)


class ClientGoneError(Exception):
    """The client closed its connection; its work was dropped."""


class Offload:
    """Fulfils `Elsewhere` for the requests of a server.

    Args:
        heavy: where the work is done.
    """

    def __init__(self, heavy: ProcessOffload) -> None:
        self._heavy = heavy

    async def run(
        self, use_case: Callable[..., Coroutine[Any, Any, _Result]], *arguments: Any, **options: Any
    ) -> _Result:
        """Runs a use case, as `ProcessOffload.run` does.

        Raises:
            ClientGoneError: the client left before the answer was there.
        """
        requester = REQUESTER.get()
        if requester is None:
            return await self._heavy.run(use_case, *arguments, **options)
        work = asyncio.ensure_future(self._heavy.run(use_case, *arguments, client=requester.name, **options))
        disconnect = asyncio.ensure_future(_disconnected(requester))
        try:
            await asyncio.wait((work, disconnect), return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            raise ClientGoneError
        finally:
            work.cancel()
            disconnect.cancel()
            await asyncio.wait((work, disconnect))


async def _disconnected(requester: Requester) -> None:
    """Waits until the client closes its connection."""
    while (await requester.receive())["type"] != "http.disconnect":
        pass
