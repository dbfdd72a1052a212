"""Large definitions over HTTP: answered byte for byte, kept in object storage."""

import asyncio
import gzip
import json
import random
from pathlib import Path

import pytest

from contract.asgi import Answer, Caller, started
from llm_schema_registry.store.blobs import open_blobs
from llm_schema_registry.store.factory import open_tables
from servers import S3Server, fresh_schema, s3

JSON = {"Content-Type": "application/json"}
SMALL = '{"type":"record","name":"R","fields":[{"name":"f1","type":"string"}]}'


def large(size: int = 600_000, seed: int = 1) -> str:
    doc = random.Random(seed).randbytes(size // 2).hex() + "é"  # noqa: S311
    return json.dumps(
        {"type": "record", "name": "Large", "doc": doc, "fields": [{"name": "f1", "type": "string"}]},
        separators=(",", ":"),
        ensure_ascii=False,
    )


LARGE = large()


def register(call: Caller, subject: str, schema: str):
    return call("POST", f"/subjects/{subject}/versions", {"schema": schema}, JSON)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/registry.db" if request.param == "sqlite" else fresh_schema()


async def test_a_large_definition_comes_back_byte_for_byte(store: str) -> None:
    blobs = s3().fresh_bucket()
    async with started(store=store, blobs=blobs) as call:
        for subject, schema, schema_id in (("s", SMALL, 1), ("l", LARGE, 2), ("l2", LARGE, 2)):
            registered = await register(call, subject, schema)
            assert (registered.status, registered.json["id"]) == (200, schema_id)
        assert (await register(call, "l", LARGE)).json["id"] == 2
        looked_up = await call("POST", "/subjects/l", {"schema": LARGE}, JSON)
        guid = looked_up.json["guid"]
    (name, data) = await only_object(blobs)
    assert gzip.decompress(data) == LARGE.encode()
    tables = await open_tables(store)
    row = await tables.schema(".", 2)
    assert row is not None
    assert (row.text, row.blob) == ("", f"{digest_in(name)}:{len(LARGE.encode())}")
    await tables.close()
    async with started(store=store, blobs=blobs) as call:
        assert (await call("GET", "/schemas/ids/2")).json["schema"] == LARGE
        assert (await call("GET", "/schemas/ids/2/schema")).body == LARGE.encode()
        assert (await call("GET", "/subjects/l/versions/latest")).json["schema"] == LARGE
        assert (await call("GET", f"/schemas/guids/{guid}")).json["schema"] == LARGE
        changed = LARGE.replace('"f1"', '"f2"')
        assert (await register(call, "l", changed)).status == 409
        for target in ("/subjects/l/versions/1", "/subjects/l/versions/1?permanent=true"):
            assert (await call("DELETE", target)).status == 200
        assert (await call("GET", "/subjects/l2/versions/1/schema")).body == LARGE.encode()


async def test_stores_that_share_a_prefix_share_no_object(tmp_path: Path) -> None:
    blobs = s3().fresh_bucket()
    for name in ("one", "other"):
        async with started(store=f"sqlite:///{tmp_path}/{name}.db", blobs=blobs) as call:
            await register(call, "l", LARGE)
    names = await objects(blobs)
    assert len(names) == 2
    assert len({digest_in(name) for name in names}) == 1


async def test_one_that_is_planned_goes_there_too(tmp_path: Path) -> None:
    blobs = s3().fresh_bucket()
    async with started(store=f"sqlite:///{tmp_path}/registry.db", blobs=blobs) as call:
        body = {"schemas": [{"subject": "l", "schema": LARGE}, {"subject": "s", "schema": SMALL}], "apply": True}
        assert (await call("POST", "/api/v1/plan", body, JSON)).json["applied"]
        assert (await call("GET", "/subjects/l/versions/1/schema")).body == LARGE.encode()
    assert len(await objects(blobs)) == 1


async def test_object_storage_goes_and_comes_back(tmp_path: Path) -> None:
    server = S3Server()
    settings = {"store": f"sqlite:///{tmp_path}/registry.db", "blobs": server.fresh_bucket()}
    async with started(**settings) as call:
        await register(call, "s", SMALL)
        await register(call, "l", LARGE)
    server.stop()
    async with started(**settings) as call:
        for _ in range(4):
            out_of_reach(await call("GET", "/subjects/l/versions/1"))
            out_of_reach(await register(call, "l2", large(seed=2)))
        assert (await call("GET", "/subjects")).json == ["l", "s"]
        assert (await call("GET", "/subjects/s/versions/1")).json["schema"] == SMALL
        assert (await register(call, "s2", SMALL)).status == 200
        assert (await call("GET", "/health/ready")).status == 200
        server.start()
        async with asyncio.timeout(20):
            while (answer := await call("GET", "/subjects/l/versions/1")).status != 200:
                out_of_reach(answer)
                await asyncio.sleep(0.05)
        assert answer.json["schema"] == LARGE
        # Of what was refused, nothing is stored; of the ids, none is lost.
        assert (await register(call, "l2", large(seed=2))).json["id"] == 3
    server.stop()


async def test_a_lost_definition_concerns_nothing_else(tmp_path: Path) -> None:
    blobs = s3().fresh_bucket()
    path = f"sqlite:///{tmp_path}/registry.db"
    async with started(store=path, blobs=blobs) as call:
        await register(call, "s", SMALL)
        await register(call, "l", LARGE)
    name, _ = await only_object(blobs)
    await open_blobs(blobs).put(name, b"changed")
    for told, way_out in ((blobs, "`lsr repair`"), ("", "LSR_BLOBS")):
        async with started(store=path, blobs=told) as call:
            answer = await call("GET", "/subjects/l/versions/1")
            assert (answer.status, answer.json["error_code"]) == (500, 50090)
            assert digest_in(name) in answer.json["message"]
            assert "id 2" in answer.json["message"]
            assert way_out in answer.json["message"]
            assert (await call("GET", "/subjects/l/versions")).json == [1]
            assert (await call("GET", "/schemas")).json["error_code"] == 50090
            assert [each["id"] for each in (await call("GET", "/schemas?subjectPrefix=s")).json] == [1]
            assert (await call("GET", "/subjects/s/versions/1")).json["schema"] == SMALL
            assert (await register(call, "s", SMALL)).status == 200


def out_of_reach(answer: Answer) -> None:
    assert (answer.status, answer.json["error_code"], answer.headers["retry-after"]) == (503, 50390, "2")


def digest_in(name: str) -> str:
    """The digest in the path of an object below the prefix: `FOLDER/DIGEST.gz`."""
    return name.rpartition("/")[2].removesuffix(".gz")


async def objects(url: str) -> list[str]:
    return [item.name async for item in open_blobs(url).items()]


async def only_object(url: str) -> tuple[str, bytes]:
    (name,) = await objects(url)
    data = await open_blobs(url).get(name, 10_000_000)
    assert data is not None
    return name, data
