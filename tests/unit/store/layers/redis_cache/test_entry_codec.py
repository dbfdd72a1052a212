"""Keys and entries: only who knows the secret makes one, and only for the key under which it is found."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_schema_registry.contracts import Subject
from llm_schema_registry.store import Setting
from llm_schema_registry.store.layers.redis_cache.entry_codec import EntryCodec

ENTRIES = EntryCodec(b"s" * 32)
KEY = ENTRIES.key("schema", (".", 1))
SMALL, LARGE = b"content", b'{"type": "record"} ' * 5000
INCOMPRESSIBLE = os.urandom(50_000)


@pytest.mark.parametrize("content", [b"", SMALL, LARGE, INCOMPRESSIBLE])
def test_what_was_sealed_opens_again(content: bytes) -> None:
    assert ENTRIES.decode(KEY, ENTRIES.encode(KEY, content)) == content


def test_only_what_is_worth_it_is_compressed() -> None:
    sizes = {len(content): len(ENTRIES.encode(KEY, content)) for content in (SMALL, LARGE, INCOMPRESSIBLE)}
    assert sizes[len(SMALL)] == len(SMALL) + 17
    assert sizes[len(LARGE)] < len(LARGE) / 10
    assert sizes[len(INCOMPRESSIBLE)] == len(INCOMPRESSIBLE) + 17


@given(st.binary(max_size=80))
def test_noise_is_no_entry(noise: bytes) -> None:
    assert ENTRIES.decode(KEY, noise) is None


@pytest.mark.parametrize("content", [b"", SMALL, LARGE])
def test_no_byte_of_an_entry_can_be_changed(content: bytes) -> None:
    entry = ENTRIES.encode(KEY, content)
    for place in range(min(len(entry), 60)):
        changed = bytearray(entry)
        changed[place] ^= 1
        assert ENTRIES.decode(KEY, bytes(changed)) is None
    assert ENTRIES.decode(KEY, entry + b"x") is None
    assert ENTRIES.decode(KEY, entry[:-1]) is None


def test_an_entry_is_good_for_its_key_alone() -> None:
    entry = ENTRIES.encode(KEY, SMALL)
    for other in (ENTRIES.key("schema", (".", 2)), ENTRIES.key("versions of schema", (".", 1)), b"", KEY[:-1]):
        assert ENTRIES.decode(other, entry) is None


def test_stores_and_releases_share_nothing() -> None:
    entry = ENTRIES.encode(KEY, SMALL)
    others = [EntryCodec(b"t" * 32), EntryCodec(b"s" * 32, "another")]
    keys = {each.key("schema", (".", 1)) for each in (ENTRIES, *others)}
    assert len(keys) == 3
    assert len({key.split(b":")[1] for key in keys}) == 3
    assert [other.decode(KEY, entry) for other in others] == [None, None]
    assert EntryCodec(b"s" * 32).decode(KEY, entry) == SMALL


def test_arguments_are_told_apart_and_not_told() -> None:
    arguments: list[tuple[object, ...]] = [
        (".", 1),
        (".", "1"),
        (".1",),
        ("'.', 1",),
        (Subject(".", "secret"), 1),
        (Subject(".secret", ""), 1),
        (Subject(".", "\ud800\x00"), 1),
        (Subject(".", "secret"), Setting.CONFIG),
        (Subject(".", "secret"), Setting.MODE),
    ]
    keys = [ENTRIES.key("kind", each) for each in arguments]
    assert len(set(keys)) == len(keys)
    assert len({len(key) for key in keys}) == 1
    assert not any(b"secret" in key for key in keys)
    assert ENTRIES.key("a", ("b",)) != ENTRIES.key("a('b',)", ())
