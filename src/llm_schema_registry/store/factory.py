"""Opens the store that a URL names, with its layers."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from llm_schema_registry.store.api import SqlStore, Store
from llm_schema_registry.store.blobs import BlobSettings, folder_of, open_blobs
from llm_schema_registry.store.layers.blobs import BlobStore

if TYPE_CHECKING:
    from llm_schema_registry.store.blobs.schema_blobs import Texts

_NO_PLACE = BlobSettings()
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_POSTGRESQL = frozenset({"postgresql", "postgres"})
_SUPPORTED = (
    "sqlite:///path/to/file.db (sqlite:////path for an absolute path), sqlite:// (in memory) or "
    "postgresql://user:password@host:5432/database"
)


class InvalidStoreUrlError(ValueError):
    """The URL names no store this registry can open; the message says which it can, and repeats no secret."""


def store_url(text: str) -> str:
    """The URL of a store that a setting names: itself, or as `@FILE` the content of a file.

    Raises:
        InvalidStoreUrlError: the file cannot be read.
    """
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise InvalidStoreUrlError(
            f"The file with the store's URL cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8 text'}. "
            "After @, name a file that this user may read."
        ) from None


def has_password(url: str) -> bool:
    """Whether the URL of a store holds a password."""
    return bool(re.search(r"://[^/@]*:[^/@]*@|[?&]password=", url))


def is_postgresql(url: str) -> bool:
    """Whether a store's URL names one on PostgreSQL."""
    return url.partition("://")[0].lower() in _POSTGRESQL


async def open_store(
    url: str,
    keys: Sequence[bytes] = (),
    blobs: BlobSettings = _NO_PLACE,
    shared: Callable[[Store, bytes], Store] | None = None,
) -> Store:
    """Opens the store of a URL: an SQLite file, a store in memory that is gone when it is closed, or PostgreSQL.

    Args:
        url: `sqlite:///relative/path.db`, `sqlite:////absolute/path.db`, `sqlite://` or `sqlite:///:memory:`;
            `postgresql://user:password@host:port/database`, with the options `schema` (where the tables are;
            `public`), `replica` (`host:port` of a streaming replica for reads) and those of libpq (`sslmode` …).
        keys: for the values of sensitive metadata, which are kept in clear without; see `MetadataCipher`.
        blobs: where large definitions are kept; without it none is brought there, and none is found there.
        shared: puts a shared cache around a store of an identity; what is sealed is sealed there too.

    Raises:
        InvalidStoreUrlError: another kind of URL, or a kind for which a package is missing.
        InvalidBlobsUrlError: the same of object storage.
        StoreUnavailableError: the store cannot be opened.
    """
    tables = await open_tables(url)
    try:
        texts = _texts_in(blobs, await tables.identity()) if blobs.url else None
        # Most of its reads are the inner store's, and not written out.
        store = cast(Store, BlobStore(tables, texts))
        if shared is not None:
            store = shared(store, await tables.identity())
    except BaseException:
        await tables.close()
        raise
    if not keys:
        return store

    # A process without keys does without the library behind them.
    from llm_schema_registry.store.layers.encryption import EncryptedMetadataStore, MetadataCipher

    return cast(Store, EncryptedMetadataStore(store, MetadataCipher(keys)))


async def open_tables(url: str) -> SqlStore:
    """The store of a URL as it is in its tables: without what is kept elsewhere, and with what is sealed.

    Args and errors as for `open_store`.
    """
    found = _SCHEME.match(url)
    if found is None:
        raise InvalidStoreUrlError(f"The store's URL has no scheme. Supported: {_SUPPORTED}.")
    scheme = found[1].lower()
    if scheme in _POSTGRESQL:
        return await _open_postgresql(url)
    if scheme != "sqlite":
        raise InvalidStoreUrlError(f"A store of the kind '{found[1]}' is not supported. Supported: {_SUPPORTED}.")
    path = url[found.end() :]
    if path and (not path.startswith("/") or path == "/"):
        raise InvalidStoreUrlError(
            f"The store's URL names no file: three slashes come before it. Supported: {_SUPPORTED}."
        )

    # A process that keeps its store elsewhere does without SQLite.
    from llm_schema_registry.store.sqlite import MEMORY, SqliteStore

    return await SqliteStore.open(path[1:] or MEMORY)


def _texts_in(place: BlobSettings, identity: bytes) -> "Texts":
    from llm_schema_registry.store.blobs.schema_blobs import Texts

    return Texts(open_blobs(place.url, folder_of(identity)), place.threshold)


async def _open_postgresql(url: str) -> SqlStore:
    try:
        import asyncpg  # noqa: F401
    except ModuleNotFoundError as error:
        raise InvalidStoreUrlError(
            "A store on PostgreSQL needs a package that is not installed: pip install 'llm-schema-registry[postgres]'"
        ) from error
    from llm_schema_registry.store.postgresql import PostgresStore

    return await PostgresStore.open(url)
