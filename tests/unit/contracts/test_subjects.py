"""Qualified names of subjects."""

import pytest

from llm_schema_registry.contracts import Subject


@pytest.mark.parametrize(
    ("text", "subject", "printed"),
    [
        ("s", Subject(".", "s"), "s"),
        ("", Subject(".", ""), ""),
        ("a/b:c", Subject(".", "a/b:c"), "a/b:c"),
        (":.c:s", Subject(".c", "s"), ":.c:s"),
        (":.c:", Subject(".c", ""), ":.c:"),
        (":.c", Subject(".c", ""), ":.c:"),
        (":.:s", Subject(".", "s"), "s"),
        (":.c:s:t", Subject(".c", "s:t"), ":.c:s:t"),
        (":c:s", Subject(".", ":c:s"), ":c:s"),
        (":.__GLOBAL:", Subject(".__GLOBAL", ""), ":.__GLOBAL:"),
    ],
)
def test_parse_and_print(text: str, subject: Subject, printed: str) -> None:
    assert Subject.parse(text) == subject
    assert str(subject) == printed


def test_unqualified_names_fall_into_the_given_context() -> None:
    assert Subject.parse("s", ".c") == Subject(".c", "s")
    assert Subject.parse(":.d:s", ".c") == Subject(".d", "s")
