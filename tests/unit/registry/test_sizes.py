"""What counts towards the largest definition: all that is stored with it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from llm_schema_registry.contracts import Metadata, Rule, RuleSet, Subject
from llm_schema_registry.registry import ErrorCode, Registry, RegistryOptions
from llm_schema_registry.registry.compatibility import check_request
from llm_schema_registry.registry.config import ConfigUpdate, put_config
from llm_schema_registry.registry.modes import put_mode
from llm_schema_registry.registry.reads import lookup
from llm_schema_registry.store.factory import open_store
from unit.registry.building import S1, S2, S, properties, put, reference, refused, request

_LIMIT = 2_000
_HALF = "x" * (_LIMIT // 2)
_LARGE = "x" * _LIMIT
_PARTS: dict[str, dict[str, Any]] = {
    "text": {"schema": S1 + " " * _LIMIT},
    "characters of several bytes": {"schema": S1.replace('"R"', '"R", "doc": "' + "é" * (_LIMIT // 2) + '"')},
    "properties": {"metadata": properties(a=_LARGE)},
    "tags of metadata": {"metadata": Metadata(tags={"**": [_LARGE]})},
    "sensitive names": {"metadata": Metadata(sensitive=[_LARGE])},
    "rules": {"rule_set": RuleSet(domain_rules=[Rule(name="r", type="CEL", expr=_LARGE)])},
    "references": {"references": [reference(f"a.B{number}", "s") for number in range(100)]},
    "all of it": {
        "metadata": properties(a=_HALF),
        "rule_set": RuleSet(domain_rules=[Rule(name="r", type="CEL", expr=_HALF)]),
    },
}


@pytest.fixture
async def small() -> AsyncIterator[Registry]:
    store = await open_store("sqlite:///:memory:")
    yield Registry(store, RegistryOptions(max_schema_bytes=_LIMIT))
    await store.close()


@pytest.mark.parametrize("values", _PARTS.values(), ids=_PARTS.keys())
async def test_a_definition_counts_as_a_whole(small: Registry, values: dict[str, Any]) -> None:
    await put(small, S2, Subject(".", "other"))
    before = await small.store.revision()
    error = await refused(ErrorCode.SCHEMA_TOO_LARGE, put(small, **{"schema": S1, **values}))
    assert f"at most {_LIMIT} are allowed (LSR_MAX_SCHEMA_BYTES)" in error.message
    wanted = request(**{"schema": S1, **values})
    await refused(ErrorCode.SCHEMA_TOO_LARGE, check_request(small, S, wanted))
    await refused(ErrorCode.SCHEMA_TOO_LARGE, lookup(small, Subject(".", "other"), wanted))
    assert await small.store.revision() == before


@pytest.mark.parametrize("values", _PARTS.values(), ids=_PARTS.keys())
async def test_an_import_is_bounded_too(small: Registry, values: dict[str, Any]) -> None:
    await put_mode(small, S, "IMPORT")
    values = {"schema": S1, **values}
    await refused(ErrorCode.SCHEMA_TOO_LARGE, put(small, id=7, version=1, **values))


async def test_the_largest_definition(small: Registry) -> None:
    text = S1 + " " * (_LIMIT - len(S1))
    assert (await put(small, text)).created
    await refused(ErrorCode.SCHEMA_TOO_LARGE, put(small, text + " "))


async def test_a_config_is_bounded(small: Registry) -> None:
    await put_config(small, S, ConfigUpdate(default_metadata=properties(a=_HALF)))
    before = await small.store.revision()
    update = ConfigUpdate(override_metadata=properties(b=_HALF))
    error = await refused(ErrorCode.CONFIG_TOO_LARGE, put_config(small, S, update))
    assert f"at most {_LIMIT} are allowed (LSR_MAX_SCHEMA_BYTES)" in error.message
    await refused(ErrorCode.CONFIG_TOO_LARGE, put_config(small, S, ConfigUpdate(compatibility_group=_LARGE)))
    assert await small.store.revision() == before


async def test_what_a_config_adds_counts(small: Registry) -> None:
    await put_config(small, S, ConfigUpdate(default_metadata=properties(a=_HALF)))
    assert (await put(small)).created
    await refused(ErrorCode.SCHEMA_TOO_LARGE, put(small, S2, metadata=properties(b=_HALF)))


async def test_a_lower_limit_keeps_stored_definitions_readable(small: Registry) -> None:
    text = S1.replace('"R"', '"R", "doc": "' + _HALF + '"')
    await put(small, text)
    lower = Registry(small.store, RegistryOptions(max_schema_bytes=500))
    assert (await put(lower, S1)).version.version == 2
