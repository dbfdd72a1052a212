"""The least revision that a request wants to see."""

import pytest

from llm_schema_registry.server.http.errors import HttpError
from llm_schema_registry.server.http.revision_headers import least_revision

NAME = b"x-registry-min-revision"


def test_without_the_header_there_is_none() -> None:
    assert least_revision([]) is None
    assert least_revision([(b"x-registry-revision", b"5")]) is None


@pytest.mark.parametrize(
    ("value", "revision"), [(b"0", 0), (b"7", 7), (b" 007 ", 7), (b"9223372036854775807", 2**63 - 1)]
)
def test_a_number_is_one(value: bytes, revision: int) -> None:
    assert least_revision([(b"host", b"a"), (NAME, value)]) == revision


def test_the_highest_of_several_counts() -> None:
    assert least_revision([(NAME, b"3"), (NAME, b"7"), (NAME, b"5")]) == 7


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b" ",
        b"-1",
        b"+1",
        b"1.0",
        b"1e3",
        b"0x1",
        b"1_0",
        b"1,2",
        "٣".encode(),
        b"9223372036854775808",
        b"9" * 9999,
    ],
)
def test_anything_else_is_refused(value: bytes) -> None:
    with pytest.raises(HttpError) as refusal:
        least_revision([(NAME, value)])
    assert refusal.value.status == 400
    assert "X-Registry-Min-Revision" in refusal.value.message
