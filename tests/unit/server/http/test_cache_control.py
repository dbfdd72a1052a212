"""What may be kept of which operation, and the names of facts."""

import pytest

from llm_schema_registry.contracts import Subject
from llm_schema_registry.server.http.cache_control import NOT_KEPT, Caching, cache_control, caching_of, surrogate_keys
from llm_schema_registry.server.http.confluent import CONFLUENT_OPERATIONS
from llm_schema_registry.server.http.openapi import DOCUMENTATION_OPERATIONS
from llm_schema_registry.server.http.v1 import NATIVE_OPERATIONS
from llm_schema_registry.server.settings import Settings
from llm_schema_registry.store import dependencies

OPERATIONS = [*CONFLUENT_OPERATIONS, *NATIVE_OPERATIONS, *DOCUMENTATION_OPERATIONS]


def test_only_the_content_of_an_id_is_kept_without_asking() -> None:
    kept = {each.path for each in OPERATIONS if caching_of(each) is Caching.IMMUTABLE}
    assert kept == {"/schemas/ids/{id}", "/schemas/ids/{id}/schema", "/schemas/guids/{guid}"}


def test_what_is_no_read_of_the_registry_is_never_kept() -> None:
    kept = {(each.method, each.path) for each in OPERATIONS if caching_of(each) is not Caching.NOT}
    assert {method for method, _ in kept} == {"GET"}
    left_out = {each.path for each in OPERATIONS if each.method == "GET"} - {path for _, path in kept}
    assert left_out == {"/health", "/health/live", "/health/ready", "/metrics"}


@pytest.mark.parametrize(
    ("caching", "settings", "expected"),
    [
        (Caching.IMMUTABLE, Settings(), "private, max-age=86400, immutable"),
        (Caching.REVALIDATED, Settings(), "private, no-cache"),
        (Caching.REVALIDATED, Settings(public_cache=True), "public, no-cache"),
        (Caching.NOT, Settings(public_cache=True), NOT_KEPT),
        (Caching.IMMUTABLE, Settings(confluent_cache_control=True), NOT_KEPT),
    ],
)
def test_the_header_says_who_may_keep_it_and_how(caching: Caching, settings: Settings, expected: str) -> None:
    assert cache_control(caching, settings) == expected


def test_facts_are_named_by_their_parts() -> None:
    made_from = [
        dependencies.of_subject(Subject(".c", "a b/ä")),
        dependencies.of_schema(".", 7),
        dependencies.ALL_VERSIONS,
    ]
    assert surrogate_keys(made_from) == "schema/./7 subject/.c/a%20b%2F%C3%A4 versions"
    assert surrogate_keys([]) == ""


def test_more_facts_than_a_header_holds_have_one_name() -> None:
    assert surrogate_keys([dependencies.of_schema(".", number) for number in range(500)]) == "everything"
