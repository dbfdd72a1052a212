"""`lsr repair` as a process, on a store and an S3 server that are real."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from llm_schema_registry.cli.demo import RegistryProcess
from llm_schema_registry.cli.registry_session import with_client
from llm_schema_registry.client import RegistryClient
from llm_schema_registry.client.model import SchemaRequest
from llm_schema_registry.contracts import guid_of
from llm_schema_registry.store import StoredSchema, open_store
from llm_schema_registry.store.blobs import BlobSettings, open_blobs
from llm_schema_registry.store.blobs.codec import Blob
from servers import s3

Lsr = Callable[..., subprocess.CompletedProcess[str]]
LARGE = '{"type":"record","name":"L","doc":"' + "é" * 1_000 + '","fields":[]}'
LARGER = LARGE.replace("é", "éé")


@pytest.fixture
def url() -> str:
    return s3().fresh_bucket()


@pytest.fixture
def lsr(tmp_path: Path, url: str) -> Lsr:
    """`lsr` with the store and the object storage of the test."""
    own = {"LSR_STORE": f"sqlite:///{tmp_path}/registry.db", "LSR_BLOBS": url, "LSR_BLOB_BYTES": "1000"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LSR_")} | own

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "llm_schema_registry.cli", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env=environment | more,
            timeout=120,
            check=False,
        )

    return run


async def fill(path: Path, url: str) -> None:
    store = await open_store(f"sqlite:///{path}/registry.db", blobs=BlobSettings(url, 1000))
    async with store.transaction() as transaction:
        for text in (LARGE, LARGER, '"string"'):
            schema = StoredSchema(context=".", schema_id=0, guid=guid_of(text, ()), schema_type="AVRO", text=text)
            await transaction.add_schema(schema)
    await store.close()


async def damage(url: str, text: str, data: bytes | None = None) -> None:
    """Puts something else in the place of an object, or nothing."""
    blobs = open_blobs(url)
    (path,) = [item.name async for item in blobs.items() if item.name.endswith(Blob.of(text).name)]
    await (blobs.delete(path) if data is None else blobs.put(path, data))


def test_what_is_lost_is_told_and_put_back(lsr: Lsr, tmp_path: Path, url: str) -> None:
    asyncio.run(fill(tmp_path, url))
    found = lsr("repair")
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout == (
        "2 definitions in 2 objects: 0 lost, 0 put back; 0 moved out, 0 moved in; "
        "0 old objects that nothing refers to, 0 removed\n"
    )
    asyncio.run(damage(url, LARGE))
    asyncio.run(damage(url, LARGER, b"changed"))
    found = lsr("repair", "--fix")
    assert found.returncode == 1
    assert sorted(found.stdout.splitlines()[:-1]) == [
        f"schema 1 in context '.' (object {Blob.of(LARGE).digest}): is missing",
        f"schema 2 in context '.' (object {Blob.of(LARGER).digest}): is no gzip, or was changed",
    ]
    with RegistryProcess() as other:

        async def register(client: RegistryClient) -> None:
            await client.register("somewhere", SchemaRequest(LARGE))

        with_client(other.url, register)
        found = lsr("repair", "--fix", "--from", other.url, "--json")
        exported = lsr("export", str(tmp_path / "export"), "--registry", other.url)
    assert exported.returncode == 0, exported.stderr
    assert found.returncode == 1, found.stderr
    report = msgspec.json.decode(found.stdout)
    assert {each["id"]: each["fixed"] for each in report["lost"]} == {1: True, 2: False}
    assert (report["objects"], report["schemas"], report["orphans"]) == (2, 2, 0)
    asyncio.run(damage(url, LARGE))
    found = lsr("repair", "--fix", "--from", "export")
    assert f"(object {Blob.of(LARGE).digest}): is missing: put back" in found.stdout
    assert "2 lost, 1 put back" in found.stdout


def test_definitions_move(lsr: Lsr, tmp_path: Path, url: str) -> None:
    asyncio.run(fill(tmp_path, url))
    assert "0 moved out, 1 moved in" in lsr("repair", "--move", "--blob-bytes", "3000").stdout
    assert "1 definitions in 1 objects: 0 lost" in lsr("repair", "--prune").stdout
    assert "2 moved out, 0 moved in" in lsr("repair", "--move", LSR_BLOB_BYTES="1").stdout
