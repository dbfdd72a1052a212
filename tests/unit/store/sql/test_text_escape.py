import itertools

from hypothesis import given
from hypothesis import strategies as st

from llm_schema_registry.store.sql.text_escape import column_of, is_holdable, text_of

ODD = ("\x00", "\x01", "\ud800", "\udfff", "0", "d", "é", "\x02")


def test_every_text_comes_back_and_is_held() -> None:
    texts = ["".join(letters) for length in range(4) for letters in itertools.product(ODD, repeat=length)]
    columns = [column_of(text) for text in texts]
    assert [text_of(column) for column in columns] == texts
    assert len(set(columns)) == len(texts)
    assert all(map(is_holdable, columns))


@given(st.text(st.characters(codec=None)))
def test_what_can_be_held_is_held_as_it_is(text: str) -> None:
    assert text_of(column_of(text)) == text
    if is_holdable(text) and "\x01" not in text:
        assert column_of(text) is text


def test_what_was_stored_without_escapes_is_read_as_it_is() -> None:
    for column in ("\x01", "a\x01b", "\x01x000", "\x01000"):
        assert text_of(column) == column
