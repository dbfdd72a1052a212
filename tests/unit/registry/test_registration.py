"""Registration: identity, versions, inheritance, modes and concurrency."""

import asyncio
import json

import pytest

from llm_schema_registry.contracts import CONFLUENT_VERSION, Metadata, Rule, RuleSet, Subject
from llm_schema_registry.registry import ErrorCode, Registry
from llm_schema_registry.registry.candidates import SchemaRequest
from llm_schema_registry.registry.commit import RegistrationResult
from llm_schema_registry.registry.config import ConfigUpdate, put_config
from llm_schema_registry.registry.deletion import delete_subject, delete_version
from llm_schema_registry.registry.identifiers import LATEST
from llm_schema_registry.registry.modes import put_mode
from llm_schema_registry.registry.reads import get_version, lookup
from llm_schema_registry.registry.registration import register
from unit.registry.building import S1, S2, S3, S4, S, properties, put, record, reference, refused, request


def ids(registered: RegistrationResult) -> tuple[int, int]:
    return registered.content.schema_id, registered.version.version


async def test_the_same_content_is_one_id_and_one_version(registry: Registry) -> None:
    first = await put(registry)
    again = await put(registry, json.dumps(json.loads(S1), indent=2))
    elsewhere = await put(registry, subject=Subject(".", "t"))
    assert (ids(first), first.created, first.revision) == ((1, 1), True, 1)
    assert (ids(again), again.created, again.revision) == ((1, 1), False, None)
    assert ids(elsewhere) == (1, 1)
    assert elsewhere.created


async def test_contexts_count_their_own_ids(registry: Registry) -> None:
    await put(registry, S2)
    other = await put(registry, S1, Subject(".c1", "s"))
    assert ids(other) == (1, 1)
    assert other.content.guid == "acb9a771-413f-2f1c-6a25-9db09a05dd82"


async def test_metadata_makes_a_new_version_and_is_inherited(registry: Registry) -> None:
    await put(registry)
    assert ids(await put(registry, metadata=properties(k="v"))) == (2, 2)
    assert ids(await put(registry)) == (1, 1)
    third = await put(registry, S2)
    assert ids(third) == (3, 3)
    assert third.content.metadata == properties(k="v")


async def test_empty_metadata_is_not_no_metadata(registry: Registry) -> None:
    await put(registry)
    assert ids(await put(registry, metadata=Metadata())) == (2, 2)


async def test_empty_text_stands_for_the_latest_one(registry: Registry) -> None:
    error = await refused(ErrorCode.INVALID_SCHEMA, put(registry, ""))
    assert error.message == "Empty schema"
    await put(registry)
    again = await put(registry, "", metadata=properties(k="v"))
    assert ids(again) == (2, 2)
    assert again.content.text == (await put(registry)).content.text


async def test_incompatible_is_refused_with_findings(registry: Registry) -> None:
    await put(registry)
    error = await refused(ErrorCode.INCOMPATIBLE_SCHEMA, put(registry, S4))
    assert error.message == (
        'Schema being registered is incompatible with an earlier schema for subject "s", details: '
        "[{errorType:'TYPE_MISMATCH', description:'The type (path '/fields/0/type') of a field in the new schema "
        "does not match with the old schema', additionalInfo:'reader type: INT not compatible with writer type: "
        f"STRING'}}, {{oldSchemaVersion: 1}}, {{oldSchema: '{json.dumps(json.loads(S1), separators=(',', ':'))}'}}, "
        "{validateFields: 'false', compatibility: 'BACKWARD'}]"
    )
    (finding,) = error.findings
    assert (finding.code, finding.path, finding.direction, finding.against_version) == (
        "avro.TYPE_MISMATCH",
        "/fields/0/type",
        "BACKWARD",
        1,
    )
    assert finding.fix
    await refused(ErrorCode.INCOMPATIBLE_SCHEMA, put(registry, S3))
    await refused(ErrorCode.INCOMPATIBLE_SCHEMA, put(registry, '{"type":"object"}', schema_type="JSON"))
    assert ids(await register(registry, S, request(S4), force=True)) == (2, 2)


