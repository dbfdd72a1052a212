"""Opens the object storage that a URL names."""

import hashlib
import re
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from llm_schema_registry.store.blobs.api import Blobs, InvalidBlobsUrlError

DEFAULT_THRESHOLD = 256 * 1024
_SUPPORTED = "s3://BUCKET/PREFIX?endpoint=https://HOST:PORT&region=REGION, all of it but the bucket optional"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[A-Za-z0-9-]*")
_OPTIONS = frozenset({"endpoint", "region"})


class BlobSettings(NamedTuple):
    """Where large definitions are kept.

    Attributes:
        url: see `open_blobs`; empty: in the store, with all others.
        threshold: definitions of more bytes are large.
    """

    url: str = ""
    threshold: int = DEFAULT_THRESHOLD


def folder_of(identity: bytes) -> str:
    """The folder of a store in object storage, so that stores may share a bucket and a prefix.

    Args:
        identity: see `Tables`; it cannot be told from the folder.
    """
    return hashlib.sha256(b"objects of " + identity).hexdigest()[:16]


def open_blobs(url: str, folder: str = "") -> Blobs:
    """The object storage of a URL. Nothing is asked of it yet.

    Args:
        url: `s3://BUCKET/PREFIX`, with the options `endpoint` (for what is not Amazon's) and `region`. Whatever else
            is needed, credentials above all, is taken from the standard variables: `AWS_ACCESS_KEY_ID` and so on.
        folder: below the prefix.

    Raises:
        InvalidBlobsUrlError: another kind of URL, one with credentials, a variable that cannot be read, or a missing
            package.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _unsupported("cannot be read") from None
    if parts.scheme.lower() != "s3":
        raise _unsupported("names no object storage that is known")
    if "@" in parts.netloc:
        raise _unsupported("holds credentials: they belong into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    if not _BUCKET.fullmatch(parts.netloc):
        raise _unsupported("names no bucket")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = options.keys() - _OPTIONS
    if unknown:
        raise _unsupported(f"has an unknown option '{min(unknown)}'")
    endpoint, region = options.get("endpoint", ""), options.get("region", "")
    if endpoint and not _is_endpoint(endpoint):
        raise _unsupported("has an endpoint that is no URL of a host")
    if not _REGION.fullmatch(region):
        raise _unsupported(f"has an invalid region '{region}'")
    try:
        from llm_schema_registry.store.blobs.object_storage import ObjectBlobs
    except ModuleNotFoundError as error:
        raise InvalidBlobsUrlError(
            "Object storage needs a package that is not installed: pip install 'llm-schema-registry[s3]'"
        ) from error
    prefix = "/".join(part for part in (parts.path.strip("/"), folder) if part)
    return ObjectBlobs.on_s3(parts.netloc, prefix, endpoint=endpoint.rstrip("/"), region=region)


def _is_endpoint(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    plain = text.isascii() and text.isprintable() and " " not in text and not (parts.query or parts.fragment)
    return (
        parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc and plain and port != 0
    )


def _unsupported(why: str) -> InvalidBlobsUrlError:
    return InvalidBlobsUrlError(f"The URL of object storage {why}. Supported: {_SUPPORTED}.")
