"""An id that was removed for good is gone, and means what it is imported as if it comes back."""

from llm_schema_registry.registry import ErrorCode, Registry
from llm_schema_registry.registry.deletion import delete_version
from llm_schema_registry.registry.modes import put_mode
from llm_schema_registry.registry.reads import get_schema, listed_schemas
from unit.registry.building import S1, S4, S, put, refused


async def test_it_is_gone_and_means_the_new_content(registry: Registry) -> None:
    old = (await put(registry, S1)).content
    assert (await get_schema(registry, 1)).content == old
    assert not (await registry.schemas.validator(old)).check_value({"f1": "text"})
    for permanent in (False, True):
        await delete_version(registry, S, 1, permanent=permanent)
    await refused(ErrorCode.SCHEMA_ID_NOT_FOUND, get_schema(registry, 1))

    await put_mode(registry, S, "IMPORT", force=True)
    await put(registry, S4, id=1, version=1)
    new = (await get_schema(registry, 1)).content
    assert '"int"' in new.text
    assert [found.content async for found in listed_schemas(registry)] == [new]
    assert (await registry.schemas.validator(new)).check_value({"f1": "text"})