@pytest.mark.parametrize(
    ("level", "second_ok", "third_ok"),
    [
        ("BACKWARD", True, True),
        ("BACKWARD_TRANSITIVE", True, False),
        ("FORWARD", True, True),
        ("FULL_TRANSITIVE", True, False),
        ("NONE", True, True),
    ],
)
async def test_levels_choose_the_baseline(registry: Registry, level: str, second_ok: bool, third_ok: bool) -> None:
    """v1 lacks f2, v2 has it with a default, the candidate has it as an int: only v2's data disagree."""
    await put_config(registry, S, ConfigUpdate(compatibility=level))
    await put(registry, record("f1:string", "g:int=0"))
    await put(registry, record("f1:string"))
    candidate = record("f1:string", 'g:string="x"')
    if third_ok:
        assert ids(await put(registry, candidate)) == (3, 3)
    else:
        error = await refused(ErrorCode.INCOMPATIBLE_SCHEMA, put(registry, candidate))
        assert "{oldSchemaVersion: 1}" in error.message


async def test_pinned_versions(registry: Registry) -> None:
    assert ids(await put(registry)) == (1, 1)
    assert ids(await put(registry, version=LATEST)) == (1, 1)
    second = await put(registry, version=2)
    assert ids(second) == (2, 2)
    assert second.content.metadata == properties(**{CONFLUENT_VERSION: "2"})
    assert second.content.guid == "d5098fce-a8d8-457a-a304-21de965bee57"
    assert ids(await put(registry, version=LATEST)) == (2, 2)
    assert ids(await put(registry)) == (1, 1)
    error = await refused(ErrorCode.INVALID_SCHEMA, put(registry, S2, version=9))
    assert error.message == "Version is not one more than previous version"
    marked = await put(registry, metadata=properties(**{CONFLUENT_VERSION: "0"}))
    assert ids(marked) == (3, 3)


async def test_lookup_with_the_version_marker(registry: Registry) -> None:
    await put(registry)
    await put(registry, version=2)

    async def version(metadata: Metadata | None) -> int:
        return (await lookup(registry, S, request(metadata=metadata))).version.version

    assert await version(None) == 1
    assert await version(properties(**{CONFLUENT_VERSION: "1"})) == 1
    assert await version(properties(**{CONFLUENT_VERSION: "2"})) == 2
    await delete_version(registry, S, 1)
    assert await version(None) == 2


async def test_first_version_pinned(registry: Registry) -> None:
    first = await put(registry, version=1)
    assert first.content.metadata == properties(**{CONFLUENT_VERSION: "1"})
    assert ids(await put(registry, version=1)) == ids(first)


async def test_versions_go_on_after_a_soft_delete(registry: Registry) -> None:
    await put(registry)
    await put(registry, S2)
    await delete_subject(registry, S)
    assert ids(await put(registry)) == (1, 3)
    remaining = await registry.store.versions(S)
    assert [(version.version, version.deleted) for version in remaining] == [(2, True), (3, False)]


async def test_a_referenced_soft_deleted_version_stays(registry: Registry) -> None:
    part = record("x:int", name="Part")
    await put(registry, part, Subject(".", "part"))
    whole = record("p:Part", name="Whole")
    await put(registry, whole, Subject(".", "whole"), references=[reference("Part", "part")])
    await delete_subject(registry, Subject(".", "whole"))
    await delete_subject(registry, Subject(".", "part"))
    assert ids(await put(registry, part, Subject(".", "part"))) == (1, 2)
    assert [version.version for version in await registry.store.versions(Subject(".", "part"))] == [1, 2]


