"""Keys for values that nobody but the registry shall read: sealed before they are stored, opened when they are read.

Loaded only where there is a key: the library behind it is not part of the base.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_BYTES = 32
_NONCE_BYTES = 12
_KEY_ID_CHARACTERS = 8
_MARK = "sealed:1:"


class InvalidKeyError(ValueError):
    """A text is no list of keys; the message says what is expected, and repeats nothing of it."""


class Vault:
    """Seals with one key and opens with several: AES-256-GCM, a nonce for each value, bound to its place.

    Args:
        keys: of 32 bytes each. The first one seals; the others open what was sealed before a rotation.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._ciphers = {_id_of(key): AESGCM(key) for key in keys}
        self._current = _id_of(keys[0])

    def sealed(self, clear: str, place: str) -> str:
        """What is stored for a value: `sealed:1:{key id}:{nonce and ciphertext}`.

        Args:
            clear: the value.
            place: where it belongs; nowhere else can it be opened.
        """
        nonce = os.urandom(_NONCE_BYTES)
        data = self._ciphers[self._current].encrypt(nonce, clear.encode("utf-8", "surrogatepass"), place.encode())
        return f"{_MARK}{self._current}:{base64.urlsafe_b64encode(nonce + data).decode()}"

    def opened(self, stored: str, place: str) -> str:
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
