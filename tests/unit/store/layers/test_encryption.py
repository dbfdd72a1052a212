import base64
import pathlib
import sqlite3
from collections.abc import AsyncIterator
from typing import cast

import pytest

from llm_schema_registry.contracts import DEFAULT_SCOPE, Metadata, Subject
from llm_schema_registry.registry import Registry
from llm_schema_registry.registry.config import ConfigUpdate, get_config, put_config
from llm_schema_registry.store import Store, open_store
from llm_schema_registry.store.layers.encryption import EncryptedMetadataStore, InvalidKeyError, MetadataCipher, keys_of
from llm_schema_registry.store.sqlite import SqliteStore
from unit.registry.building import S1, put
from unit.store.conformance import NOW, StoreConformance

KEY, OTHER = b"k" * 32, b"o" * 32
OWNER = "owner@example.org"
SENSITIVE = Metadata(properties={"owner": OWNER, "team": "cost"}, sensitive=["owner"])


def bytes_in(path: pathlib.Path) -> bytes:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path.read_bytes()


async def test_nothing_sensitive_is_in_the_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "registry.db"
    store = await open_store(f"sqlite:///{path}", [KEY])
    registry = Registry(store)
    registered = await put(registry, S1, metadata=SENSITIVE)
    await put_config(registry, DEFAULT_SCOPE, ConfigUpdate(default_metadata=SENSITIVE, override_metadata=SENSITIVE))
    assert registered.content.metadata == SENSITIVE
    assert (await put(registry, S1, metadata=SENSITIVE)).content.schema_id == registered.content.schema_id
    stored = await store.schema(".", registered.content.schema_id)
    assert stored is not None
    assert stored.metadata == SENSITIVE
    assert [each.metadata for each in await store.schemas_by_guid(stored.guid)] == [SENSITIVE]
    assert (await get_config(registry, DEFAULT_SCOPE)).override_metadata == SENSITIVE
    assert all(OWNER not in (change.detail or "") for change in await store.changes(0))
    await store.close()
    content = bytes_in(path)
    assert OWNER.encode() not in content
    assert b"cost" in content


async def test_keys_come_and_go(tmp_path: pathlib.Path) -> None:
    url = f"sqlite:///{tmp_path}/registry.db"
    for keys, subject in (((), "clear"), ([KEY], "first"), ([OTHER, KEY], "second")):
        store = await open_store(url, keys)
        await put(Registry(store), S1, Subject(f".{subject}", "s"), metadata=SENSITIVE)
        await store.close()
    seen = {}
    for name, keys in (("both", [OTHER, KEY]), ("new", [OTHER]), ("none", ())):
        store = await open_store(url, keys)
        found = [await store.schema(f".{context}", 1) for context in ("clear", "first", "second")]
        seen[name] = [each is not None and each.metadata == SENSITIVE for each in found]
        assert all(each is not None and each.metadata and each.metadata.property("team") == "cost" for each in found)
        await store.close()
    assert seen == {"both": [True, True, True], "new": [True, False, True], "none": [True, False, False]}


async def test_an_unchanged_config_records_nothing(tmp_path: pathlib.Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path}/registry.db", [KEY])
    registry = Registry(store)
    for _ in range(2):
        await put_config(registry, DEFAULT_SCOPE, ConfigUpdate(default_metadata=SENSITIVE))
    assert await store.revision() == 1
    await store.close()


def test_values() -> None:
    cipher = MetadataCipher([KEY])
    for clear in ("", "a", "é😀", "\x00", "\ud800", "sealed:1:x:y", "x" * 100_000):
        stored = cipher.encrypt(clear, "place")
        assert stored != cipher.encrypt(clear, "place")
        assert cipher.decrypt(stored, "place") == clear
        assert cipher.decrypt(stored, "elsewhere") == stored
        assert MetadataCipher([OTHER]).decrypt(stored, "place") == stored
        assert MetadataCipher([OTHER, KEY]).decrypt(stored, "place") == clear
        tampered = stored[:-6] + ("AAAAAA" if not stored.endswith("AAAAAA") else "BBBBBB")
        assert cipher.decrypt(tampered, "place") == tampered
    for stored in (
        "",
        "plain",
        "sealed:1:",
        "sealed:1:x",
        cipher.encrypt("a", "p").rpartition(":")[0] + ":!",
        "sealed:2:a:b",
    ):
        assert cipher.decrypt(stored, "p") == stored


def test_keys_as_text() -> None:
    texts = [base64.b64encode(KEY).decode(), base64.urlsafe_b64encode(b"\xff" * 32).decode()]
    assert keys_of(f" {texts[0]}, {texts[1]},") == [KEY, b"\xff" * 32]
    assert keys_of("") == []
    for text in ("secret", base64.b64encode(b"short").decode(), "é" * 44):
        with pytest.raises(InvalidKeyError) as caught:
            keys_of(text)
        assert text not in str(caught.value)


class TestSealed(StoreConformance):
    @pytest.fixture
    async def store(self, tmp_path: pathlib.Path) -> AsyncIterator[Store]:
        inner = await SqliteStore.open(tmp_path / "registry.db", clock=lambda: NOW)
        store = cast(Store, EncryptedMetadataStore(inner, MetadataCipher([KEY])))
        yield store
        await store.close()
