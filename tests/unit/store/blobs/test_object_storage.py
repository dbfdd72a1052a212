import asyncio
from collections.abc import AsyncIterator

import pytest

from llm_schema_registry.store.blobs import BlobsUnavailableError, open_blobs
from llm_schema_registry.store.blobs.object_storage import ObjectBlobs
from servers import S3Server, s3


@pytest.fixture(scope="module")
def url() -> str:
    return s3().fresh_bucket("some/where")


async def test_objects(url: str) -> None:
    blobs = open_blobs(url)
    assert await blobs.get("a", 10) is None
    assert await blobs.look("a") is None
    await blobs.delete("a")
    await blobs.put("a", b"one")
    await blobs.put("a", b"other")
    await blobs.put("b", b"")
    assert await blobs.get("a", 10) == b"other"
    assert await blobs.get("a", 2) == b"ot"
    assert await blobs.get("b", 10) == b""
    found = await blobs.look("a")
    assert found is not None
    assert found.size == 5
    assert sorted([item.name async for item in blobs.items()]) == ["a", "b"]
    assert found in [item async for item in blobs.items()]
    await blobs.delete("a")
    assert [item.name async for item in blobs.items()] == ["b"]


async def test_no_more_than_the_limit_is_read(url: str) -> None:
    blobs = open_blobs(url)
    await blobs.put("large", b"x" * 1_000_000)
    assert await blobs.get("large", 100_000) == b"x" * 100_000


async def test_what_is_beside_the_prefix_is_not_seen(url: str) -> None:
    blobs, beside = open_blobs(url), open_blobs(url.replace("some/where", "some/where-else"))
    await beside.put("c", b"")
    assert "c" not in [item.name async for item in blobs.items()]
    assert await blobs.get("c", 1) is None


async def unavailable(blobs: ObjectBlobs) -> set[str]:
    """What is said of each method when it fails; all must."""
    said = set()
    for ask in (blobs.get("a", 1), blobs.put("a", b""), anext(blobs.items())):
        with pytest.raises(BlobsUnavailableError) as caught:
            await ask
        said.add(str(caught.value))
    return said


async def test_a_bucket_that_is_not_there(url: str) -> None:
    gone = open_blobs(url.replace("s3://bucket", "s3://nowhere"))
    assert await unavailable(gone) == {"Object storage is not available: the bucket does not exist."}
    assert await gone.look("a") is None


async def test_nobody_listens() -> None:
    server = S3Server()
    url = server.fresh_bucket()
    server.stop()
    for said in await unavailable(open_blobs(url)):
        assert said.startswith("Object storage is not available: ")
        assert "owner" not in said
    server.start()
    assert await open_blobs(url).get("a", 1) is None
    server.stop()


@pytest.fixture
async def silent() -> AsyncIterator[int]:
    """The port of a server that takes requests, and answers none."""
    streams = []
    server = await asyncio.start_server(lambda *both: streams.append(both), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for _, writer in streams:
        writer.close()


async def test_nobody_answers(silent: int) -> None:
    s3()
    blobs = ObjectBlobs.on_s3("bucket", endpoint=f"http://127.0.0.1:{silent}", region="us-east-1", seconds=0.2)
    assert await unavailable(blobs) == {"Object storage is not available: it does not answer within 0.2 seconds."}
