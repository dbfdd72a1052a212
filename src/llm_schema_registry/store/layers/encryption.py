"""Encryption of sensitive metadata, in the tables and in the change log: AES-GCM with key rotation.

Loaded only where there is a key: the library behind it is not part of the base.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from llm_schema_registry.contracts.metadata import Metadata
from llm_schema_registry.contracts.subjects import Subject
from llm_schema_registry.store.api import Reads, Store, Transaction
from llm_schema_registry.store.records import Setting, StoredSchema

_KEY_BYTES = 32
_NONCE_BYTES = 12
_KEY_ID_CHARACTERS = 8
_MARK = "sealed:1:"


class InvalidKeyError(ValueError):
    """A text is no list of keys; the message says what is expected, and repeats nothing of it."""


class MetadataCipher:
    """Seals with one key and opens with several: AES-256-GCM, a nonce for each value, bound to its place.

    Args:
        keys: of 32 bytes each. The first one seals; the others open what was sealed before a rotation.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._ciphers = {_id_of(key): AESGCM(key) for key in keys}
        self._current = _id_of(keys[0])

    def encrypt(self, clear: str, place: str) -> str:
        """What is stored for a value: `sealed:1:{key id}:{nonce and ciphertext}`.

        Args:
            clear: the value.
            place: where it belongs; nowhere else can it be opened.
        """
        nonce = os.urandom(_NONCE_BYTES)
        data = self._ciphers[self._current].encrypt(nonce, clear.encode("utf-8", "surrogatepass"), place.encode())
        return f"{_MARK}{self._current}:{base64.urlsafe_b64encode(nonce + data).decode()}"

    def decrypt(self, stored: str, place: str) -> str:
        """The value for which this is stored. What no key here opens is answered as it is.

        Values from before there was a key are in clear, and one sealed with a key that is gone should make one
        property unreadable, not the schema.
        """
        if not stored.startswith(_MARK):
            return stored
        key_id, _, text = stored.removeprefix(_MARK).partition(":")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            return stored
        try:
            data = base64.urlsafe_b64decode(text)
            clear = cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError):
            return stored
        return clear.decode("utf-8", "surrogatepass")


def keys_of(text: str) -> list[bytes]:
    """The keys in a text: base64 of 32 bytes each, separated by commas; none in an empty one.

    Raises:
        InvalidKeyError: it is something else.
    """
    keys = []
    for piece in filter(None, (piece.strip() for piece in text.split(","))):
        try:
            key = base64.b64decode(piece.replace("-", "+").replace("_", "/"), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != _KEY_BYTES:
            raise InvalidKeyError(
                f"A key is base64 of {_KEY_BYTES} bytes, and several are separated by commas. "
                "Make one with: openssl rand -base64 32"
            )
        keys.append(key)
    return keys


def _id_of(key: bytes) -> str:
    return hashlib.sha256(b"key id of llm-schema-registry\n" + key).hexdigest()[:_KEY_ID_CHARACTERS]


# The parts of a config that hold metadata.
_METADATA_OF_CONFIG = ("defaultMetadata", "overrideMetadata")

_Treatment = Callable[[str, str], str]


class _SealedReads:
    """Opens what is read. All that has nothing to do with metadata is the inner object's."""

    def __init__(self, reads: Reads, cipher: MetadataCipher) -> None:
        self._reads = reads
        self._vault = cipher

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reads, name)

    async def schema(self, context: str, schema_id: int) -> StoredSchema | None:
        """See `Reads`."""
        stored = await self._reads.schema(context, schema_id)
        return None if stored is None else _with_metadata(stored, self._vault.decrypt)

    async def schemas_by_guid(self, guid: str) -> list[StoredSchema]:
        """See `Reads`."""
        return [_with_metadata(stored, self._vault.decrypt) for stored in await self._reads.schemas_by_guid(guid)]

    async def setting(self, scope: Subject, kind: Setting) -> str | None:
        """See `Reads`."""
        value = await self._reads.setting(scope, kind)
        return None if value is None else _setting(scope, kind, value, self._vault.decrypt)


class _SealedTransaction(_SealedReads):
    """Seals what is written."""

    def __init__(self, transaction: Transaction, cipher: MetadataCipher) -> None:
        super().__init__(transaction, cipher)
        self._transaction = transaction

    async def add_schema(self, schema: StoredSchema) -> StoredSchema:
        """See `Transaction`."""
        stored = await self._transaction.add_schema(_with_metadata(schema, self._vault.encrypt))
        return msgspec.structs.replace(stored, metadata=schema.metadata)

    async def put_setting(self, scope: Subject, kind: Setting, value: str | None) -> None:
        """See `Transaction`."""
        # Encrypting the same value again gives another text, also where nothing has changed.
        if value is None or await self.setting(scope, kind) != value:
            sealed = None if value is None else _setting(scope, kind, value, self._vault.encrypt)
            await self._transaction.put_setting(scope, kind, sealed)


class EncryptedMetadataStore(_SealedReads):
    """Fulfils `Store` around another one: the values of properties that metadata calls sensitive are sealed.

    Args:
        store: what is read and written.
        cipher: the keys.
    """

    def __init__(self, store: Store, cipher: MetadataCipher) -> None:
        super().__init__(store, cipher)
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
