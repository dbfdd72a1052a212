"""The page of lifecycle states, found out by asking a registry in memory."""

import asyncio

from generating.markdown import code, table, texts
from llm_schema_registry.contracts import Subject
from llm_schema_registry.formats import SchemaType
from llm_schema_registry.registry import Registry, RegistryError
from llm_schema_registry.registry.candidates import SchemaRequest
from llm_schema_registry.registry.compatibility import baseline_versions
from llm_schema_registry.registry.identifiers import LATEST
from llm_schema_registry.registry.reads import get_schema, get_version, list_subject_versions
from llm_schema_registry.registry.registration import register
from llm_schema_registry.store import ChangeKind, State, Version, open_store

_SUBJECT = Subject.parse("page-of-states")
_SCHEMA = '{"type": "record", "name": "Page", "fields": []}'
_YES, _NO = "yes", "no"


def page() -> str:
    """What each state of a version means for reads and checks."""
    meanings = texts("states")
    rows = asyncio.run(_observe())
    questions = ("by id or GUID", "latest", "listed", "baseline of a check against the latest", "of one against all")
    explained = "\n".join(f"- {code(state)}: {meanings[state]}" for state in [*State, "soft-deleted"])
    return f"""# States of a version

{explained}

What a subject's only version answers in each state:

{table(("state", *questions), rows)}
"Latest" is the highest `ACTIVE` version, and the highest `DEPRECATED` one where none is active. A registration makes
its version `ACTIVE`; so where only clients of the Confluent surface write, latest is the highest version. A soft delete
is a flag beside the state: data with the schema's id still exists, so the id still answers, and an undelete brings the
version back as it was. Only a permanent delete removes content; its id is never given again.

Moving a version from one state to another is not offered over HTTP yet; the columns hold for stores that carry such
versions already.
"""


async def _observe() -> list[tuple[str, ...]]:
    rows = [await _answers(code(state), state=state) for state in State]
    return [*rows, await _answers("soft-deleted (flag)", deleted=True)]


async def _answers(label: str, *, state: State = State.ACTIVE, deleted: bool = False) -> tuple[str, ...]:
    registry = Registry(await open_store("sqlite://"))
    request = SchemaRequest(schema=_SCHEMA, schema_type=SchemaType.AVRO)
    registered = await register(registry, _SUBJECT, request)
    async with registry.store.transaction() as transaction:
        version = Version(
            subject=_SUBJECT, version=1, schema_id=registered.content.schema_id, state=state, deleted=deleted
        )
        await transaction.put_version(version, ChangeKind.VERSION_STATE_CHANGED)
    by_id = await get_schema(registry, registered.content.schema_id)
    try:
        await get_version(registry, _SUBJECT, LATEST)
        latest = _YES
    except RegistryError:
        latest = _NO
    try:
        listed = _YES if await list_subject_versions(registry, _SUBJECT) else _NO
    except RegistryError:
        listed = _NO
    versions = [each for each in await registry.store.versions(_SUBJECT) if not each.deleted]
    counting = (_YES if baseline_versions(versions, transitive=each) else _NO for each in (False, True))
    await registry.store.close()
    return (label, _YES if by_id.content.text else _NO, latest, listed, *counting)
