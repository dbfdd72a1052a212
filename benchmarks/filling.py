"""Fills a store through its protocol, without the server: many schemas in little time."""

from benchmarks.samples import schema
from llm_schema_registry.contracts import DEFAULT_CONTEXT, Subject
from llm_schema_registry.contracts.identity import guid_of
from llm_schema_registry.formats import SchemaType
from llm_schema_registry.store import ChangeKind, StoredSchema, Version, open_store

# A registration is a revision of its own. Eight in one are close to that, and wait for the disk less often.
_PER_TRANSACTION = 8


def subject_of(variant: int) -> str:
    """The subject that holds a variant."""
    return f"bench.inference-{variant}"


async def fill(store_url: str, count: int) -> None:
    """Puts `count` distinct Avro schemas, each under a subject of its own, into a store; ids from 1."""
    store = await open_store(store_url)
    try:
        for first in range(1, count + 1, _PER_TRANSACTION):
            async with store.transaction("benchmark") as transaction:
                for variant in range(first, min(first + _PER_TRANSACTION, count + 1)):
                    text = schema(SchemaType.AVRO, variant)
                    content = await transaction.add_schema(
                        StoredSchema(
                            context=DEFAULT_CONTEXT,
                            schema_id=0,
                            guid=guid_of(text),
                            schema_type=SchemaType.AVRO,
                            text=text,
                        )
                    )
                    version = Version(
                        subject=Subject(DEFAULT_CONTEXT, subject_of(variant)), version=1, schema_id=content.schema_id
                    )
                    await transaction.put_version(version, ChangeKind.VERSION_REGISTERED)
    finally:
        await store.close()
