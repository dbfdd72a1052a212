import pytest

from llm_schema_registry.server.http.errors import HttpError
from llm_schema_registry.server.http.media_types import JSON, SCHEMA_REGISTRY, bare, negotiated

_UNVERSIONED = "application/vnd.schemaregistry+json"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", SCHEMA_REGISTRY),
        ("*/*", SCHEMA_REGISTRY),
        ("application/*", SCHEMA_REGISTRY),
        (JSON, JSON),
        ("Application/JSON; charset=utf-8", JSON),
        (f"{SCHEMA_REGISTRY}, {_UNVERSIONED}, {JSON}", SCHEMA_REGISTRY),
        (f"{_UNVERSIONED}, {JSON}", _UNVERSIONED),
        (f"{JSON}, */*;q=0.1", JSON),
        (f"{SCHEMA_REGISTRY};q=0, */*", _UNVERSIONED),
        ("text/html, */*;q=0.8", SCHEMA_REGISTRY),
    ],
)
def test_negotiation(accept: str, expected: str) -> None:
    assert negotiated(accept) == expected


@pytest.mark.parametrize("accept", ["text/html", "application/xml, text/*", f"{JSON};q=0", f"{JSON};q=none"])
def test_nothing_fits(accept: str) -> None:
    with pytest.raises(HttpError) as refused:
        negotiated(accept)
    assert refused.value.status == 406


def test_bare() -> None:
    assert bare("Application/JSON; charset=utf-8") == JSON
