"""Schema texts as objects: compressed, under a name that proves their content; fetched and checked."""

import asyncio
import gzip
import hashlib
import re
import zlib
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, Self

_GZIP = 31  # zlib's number for its window with a header of gzip
_LEVEL = 6
_BLOB = re.compile(r"([0-9a-f]{64}):([0-9]{1,18})")
_NAME = re.compile(r"([0-9a-f]{64})\.gz")


class DamagedBlobError(Exception):
    """An object is not what its name says; the message is what may follow 'the object'."""


class Blob(NamedTuple):
    """What a text outside the store is known by there.

    Attributes:
        digest: SHA-256 of its UTF-8, as hexadecimal digits.
        size: how many bytes that is; a bound for whoever unpacks it.
    """

    digest: str
    size: int

    @classmethod
    def of(cls, text: str) -> Self:
        """What a text is known by."""
        return cls._of_bytes(_bytes_of(text))

    @classmethod
    def parse(cls, column: str) -> Self:
        """What a column says; `str` gives the column.

        Raises:
            DamagedBlobError: it says something else.
        """
        found = _BLOB.fullmatch(column)
        if found is None:
            raise DamagedBlobError("has no name that can be read")
        return cls(found[1], int(found[2]))

    @classmethod
    def _of_bytes(cls, data: bytes) -> Self:
        return cls(hashlib.sha256(data).hexdigest(), len(data))

    def __str__(self) -> str:
        return f"{self.digest}:{self.size}"

    @property
    def name(self) -> str:
        """The name of the object."""
        return f"{self.digest}.gz"

    @property
    def most_packed(self) -> int:
        """More bytes than the object can have."""
        return self.size + self.size // 1000 + 256


def digest_of_name(name: str) -> str | None:
    """The digest of the text in an object; `None` for the name of something else."""
    found = _NAME.fullmatch(name)
    return None if found is None else found[1]


def exceeds(text: str, threshold: int) -> bool:
    """Whether a text has more bytes than a threshold."""
    if len(text) > threshold:
        return True
    # No character takes more than four bytes.
    return 4 * len(text) > threshold and len(_bytes_of(text)) > threshold


def packed(text: str) -> bytes:
    """The object for a text: gzip, the same bytes each time."""
    return gzip.compress(_bytes_of(text), _LEVEL, mtime=0)


def unpacked(data: bytes, blob: Blob) -> str:
    """The text in an object; never takes more memory than the text should.

    Raises:
        DamagedBlobError: it is not the text that `blob` stands for.
    """
    unpacking = zlib.decompressobj(_GZIP)
    try:
        text = unpacking.decompress(data, blob.size + 1)
    except zlib.error:
        raise DamagedBlobError("is no gzip, or was changed") from None
    if len(text) > blob.size:
        raise DamagedBlobError(f"holds more than {blob.size} bytes")
    if not unpacking.eof:
        raise DamagedBlobError("is cut off")
    if Blob._of_bytes(text) != blob:
        raise DamagedBlobError("holds another text")
    return text.decode("utf-8", "surrogatepass")


def _bytes_of(text: str) -> bytes:
    # JSON can bring lone surrogates, which UTF-8 has no place for.
    return text.encode("utf-8", "surrogatepass")


async def fetch(get: Callable[[str, int], Coroutine[Any, Any, bytes | None]], blob: Blob) -> str:
    """A text from its object.

    Args:
        get: as `Blobs.get`.
        blob: what the text is known by.

    Raises:
        DamagedBlobError: there is no object, or another one than there should be.
        BlobsUnavailableError: object storage does not answer.
    """
    data = await get(blob.name, blob.most_packed)
    if data is None:
        raise DamagedBlobError("is missing")
    return await asyncio.to_thread(unpacked, data, blob)
