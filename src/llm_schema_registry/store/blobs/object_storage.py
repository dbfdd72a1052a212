"""Object storage through obstore."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, S3Store

from llm_schema_registry.store.blobs.api import BlobInfo, BlobsUnavailableError, InvalidBlobsUrlError

if TYPE_CHECKING:
    from obstore.store import BackoffConfig, ClientConfig, RetryConfig, S3Config

_SECONDS = 8.0
_ATTEMPT_SECONDS = 3
_CONNECT_SECONDS = 1
_RETRIES = 2
_PIECE = 64 * 1024
_FAILURES = (BaseError, OSError)
_CODE = re.compile(r"<Code>(\w{1,100})</Code>")
_NO_BUCKET = "NoSuchBucket"
_MOST_OF_CAUSE = 300


class ObjectBlobs:
    """Fulfils `Blobs` on a store of obstore.

    Args:
        store: whose names begin with what all have in common.
        seconds: how long anything may take, all attempts together.
    """

    def __init__(self, store: ObjectStore, seconds: float = _SECONDS) -> None:
        self._store = store
        self._seconds = seconds

    @classmethod
    def on_s3(
        cls, bucket: str, prefix: str = "", *, endpoint: str = "", region: str = "", seconds: float = _SECONDS
    ) -> "ObjectBlobs":
        """Objects in a bucket.

        What is not given here, credentials above all, is taken from the standard variables of AWS.

        Raises:
            InvalidBlobsUrlError: one of the variables cannot be read.
        """
        config: S3Config = {}
        if endpoint:
            config["endpoint"] = endpoint
        if region:
            config["region"] = region
        client: ClientConfig = {
            "connect_timeout": timedelta(seconds=_CONNECT_SECONDS),
            "timeout": timedelta(seconds=_ATTEMPT_SECONDS),
        }
        if endpoint.startswith("http://"):
            client["allow_http"] = True
        backoff: BackoffConfig = {
            "init_backoff": timedelta(milliseconds=100),
            "max_backoff": timedelta(seconds=1),
            "base": 2,
        }
        retry: RetryConfig = {
            "max_retries": _RETRIES,
            "retry_timeout": timedelta(seconds=seconds),
            "backoff": backoff,
        }
        try:
            store = S3Store(bucket, prefix=prefix or None, config=config, client_options=client, retry_config=retry)
        except BaseError:
            raise InvalidBlobsUrlError(
                "A variable that begins with AWS_ holds what object storage makes nothing of."
            ) from None
        return cls(store, seconds)

    async def put(self, name: str, data: bytes) -> None:
        """See `Blobs`."""
        async with self._in_time():
            await obstore.put_async(self._store, name, data, use_multipart=False)

    async def get(self, name: str, limit: int) -> bytes | None:
        """See `Blobs`."""
        found = bytearray()
        async with self._in_time():
            try:
                answer = await obstore.get_async(self._store, name)
            except FileNotFoundError as error:
                if _is_without_bucket(error):
                    raise
                return None
            async for piece in answer.stream(min_chunk_size=_PIECE):
                found += memoryview(piece)
                if len(found) >= limit:
                    break
        return bytes(found[:limit])

    async def look(self, name: str) -> BlobInfo | None:
        """See `Blobs`."""
        async with self._in_time():
            try:
                found = await obstore.head_async(self._store, name)
            except FileNotFoundError:
                return None
        return _item(found["path"], found["size"], found["last_modified"])

    async def items(self) -> AsyncIterator[BlobInfo]:
        """See `Blobs`."""
        pages = obstore.list(self._store, chunk_size=1000)
        while True:
            async with self._in_time():
                page = await anext(pages, None)
            if page is None:
                return
            for found in page:
                yield _item(found["path"], found["size"], found["last_modified"])

    async def delete(self, name: str) -> None:
        """See `Blobs`."""
        async with self._in_time():
            try:
                await obstore.delete_async(self._store, name)
            except FileNotFoundError as error:
                if _is_without_bucket(error):
                    raise

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._seconds):
                yield
        except TimeoutError as error:
            raise BlobsUnavailableError(
                f"Object storage is not available: it does not answer within {self._seconds:g} seconds."
            ) from error
        except _FAILURES as error:
            raise BlobsUnavailableError(f"Object storage is not available: {_cause_of(error)}.") from error


def _item(name: str, size: int, modified: datetime) -> BlobInfo:
    return BlobInfo(name, size, modified)


def _is_without_bucket(error: FileNotFoundError) -> bool:
    return f"<Code>{_NO_BUCKET}</Code>" in str(error)


def _cause_of(error: Exception) -> str:
    """What happened, without what a server answered besides: it repeats parts of signatures."""
    text = str(error)
    code = _CODE.search(text)
    if code is not None:
        return "the bucket does not exist" if code[1] == _NO_BUCKET else f"it answers {code[1]}"
    return text.partition("\n")[0].partition(": <")[0][:_MOST_OF_CAUSE]
