from typing import Annotated

import pytest
from msgspec import Meta

from llm_schema_registry.server.http.errors import HttpError
from llm_schema_registry.server.http.query_params import Page, Query, parameters_of, read_query


class _Query(Page, frozen=True, kw_only=True):
    deleted_only: Annotated[bool, Meta(description="d", extra={"aliases": ("deleted_only",)})] = False
    normalize: Annotated[bool | None, Meta(description="n")] = None
    key: Annotated[tuple[str, ...], Meta(description="k")] = ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", _Query()),
        (b"unknown=1", _Query()),
        (b"deletedOnly=TRUE", _Query(deleted_only=True)),
        (b"deletedOnly=1", _Query()),
        (b"deletedOnly", _Query()),
        (b"deleted_only=True", _Query(deleted_only=True)),
        (b"deletedOnly=false&deleted_only=true", _Query()),
        (b"normalize=False", _Query(normalize=False)),
        (b"offset=2&limit=+3", _Query(offset=2, limit=3)),
        (b"limit=-7", _Query(limit=-7)),
        (b"key=a&key=b%2Fc&key=%C3%A9", _Query(key=("a", "b/c", "\N{LATIN SMALL LETTER E WITH ACUTE}"))),
    ],
)
def test_reading(text: bytes, expected: _Query) -> None:
    assert read_query(_Query, text.replace(b"+", b"%2B")) == expected


@pytest.mark.parametrize("value", ["x", "", "1.0", "2147483648", "99999999999999999999", "%D9%A1"])
def test_an_integer_that_is_none_is_a_resource_that_is_none(value: str) -> None:
    with pytest.raises(HttpError) as refused:
        read_query(_Query, f"limit={value}".encode())
    assert refused.value.status == 404


def test_too_many_parameters() -> None:
    with pytest.raises(HttpError) as refused:
        read_query(_Query, b"a=1&" * 1_000)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("page", "maximum", "expected"),
    [
        (Page(), None, [0, 1, 2, 3]),
        (Page(offset=1, limit=2), None, [1, 2]),
        (Page(offset=-1, limit=0), None, [0, 1, 2, 3]),
        (Page(offset=9), None, []),
        (Page(limit=5), 2, 2),
        (Page(limit=1), 2, 1),
        (Page(limit=0), 2, 2),
    ],
)
def test_pages(page: Page, maximum: int | None, expected: object) -> None:
    assert (page.cut([0, 1, 2, 3]) if maximum is None else page.size(maximum)) == expected


def test_parameters_for_the_documentation() -> None:
    found = {parameter.name: parameter for parameter in parameters_of(_Query)}
    assert set(found) == {"offset", "limit", "deletedOnly", "normalize", "key"}
    assert found["normalize"].type is bool
    assert found["key"].many
    assert parameters_of(Query) == ()
