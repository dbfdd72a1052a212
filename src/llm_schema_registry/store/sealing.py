"""A store whose sensitive metadata is sealed: in the tables, and in the change log."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from llm_schema_registry.contracts.metadata import Metadata
from llm_schema_registry.contracts.subjects import Subject
from llm_schema_registry.store.model import Setting, StoredSchema
from llm_schema_registry.store.store import Reads, Store, Transaction
from llm_schema_registry.store.vault import Vault

# The parts of a config that hold metadata.
_METADATA_OF_CONFIG = ("defaultMetadata", "overrideMetadata")

_Treatment = Callable[[str, str], str]


class _SealedReads:
    """Opens what is read. All that has nothing to do with metadata is the inner object's."""

    def __init__(self, reads: Reads, vault: Vault) -> None:
        self._reads = reads
        self._vault = vault

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reads, name)

    async def schema(self, context: str, schema_id: int) -> StoredSchema | None:
        """See `Reads`."""
        stored = await self._reads.schema(context, schema_id)
        return None if stored is None else _with_metadata(stored, self._vault.opened)

    async def schemas_by_guid(self, guid: str) -> list[StoredSchema]:
        """See `Reads`."""
        return [_with_metadata(stored, self._vault.opened) for stored in await self._reads.schemas_by_guid(guid)]

    async def setting(self, scope: Subject, kind: Setting) -> str | None:
        """See `Reads`."""
        value = await self._reads.setting(scope, kind)
        return None if value is None else _setting(scope, kind, value, self._vault.opened)


class _SealedTransaction(_SealedReads):
    """Seals what is written."""

    def __init__(self, transaction: Transaction, vault: Vault) -> None:
        super().__init__(transaction, vault)
        self._transaction = transaction

    async def add_schema(self, schema: StoredSchema) -> StoredSchema:
        """See `Transaction`."""
        stored = await self._transaction.add_schema(_with_metadata(schema, self._vault.sealed))
        return msgspec.structs.replace(stored, metadata=schema.metadata)

    async def put_setting(self, scope: Subject, kind: Setting, value: str | None) -> None:
        """See `Transaction`."""
        # What is sealed anew differs from what is there, also where nothing has changed.
        if value is None or await self.setting(scope, kind) != value:
            sealed = None if value is None else _setting(scope, kind, value, self._vault.sealed)
            await self._transaction.put_setting(scope, kind, sealed)


class SealedStore(_SealedReads):
    """Fulfils `Store` around another one: the values of properties that metadata calls sensitive are sealed.

    Args:
        store: what is read and written.
        vault: the keys.
    """

    def __init__(self, store: Store, vault: Vault) -> None:
        super().__init__(store, vault)
        self._store = store

    @asynccontextmanager
    async def transaction(self, actor: str = "") -> AsyncIterator[_SealedTransaction]:
        """See `Store`."""
        async with self._store.transaction(actor) as transaction:
            yield _SealedTransaction(transaction, self._vault)


def _with_metadata(schema: StoredSchema, treat: _Treatment) -> StoredSchema:
    if schema.metadata is None:
        return schema
    return msgspec.structs.replace(schema, metadata=_treated(schema.metadata, schema.guid, treat))


def _setting(scope: Subject, kind: Setting, value: str, treat: _Treatment) -> str:
    if kind is not Setting.CONFIG or '"sensitive"' not in value:
        return value
    config = msgspec.json.decode(value)
    for name in _METADATA_OF_CONFIG:
        if config.get(name):
            config[name] = _treated(msgspec.convert(config[name], Metadata), f"{scope} {name}", treat)
    return msgspec.json.encode(config).decode()


def _treated(metadata: Metadata, place: str, treat: _Treatment) -> Metadata:
    if not metadata.sensitive or not metadata.properties:
        return metadata
    properties = {
        name: treat(value, f"{place} {name}") if name in metadata.sensitive else value
        for name, value in metadata.properties.items()
    }
    return msgspec.structs.replace(metadata, properties=properties)
