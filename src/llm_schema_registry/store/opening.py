"""Opens the store that a URL names."""

import re

from llm_schema_registry.store.store import Store

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SUPPORTED = "sqlite:///path/to/file.db (sqlite:////path for an absolute path) or sqlite:// (in memory)"


class InvalidStoreUrlError(ValueError):
    """The URL names no store this registry can open; the message says which it can, and repeats no secret."""


async def open_store(url: str) -> Store:
    """Opens the store of a URL: an SQLite file, or a store in memory that is gone when it is closed.

    Args:
        url: `sqlite:///relative/path.db`, `sqlite:////absolute/path.db`, `sqlite://` or `sqlite:///:memory:`.

    Raises:
        InvalidStoreUrlError: another kind of URL.
        StoreUnavailableError: the store cannot be opened.
    """
    found = _SCHEME.match(url)
    if found is None:
        raise InvalidStoreUrlError(f"The store's URL has no scheme. Supported: {_SUPPORTED}.")
    if found[1].lower() != "sqlite":
        raise InvalidStoreUrlError(f"A store of the kind '{found[1]}' is not supported. Supported: {_SUPPORTED}.")
    path = url[found.end() :]
    if path and (not path.startswith("/") or path == "/"):
        raise InvalidStoreUrlError(
            f"The store's URL names no file: three slashes come before it. Supported: {_SUPPORTED}."
        )

    # A process that keeps its store elsewhere does without SQLite.
    from llm_schema_registry.store.sqlite import MEMORY, SqliteStore

    return await SqliteStore.open(path[1:] or MEMORY)
