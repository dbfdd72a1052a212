"""Entries of the shared cache: keys, encoding, and proof that a node of this store wrote them.

Whoever else writes into the same server, by mistake or not, cannot make an entry: it begins with a digest of its key
and its content that only those can make who know the store's secret.
"""

import hashlib
import hmac
import zlib
from typing import Final, Generic, TypeVar

import msgspec

from llm_schema_registry import __version__

_DIGEST_BYTES = 16
_WORTH_COMPRESSING_BYTES = 4096
_PLAIN, _COMPRESSED = b"\0", b"\1"

MAX_BYTES: Final = 2 * 1024 * 1024
"""The largest content of an entry."""


_T = TypeVar("_T")


class VersionedEntry(msgspec.Struct, Generic[_T], frozen=True, array_like=True):
    """A value, and when it was that of the store.

    Attributes:
        as_of: the revision.
        mark: which history's; see `RecentChanges.mark`.
        value: what the store answered.
    """

    as_of: int
    mark: int
    value: _T


class EntryCodec:
    """The keys and the entries of one store, as one release of this product reads and writes them.

    Args:
        secret: the store's; keys tell nothing of it.
        release: whose entries they are: another one may mean other values by the same bytes.
    """

    def __init__(self, secret: bytes, release: str = __version__) -> None:
        told = release.encode()
        self._prefix = f"lsr:{hashlib.blake2b(told, key=secret, person=b'prefix', digest_size=8).hexdigest()}:".encode()
        self._secret = hashlib.blake2b(told, key=secret, person=b"entries", digest_size=32).digest()

    def key(self, name: str, arguments: tuple[object, ...]) -> bytes:
        """The key of what a read answers for arguments: of the same length for all."""
        asked = f"{name}{arguments!r}".encode()
        return self._prefix + hashlib.blake2b(asked, key=self._secret, digest_size=16).hexdigest().encode()

    def encode(self, key: bytes, content: bytes) -> bytes:
        """The entry with a content; only under this key it can be opened again."""
        body = _PLAIN + content
        if len(content) >= _WORTH_COMPRESSING_BYTES:
            compressed = zlib.compress(content, level=1)
            if len(compressed) <= len(content) * 3 // 4:
                body = _COMPRESSED + compressed
        return self._digest(key, body) + body

    def decode(self, key: bytes, entry: bytes) -> bytes | None:
        """The content of an entry; `None` for what was not made by `sealed` for this key."""
        digest, body = entry[:_DIGEST_BYTES], entry[_DIGEST_BYTES:]
        if not hmac.compare_digest(self._digest(key, body), digest):
            return None
        content = memoryview(body)[1:]
        return zlib.decompress(content) if body.startswith(_COMPRESSED) else bytes(content)

    def _digest(self, key: bytes, body: bytes) -> bytes:
        return hashlib.blake2b(key + body, key=self._secret, digest_size=_DIGEST_BYTES).digest()