async def test_references(registry: Registry) -> None:
    part = Subject(".", "part")
    whole = record("p:n.Part", name="Whole", namespace="n")
    missing = await refused(ErrorCode.INVALID_SCHEMA, put(registry, whole, references=[reference("n.Part", "part")]))
    assert 'No schema reference found for subject "part" and version 1' in missing.message
    await put(registry, record("x:int", name="Part", namespace="n"), part)
    await refused(ErrorCode.INVALID_SCHEMA, put(registry, whole))
    registered = await put(registry, whole, references=[reference("n.Part", "part", LATEST)])
    assert registered.content.references == (reference("n.Part", "part", 1),)
    inlined = json.loads(whole)
    inlined["fields"][0]["type"] = json.loads(record("x:int", name="Part"))
    assert ids(await put(registry, json.dumps(inlined))) == ids(registered)
    await refused(ErrorCode.REFERENCE_EXISTS, delete_version(registry, part, 1))
    await delete_subject(registry, S)
    await delete_version(registry, part, 1)
    await refused(ErrorCode.REFERENCE_EXISTS, delete_version(registry, part, 1, permanent=True))
    await refused(
        ErrorCode.INVALID_SCHEMA,
        put(registry, whole, Subject(".", "t"), references=[reference("n.Part", "part")]),
    )


async def test_read_only_still_answers_what_is_there(registry: Registry) -> None:
    await put(registry)
    await put_mode(registry, Subject(".", ""), "READONLY")
    assert ids(await put(registry)) == (1, 1)
    error = await refused(ErrorCode.OPERATION_NOT_PERMITTED, put(registry, S2))
    assert error.message == "Subject s in context  is in read-only mode"
    await refused(ErrorCode.OPERATION_NOT_PERMITTED, delete_subject(registry, S))
    await refused(ErrorCode.OPERATION_NOT_PERMITTED, put_config(registry, S, ConfigUpdate(compatibility="NONE")))


async def test_ids_are_given_only_in_import_mode(registry: Registry) -> None:
    error = await refused(ErrorCode.OPERATION_NOT_PERMITTED, put(registry, id=5))
    assert error.message == "Subject s in context  is not in import mode"
    await put_mode(registry, S, "IMPORT")
    assert ids(await put(registry, id=100, version=1)) == (100, 1)
    assert ids(await put(registry, id=100, version=1)) == (100, 1)
    assert ids(await put(registry)) == (100, 1)
    overwrite = await refused(ErrorCode.OPERATION_NOT_PERMITTED, put(registry, S2, id=100, version=2))
    assert overwrite.message == "Overwrite new schema with id 100 in context  is not permitted."
    assert ids(await put(registry, id=200, version=2)) == (200, 2)
    no_id = await refused(ErrorCode.OPERATION_NOT_PERMITTED, put(registry, S4))
    assert no_id.message == "Subject s in context  is not in read-write mode"
    await put_mode(registry, S, "READWRITE")
    assert ids(await put(registry, S2)) == (201, 3)


async def test_normal_form(registry: Registry) -> None:
    one, other = (
        record("f1:string", b=1, a=2),
        record("f1:string", a=2, b=1),
    )
    assert ids(await put(registry, one)) == (1, 1)
    assert ids(await put(registry, other)) == (2, 2)
    found = await lookup(registry, S, request(other), normalize=True)
    assert found.version.version in (1, 2)
    t = Subject(".", "t")
    first = await register(registry, t, request(one), normalize=True)
    assert ids(await register(registry, t, request(other), normalize=True)) == ids(first)
    await put_config(registry, Subject(".", "u"), ConfigUpdate(normalize=True))
    assert ids(await put(registry, one, Subject(".", "u"))) == (first.content.schema_id, 1)


async def test_defaults_and_overrides_of_the_config(registry: Registry) -> None:
    await put_config(
        registry,
        S,
        ConfigUpdate(default_metadata=properties(a="1"), override_metadata=properties(b="2")),
    )
    registered = await put(registry, metadata=properties(a="9", b="9"))
    assert registered.content.metadata == properties(a="9", b="2")
    assert ids(await put(registry, metadata=properties(a="9", b="3"))) == ids(registered)


