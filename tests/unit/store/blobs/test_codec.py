import gzip
import hashlib
import tracemalloc

import pytest

from llm_schema_registry.store.blobs.codec import (
    Blob,
    DamagedBlobError,
    digest_of_name,
    exceeds,
    packed,
    unpacked,
)

TEXTS = ("", "a", '{"type": "string"}', "é😀" * 1000, "\x00\x01", "\ud800", "x\udfff\ud83d\ude00", "\r\n")


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_comes_back(text: str) -> None:
    blob = Blob.of(text)
    assert unpacked(packed(text), blob) == text
    assert Blob.parse(str(blob)) == blob
    assert packed(text) == packed(text)
    assert len(packed(text)) < blob.most_packed


def test_the_name_is_the_digest_of_the_text() -> None:
    blob = Blob.of("é")
    assert blob == (hashlib.sha256("é".encode()).hexdigest(), 2)
    assert blob.name == f"{blob.digest}.gz"
    assert digest_of_name(blob.name) == blob.digest
    assert gzip.decompress(packed("é")) == "é".encode()
    for other in ("", "x.gz", blob.digest, f"{blob.name}x", f"a/{blob.name}"):
        assert digest_of_name(other) is None


def test_what_cannot_be_compressed_is_not_too_long() -> None:
    text = "".join(map(chr, range(0x100, 0xD800)))
    blob = Blob.of(text)
    assert len(gzip.compress(text.encode(), 0)) < blob.most_packed


@pytest.mark.parametrize(
    "column", ["", "x", "ab:1", f"{'a' * 64}", f"{'A' * 64}:1", f"{'a' * 64}:-1", f"{'a' * 64}:1 "]
)
def test_a_column_that_is_none(column: str) -> None:
    with pytest.raises(DamagedBlobError, match="no name that can be read"):
        Blob.parse(column)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda data: b"", "cut off"),
        (lambda data: data[:-1], "cut off"),
        (lambda data: data[: len(data) // 2], "cut off"),
        (lambda data: b"plain text", "no gzip"),
        (lambda data: data[:12] + b"\xff\xff\xff\xff" + data[16:], "no gzip|another text"),
        (lambda data: packed("another"), "another text"),
        (lambda data: packed("the texT"), "another text"),
        (lambda data: packed("the text, and more"), "more than 8 bytes"),
    ],
)
def test_damage_is_noticed(damage, why: str) -> None:
    with pytest.raises(DamagedBlobError, match=why):
        unpacked(damage(packed("the text")), Blob.of("the text"))


def test_a_bomb_takes_no_more_than_the_text_would() -> None:
    bomb = gzip.compress(bytes(50 * 1024 * 1024), 9)
    tracemalloc.start()
    try:
        with pytest.raises(DamagedBlobError, match="more than 8 bytes"):
            unpacked(bomb, Blob.of("the text"))
        assert tracemalloc.get_traced_memory()[1] < 2 * 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("text", "size"),
    [("a" * 8, 8), ("é" * 4, 8), ("😀" * 2, 8), ("\ud800" * 2 + "é", 8), ("", 0), ("a", 1)],
)
def test_the_threshold_counts_bytes(text: str, size: int) -> None:
    assert not exceeds(text, size)
    assert exceeds(text + "a", size)
    assert size == 0 or exceeds(text, size - 1)
