"""The protocol of object storage, as far as large definitions need it."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import NamedTuple, Protocol

from llm_schema_registry.store.api import StoreUnavailableError
from llm_schema_registry.store.records import StoredSchema


class BlobsUnavailableError(StoreUnavailableError):
    """Object storage cannot be reached or refused the work. The store itself may be well."""


class DefinitionLostError(Exception):
    """The text of one stored schema cannot be read; nothing else is affected.

    Args:
        stored: the schema as it is in the tables.
        why: what may follow 'its definition'.
    """

    def __init__(self, stored: StoredSchema, why: str) -> None:
        super().__init__(stored, why)
        self._stored = stored
        self._why = why

    def __str__(self) -> str:
        digest = (self._stored.blob or "").partition(":")[0]
        return (
            f"The definition of the schema with id {self._stored.schema_id} in context '{self._stored.context}' "
            f"(object {digest}) {self._why}."
        )


class InvalidBlobsUrlError(ValueError):
    """The URL names no object storage that can be used; the message says which can, and repeats no secret."""


class BlobInfo(NamedTuple):
    """An object that is there.

    Attributes:
        name: its name, without what all names have in common.
        size: in bytes.
        modified: when it was last written.
    """

    name: str
    size: int
    modified: datetime


class Blobs(Protocol):
    """Objects by name. Every method may raise `BlobsUnavailableError`."""

    async def put(self, name: str, data: bytes) -> None:
        """Writes an object, over an earlier one of the name; it is durable and whole when this returns."""
        ...

    async def get(self, name: str, limit: int) -> bytes | None:
        """The first `limit` bytes of an object, and thereby all of a shorter one; `None` if there is none."""
        ...

    async def look(self, name: str) -> BlobInfo | None:
        """An object without its content; `None` if there is none."""
        ...

    def items(self) -> AsyncIterator[BlobInfo]:
        """All objects, in any order."""
        ...

    async def delete(self, name: str) -> None:
        """Removes an object, if there is one."""
        ...
