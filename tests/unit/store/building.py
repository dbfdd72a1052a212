"""Short ways to put something into a store."""

from collections.abc import Awaitable, Callable

import pytest

from llm_schema_registry.contracts import Reference, Subject, guid_of
from llm_schema_registry.store import ChangeKind, State, Store, StoredSchema, Transaction, Version

REGISTERED = ChangeKind.VERSION_REGISTERED


def content(
    text: str = '"string"', context: str = ".", schema_id: int = 0, references: tuple[Reference, ...] = ()
) -> StoredSchema:
    return StoredSchema(
        context=context,
        schema_id=schema_id,
        guid=guid_of(text, references),
        schema_type="AVRO",
        text=text,
        references=references,
    )


def subject(name: str, context: str = ".") -> Subject:
    return Subject(context, name)


async def register(
    transaction: Transaction,
    name: str,
    *,
    context: str = ".",
    version: int = 1,
    state: State = State.ACTIVE,
    deleted: bool = False,
    references: tuple[Reference, ...] = (),
) -> Version:
    """Registers a version with a content of its own."""
    text = f'"{context}:{name}:{version}"'
    stored = await transaction.add_schema(content(text, context, references=references))
    put = Version(
        subject=Subject(context, name),
        version=version,
        schema_id=stored.schema_id,
        state=state,
        deleted=deleted,
        registered_at=7,
    )
    await transaction.put_version(put, REGISTERED)
    return put


async def registered(store: Store, name: str, **how: object) -> Version:
    """Registers a version with a content of its own, in a transaction of its own."""
    async with store.transaction() as transaction:
        return await register(transaction, name, **how)


async def rolled_back(store: Store, write: Callable[[Transaction], Awaitable[object]]) -> None:
    """Makes a write in a transaction whose block then fails."""

    async def block() -> None:
        async with store.transaction() as transaction:
            await write(transaction)
            raise LookupError

    with pytest.raises(LookupError):
        await block()
