import asyncio
from pathlib import Path

import pytest

from llm_schema_registry.cli.commands.repair import DEFAULT_BLOB_BYTES, repair
from llm_schema_registry.cli.exit_codes import CliError, ExitCode
from llm_schema_registry.store import open_store
from llm_schema_registry.store.blobs import DEFAULT_THRESHOLD
from servers import s3


def refused(**options: str) -> CliError:
    given = {"store": "sqlite://", "blobs": "", "fix": False, "source": None, "move": False, "prune": False}
    with pytest.raises(CliError) as caught:
        repair(**(given | {"as_json": False} | options))
    return caught.value


def test_the_default_is_that_of_the_server() -> None:
    assert DEFAULT_BLOB_BYTES == DEFAULT_THRESHOLD


def test_what_cannot_be_done(tmp_path: Path) -> None:
    url = s3().fresh_bucket()
    store = f"sqlite:///{tmp_path}/registry.db"
    assert "LSR_BLOBS" in refused(store=store).fix
    assert refused(store=store, blobs=url, source="http://127.0.0.1:1").fix == "Add --fix."
    assert "in memory" in refused(blobs=url).message
    assert "there is no" in refused(store=store, blobs=url).message
    assert not (tmp_path / "registry.db").exists()
    asyncio.run(make(store))
    secret = refused(store=store, blobs="s3://me:secret@bucket").message
    assert "holds credentials" in secret
    assert "me:" not in secret
    assert "holds no readable manifest" in refused(store=store, blobs=url, fix=True, source=str(tmp_path)).message
    gone = refused(store=store, blobs=url.replace("bucket", "nowhere", 1))
    assert (gone.exit_code, "the bucket does not exist" in gone.message) == (ExitCode.UNREACHABLE, True)


async def make(store: str) -> None:
    await (await open_store(store)).close()
