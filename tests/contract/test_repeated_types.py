"""Every answer with an Avro schema names the types that its references define; copies of a registry keep the GUIDs."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contract.asgi import Caller, started
from contract.clients import InProcess
from llm_schema_registry.client.migration import apply_import, compare, take_snapshot
from llm_schema_registry.client.migration.archive import read_directory, write_directory

_INNER = '{"type":"record","name":"Inner","fields":[{"name":"a","type":"int"}]}'
_OUTER = f'{{"type":"record","name":"Outer","namespace":"z","fields":[{{"name":"i","type":{_INNER}}}]}}'
_USER = (
    '{"type":"record","name":"User","namespace":"z","fields":[{"name":"o","type":"Outer"},{"name":"i","type":"Inner"}]}'
)
_WRITTEN_OUT = _USER.replace('"Inner"', _INNER)
_REFERENCES = [{"name": "z.Outer", "subject": "outer", "version": 1}]
_SENT = {"schema": _USER, "references": _REFERENCES}


@pytest.fixture
async def call() -> AsyncIterator[Caller]:
    async with started() as caller:
        await caller("POST", "/subjects/outer/versions", {"schema": _OUTER})
        yield caller


async def test_every_answer_has_the_text_that_clients_read(call: Caller) -> None:
    made = (await call("POST", "/subjects/user/versions", _SENT)).json
    again = (await call("POST", "/subjects/user/versions", {**_SENT, "schema": _WRITTEN_OUT})).json
    assert (again["id"], again["version"], again["guid"]) == (made["id"], 1, made["guid"])
    answers = [made, again]
    for text in (_USER, _WRITTEN_OUT):
        answers.append((await call("POST", "/subjects/user", {**_SENT, "schema": text})).json)
    for path in (
        f"/schemas/ids/{made['id']}",
        f"/schemas/guids/{made['guid']}",
        "/subjects/user/versions/1",
        "/subjects/user/versions/latest",
        "/subjects/user/metadata",
        "/subjects/user/versions/1?format=unknown",
    ):
        answers.append((await call("GET", path)).json)
    answers += [each for each in (await call("GET", "/schemas")).json if each["subject"] == "user"]
    assert {(each["schema"], each["guid"]) for each in answers} == {(_USER, made["guid"])}
    for path in (f"/schemas/ids/{made['id']}/schema", "/subjects/user/versions/1/schema"):
        assert (await call("GET", path)).body.decode() == _USER
        assert (await call("GET", f"{path}?format=canonical")).body.decode() == _WRITTEN_OUT
        assert (await call("GET", f"{path}?format=resolved")).body.decode() == _USER.replace(
            '"Outer"', _OUTER.replace('"namespace":"z",', "")
        )


async def test_tags_are_of_the_text_that_clients_read(call: Caller) -> None:
    await call("POST", "/subjects/user/versions", _SENT)
    own = {"schemaEntity": {"entityPath": "z.User.i", "entityType": "sr_field"}, "tags": ["PII"]}
    tagged = await call("POST", "/subjects/user/versions/1/tags", {"tagsToAdd": [own]})
    assert tagged.json["schema"] == _USER.replace('"type":"Inner"', '"type":"Inner","confluent:tags":["PII"]')
    foreign = {"schemaEntity": {"entityPath": "z.Inner.a", "entityType": "sr_field"}, "tags": ["PII"]}
    refused = await call("POST", "/subjects/user/versions/1/tags", {"tagsToAdd": [foreign]})
    assert (refused.status, refused.json["error_code"]) == (422, 42201)
    found = (await call("GET", "/subjects/user/versions/2?findTags=PII")).json
    assert [each["schemaEntity"]["entityPath"] for each in found["schemaTags"]] == ["z.User.i"]


async def test_copies_keep_ids_and_guids(call: Caller, tmp_path: Path) -> None:
    made = (await call("POST", "/subjects/user/versions", _SENT)).json
    await call("POST", "/subjects/:.other:user/versions", {"schema": '"int"'})
    taken = await take_snapshot(InProcess(call))
    write_directory(tmp_path, taken, "http://registry")
    source = read_directory(tmp_path)
    assert {version.identity for version in source.versions} == {version.guid for version in taken.versions}
    async with started() as new:
        client = InProcess(new)
        target = await take_snapshot(client)
        await apply_import(client, target, compare(source, target))
        work = compare(source, await take_snapshot(client))
        assert (work.is_done, work.present, work.collisions, work.notes) == (True, 3, [], [])
        copy = (await new("GET", f"/schemas/ids/{made['id']}")).json
        assert (copy["guid"], copy["schema"]) == (made["guid"], _USER)
