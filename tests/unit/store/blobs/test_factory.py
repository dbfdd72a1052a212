import builtins

import pytest

from llm_schema_registry.store import open_store
from llm_schema_registry.store.blobs import BlobSettings, InvalidBlobsUrlError, folder_of, open_blobs


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket",
        "S3://bucket/",
        "s3://bucket/a/b",
        "s3://my.bucket-1?region=eu-central-1",
        "s3://bucket/a?endpoint=https://objects.example.org:9000/&region=",
    ],
)
def test_what_can_be_opened(url: str) -> None:
    open_blobs(url)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "names no object storage"),
        ("bucket", "names no object storage"),
        ("https://bucket", "names no object storage"),
        ("s3://[x", "cannot be read"),
        ("s3://", "names no bucket"),
        ("s3:///path", "names no bucket"),
        ("s3://b", "names no bucket"),
        ("s3://bucket:9000", "names no bucket"),
        ("s3://me:secret@bucket", "holds credentials: they belong into AWS_ACCESS_KEY_ID"),
        ("s3://bucket?secret=x", "unknown option 'secret'"),
        ("s3://bucket?region=a b", "invalid region 'a b'"),
        ("s3://bucket?endpoint=localhost:9000", "endpoint that is no URL"),
        ("s3://bucket?endpoint=http://", "endpoint that is no URL"),
        ("s3://bucket?endpoint=http://host:70000", "endpoint that is no URL"),
        ("s3://bucket?endpoint=http://me:secret@host", "endpoint that is no URL"),
        ("s3://bucket?endpoint=http://h%C3%A4st", "endpoint that is no URL"),
    ],
)
def test_what_cannot_be_opened(url: str, why: str) -> None:
    with pytest.raises(InvalidBlobsUrlError, match=why) as caught:
        open_blobs(url)
    assert "Supported: s3://BUCKET/PREFIX" in str(caught.value)
    assert "me:" not in str(caught.value)


async def test_a_store_is_not_opened_without_its_objects() -> None:
    with pytest.raises(InvalidBlobsUrlError):
        await open_store("sqlite://", blobs=BlobSettings("s3://b"))


def test_a_folder_tells_nothing_of_the_identity() -> None:
    identity = bytes(range(32))
    assert folder_of(identity) == folder_of(bytes(range(32)))
    assert folder_of(identity) != folder_of(bytes(32))
    assert folder_of(identity) not in identity.hex()
    assert len(folder_of(identity)) == 16


def test_a_variable_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "perhaps")
    with pytest.raises(InvalidBlobsUrlError, match="AWS_"):
        open_blobs("s3://bucket")


def test_the_package_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    importing = builtins.__import__

    def without(name: str, *arguments, **options):
        if name.endswith("blobs.object_storage"):
            raise ModuleNotFoundError(name)
        return importing(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InvalidBlobsUrlError, match=r"pip install 'llm-schema-registry\[s3\]'"):
        open_blobs("s3://bucket")
