"""Entity tags, and which of them a conditional request means."""

import pytest

from llm_schema_registry.server.http.etags import entity_tag, is_among

TAG = entity_tag(b"{}", "application/json")


def test_a_tag_is_strong_quoted_and_the_same_for_the_same() -> None:
    assert entity_tag(b"{}", "application/json") == TAG
    assert TAG.startswith('"')
    assert TAG.endswith('"')
    assert len(TAG) > 20


def test_another_body_or_another_media_type_is_another_answer() -> None:
    others = {
        entity_tag(b"{ }", "application/json"),
        entity_tag(b"{}", "text/plain"),
        entity_tag(b"", "{}application/json"),
    }
    assert TAG not in others
    assert len(others) == 3


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (TAG, True),
        (f"W/{TAG}", True),
        (f'"other", {TAG}', True),
        (f'W/"other" ,W/{TAG},"more"', True),
        ('"with, a comma", ' + TAG, True),
        ("*", True),
        (" * ", True),
        ('"*"', False),
        ('"other"', False),
        (TAG.strip('"'), False),
        (f"w/{TAG.upper()}", False),
        ("", False),
        ('"', False),
        (f'"prefix{TAG[1:]}', False),
    ],
)
def test_the_comparison_is_weak_and_takes_lists(header: str, expected: bool) -> None:
    assert is_among(TAG, header) is expected
