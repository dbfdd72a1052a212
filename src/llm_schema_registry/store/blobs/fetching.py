"""How a text is had from its object."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from llm_schema_registry.store.blobs.packing import Blob, DamagedBlobError, unpacked


async def fetch(get: Callable[[str, int], Coroutine[Any, Any, bytes | None]], blob: Blob) -> str:
    """A text from its object.

    Args:
        get: as `Blobs.get`.
        blob: what the text is known by.

    Raises:
        DamagedBlobError: there is no object, or another one than there should be.
        BlobsUnavailableError: object storage does not answer.
    """
    data = await get(blob.name, blob.most_packed)
    if data is None:
        raise DamagedBlobError("is missing")
    return await asyncio.to_thread(unpacked, data, blob)