async def test_rule_sets_are_kept_and_checked(registry: Registry) -> None:
    rules = RuleSet(domain_rules=[Rule(name="r", type="CEL", expr="true")])
    registered = await put(registry, rule_set=rules)
    assert registered.content.rule_set == rules.materialised()
    assert ids(await put(registry, rule_set=rules)) == ids(registered)
    await refused(ErrorCode.INVALID_RULE_SET, put(registry, rule_set=RuleSet(domain_rules=[Rule(name="r")])))


async def test_compatibility_groups(registry: Registry) -> None:
    await put_config(registry, Subject(".", ""), ConfigUpdate(compatibility_group="app.v"))
    group = {"app.v": "1"}
    await put(registry, S1, metadata=Metadata(properties=group))
    await refused(ErrorCode.INCOMPATIBLE_SCHEMA, put(registry, S3))
    assert ids(await put(registry, S3, metadata=Metadata(properties={"app.v": "2"}))) == (2, 2)


async def test_reserved_fields(registry: Registry) -> None:
    await put_config(registry, S, ConfigUpdate(validate_fields=True))
    used = await refused(
        ErrorCode.INCOMPATIBLE_SCHEMA, put(registry, metadata=Metadata(properties={"confluent:reserved": "f1"}))
    )
    assert "The new schema has field that conflicts with the reserved field f1." in used.message
    await put(registry, metadata=Metadata(properties={"confluent:reserved": "f9"}))
    removed = await refused(ErrorCode.INCOMPATIBLE_SCHEMA, put(registry, S2, metadata=Metadata(properties={})))
    assert (
        "The new schema has reserved field f9 removed from its metadata "
        "which is present in the old schema's metadata." in removed.message
    )
    assert "{validateFields: 'true', compatibility: 'BACKWARD'}" in removed.message


@pytest.mark.parametrize("name", ["__GLOBAL", "__EMPTY", "a\x01b", "\x7f"])
async def test_invalid_subjects(registry: Registry, name: str) -> None:
    error = await refused(ErrorCode.INVALID_SUBJECT, put(registry, subject=Subject(".", name)))
    assert "\x01" not in error.message
    assert await registry.store.revision() == 0


async def test_refusals_leave_the_store_as_it_was(registry: Registry) -> None:
    await put(registry)
    before = await registry.store.revision()
    for bad in (
        SchemaRequest(schema="non-avro"),
        SchemaRequest(schema=S1, schema_type="FOO"),
        SchemaRequest(schema=S4),
        SchemaRequest(schema="[" * 10_000),
        SchemaRequest(schema=S1 + " " * registry.rules.max_schema_bytes),
    ):
        with pytest.raises(Exception, match=r"Invalid|incompatible|too large"):
            await register(registry, S, bad)
    assert await registry.store.revision() == before


async def test_incompatible_versions_at_once_leave_one_winner(registry: Registry) -> None:
    await put_config(registry, S, ConfigUpdate(compatibility="FULL_TRANSITIVE"))
    candidates = [record(f"f{number}:string") for number in range(16)]

    async def attempt(schema: str) -> RegistrationResult | None:
        try:
            return await put(registry, schema)
        except Exception:
            return None

    outcomes = await asyncio.gather(*(attempt(schema) for schema in candidates))
    assert sum(outcome is not None for outcome in outcomes) == 1
    assert [version.version for version in await registry.store.versions(S)] == [1]


async def test_compatible_versions_at_once_all_get_in(registry: Registry) -> None:
    await put_config(registry, S, ConfigUpdate(compatibility="NONE"))
    outcomes = await asyncio.gather(*(put(registry, record(f"f{number}:string")) for number in range(24)))
    assert sorted(outcome.version.version for outcome in outcomes) == list(range(1, 25))
    assert sorted(outcome.content.schema_id for outcome in outcomes) == list(range(1, 25))
    assert (await get_version(registry, S, LATEST)).version.version == 24
