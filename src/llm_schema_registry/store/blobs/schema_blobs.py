"""Schema texts as objects: upload, and fetch with proof of their content."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog

from llm_schema_registry.store.blobs.api import Blobs, BlobsUnavailableError
from llm_schema_registry.store.blobs.codec import Blob, exceeds, fetch, packed
from llm_schema_registry.store.layers.circuit_breaker import CircuitBreaker

_T = TypeVar("_T")
_CAPACITY = 8 * 1024 * 1024
_PROBED = "probe"
_log = structlog.get_logger()


class Texts:
    """Large texts, in object storage.

    A few are remembered: a name always means the same text, so nothing has to be invalidated, and what was
    brought ahead of a transaction is not fetched within it.

    Args:
        blobs: the objects.
        threshold: texts of more bytes are large.
    """

    def __init__(self, blobs: Blobs, threshold: int) -> None:
        self._blobs = blobs
        self._threshold = threshold
        self._circuit = CircuitBreaker("objects", self._probe, "object storage")
        self._fetching: dict[Blob, asyncio.Task[str]] = {}
        self._recent: OrderedDict[Blob, str] = OrderedDict()
        self._remembered = 0

    def is_large(self, text: str) -> bool:
        """Whether a text belongs in object storage."""
        return exceeds(text, self._threshold)

    async def put(self, text: str) -> Blob:
        """Makes sure that there is an object for a text, unless it was seen there recently.

        Raises:
            BlobsUnavailableError: there may be none.
        """
        blob = Blob.of(text)
        if blob not in self._recent:
            await self._put(blob, text)
        return blob

    async def ensure(self, text: str) -> Blob:
        """Makes sure that there is an object for a text now. In a transaction, it then stays: see `prune`.

        Raises:
            BlobsUnavailableError: there may be none.
        """
        blob = Blob.of(text)
        if await self._asked(lambda: self._blobs.look(blob.name)) is None:
            await self._put(blob, text)
        return blob

    async def get(self, blob: Blob) -> str:
        """A text; whoever wants the same one meanwhile waits for the same answer.

        Raises:
            DamagedBlobError: there is no object, or another one than there should be.
            BlobsUnavailableError: object storage does not answer.
        """
        text = self._recent.get(blob)
        if text is not None:
            self._recent.move_to_end(blob)
            return text
        fetching = self._fetching.get(blob)
        if fetching is None:
            fetching = self._fetching[blob] = asyncio.create_task(self._fetch(blob))
            fetching.add_done_callback(lambda done: self._fetched(blob, done))
        return await asyncio.shield(fetching)

    async def close(self) -> None:
        """Gives up what is being fetched. Idempotent."""
        await self._circuit.close()
        fetching = list(self._fetching.values())
        for task in fetching:
            task.cancel()
        await asyncio.gather(*fetching, return_exceptions=True)

    async def _put(self, blob: Blob, text: str) -> None:
        # Compressing takes some milliseconds, and leaves the interpreter to others meanwhile.
        data = await asyncio.to_thread(packed, text)
        await self._asked(lambda: self._blobs.put(blob.name, data))
        self._remember(blob, text)

    async def _fetch(self, blob: Blob) -> str:
        text = await fetch(self._asking, blob)
        self._remember(blob, text)
        return text

    async def _asking(self, name: str, limit: int) -> bytes | None:
        return await self._asked(lambda: self._blobs.get(name, limit))

    def _fetched(self, blob: Blob, done: "asyncio.Task[str]") -> None:
        del self._fetching[blob]
        if not done.cancelled():
            # Whoever waited may be gone; that nobody learns of the failure is then as it should be.
            done.exception()

    def _remember(self, blob: Blob, text: str) -> None:
        if blob in self._recent:
            return
        self._recent[blob] = text
        self._remembered += blob.size
        while self._remembered > _CAPACITY:
            forgotten, _ = self._recent.popitem(last=False)
            self._remembered -= forgotten.size

    async def _asked(self, ask: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        if self._circuit.is_open:
            raise BlobsUnavailableError(
                "Object storage is not available: it failed, and is being tried from time to time."
            )
        try:
            answer = await ask()
        except BlobsUnavailableError as error:
            _log.warning("object storage failed", cause=str(error))
            self._circuit.failed()
            raise
        self._circuit.succeeded()
        return answer

    async def _probe(self) -> None:
        await self._blobs.get(_PROBED, 1)
