"""Duplicate keys in JSON Schemas: warnings, or refusals where the config says so."""

import msgspec
import pytest

from llm_schema_registry.compatibility import DuplicateKeys
from llm_schema_registry.contracts import GLOBAL_SCOPE, SchemaTags, Subject
from llm_schema_registry.contracts.tags import SchemaEntity
from llm_schema_registry.core.findings import Severity
from llm_schema_registry.formats.format import EntityKind
from llm_schema_registry.registry import ErrorCode, Registry
from llm_schema_registry.registry.candidates import SchemaRequest
from llm_schema_registry.registry.commit import RegistrationResult
from llm_schema_registry.registry.compatibility import check_request
from llm_schema_registry.registry.config import ConfigUpdate, get_config, put_config
from llm_schema_registry.registry.modes import put_mode
from llm_schema_registry.registry.plan import Action, Planned, plan
from llm_schema_registry.registry.reads import lookup
from llm_schema_registry.registry.registration import register
from unit.registry.building import S, reference, refused

CONTEXT = Subject(".team", "")
CODE = "json.DUPLICATE_KEY"
DUPLICATE = '{"type":"object","properties":{"a":{"type":"string"},"a":{"type":"integer"}}}'
UNIQUE = '{"type":"object","properties":{"a":{"type":"integer"}}}'
ERROR = ConfigUpdate(duplicate_keys=DuplicateKeys.ERROR)


def request(schema: str = DUPLICATE, **values: object) -> SchemaRequest:
    return SchemaRequest(schema=schema, schema_type="JSON", **values)  # type: ignore[arg-type]


async def put(
    registry: Registry, schema: str = DUPLICATE, subject: Subject = S, **options: object
) -> RegistrationResult:
    return await register(registry, subject, request(schema), **options)  # type: ignore[arg-type]


def codes(registered: RegistrationResult) -> list[str]:
    return [finding.code for finding in registered.warnings]


@pytest.mark.parametrize("normalize", [None, True])
async def test_registration_warns_and_identity_is_that_of_the_last_value(
    registry: Registry, normalize: bool | None
) -> None:
    registered = await put(registry, normalize=normalize)
    (warning,) = registered.warnings
    assert (warning.code, warning.severity, warning.path) == (CODE, Severity.WARNING, "#/properties/a")
    assert '"string"' not in registered.content.text
    again = await put(registry, normalize=normalize)
    assert (again.created, codes(again)) == (False, [CODE])
    unique = await put(registry, UNIQUE, normalize=normalize)
    assert (unique.created, unique.version.version, codes(unique)) == (False, 1, [])


async def test_an_error_by_config_refuses_new_schemas_only(registry: Registry) -> None:
    await put(registry)
    await put_config(registry, S, ERROR)
    assert not (await put(registry)).created
    assert (await lookup(registry, S, request())).version.version == 1
    other = DUPLICATE.replace("}}}", '},"b":{}}}')
    for use_case in (
        put(registry, other),
        put(registry, other, force=True),
        check_request(registry, S, request(other)),
    ):
        error = await refused(ErrorCode.INVALID_SCHEMA, use_case)
        (finding,) = error.findings
        assert (finding.code, finding.severity, finding.path) == (CODE, Severity.ERROR, "#/properties/a")
        assert 'Duplicate key "a"' in error.message
    await put_config(registry, S, ConfigUpdate(duplicate_keys=DuplicateKeys.WARN, compatibility="NONE"))
    assert (await put(registry, other)).version.version == 2


async def test_a_check_warns_where_findings_are_shown(registry: Registry) -> None:
    assert (await check_request(registry, S, request())).findings == ()
    verdict = await check_request(registry, S, request(), annotate=True)
    assert (verdict.compatible, [each.code for each in verdict.findings]) == (True, [CODE])
    await put(registry, '{"type":"string"}')
    verdict = await check_request(registry, S, request(), annotate=True)
    assert not verdict.compatible
    assert verdict.findings[-1].code == CODE
    assert not any(CODE in message for message in verdict.messages)


async def test_only_the_text_at_hand_counts(registry: Registry) -> None:
    await put_config(registry, Subject(".", "t"), ERROR)
    await put(registry)
    referrer = request('{"$ref":"a.json"}', references=[reference("a.json", "s")])
    assert (await register(registry, Subject(".", "t"), referrer)).warnings == ()
    # What is remembered of another text does not count.
    await put_config(registry, S, ConfigUpdate(validate_new_schemas=False))
    assert (await put(registry, UNIQUE)).warnings == ()


async def test_tags_that_rewrite_the_text_keep_the_warning(registry: Registry) -> None:
    tags = [SchemaTags(SchemaEntity("object.a", EntityKind.FIELD), ["PII"])]
    registered = await register(registry, S, request(schema_tags_to_add=tags))
    assert "PII" in registered.content.text
    assert codes(registered) == [CODE]


async def test_an_import_is_not_examined(registry: Registry) -> None:
    await put_config(registry, S, ERROR)
    await put_mode(registry, S, "IMPORT", force=True)
    registered = await register(registry, S, request(id=7, version=1))
    assert (registered.content.schema_id, registered.warnings) == (7, ())
    assert '"string"' not in registered.content.text


async def test_plans_have_the_warnings(registry: Registry) -> None:
    for apply in (False, True):
        (outcome,) = (await plan(registry, [Planned(S, request())], apply=apply)).outcomes
        assert outcome.registered is not None
        assert (outcome.action, codes(outcome.registered)) == (Action.REGISTER, [CODE])
    await put_config(registry, GLOBAL_SCOPE, ERROR)
    outcomes = (await plan(registry, [Planned(S, request()), Planned(Subject(".", "t"), request())])).outcomes
    assert [outcome.action for outcome in outcomes] == [Action.UNCHANGED, Action.REFUSE]


@pytest.mark.parametrize("scope", [CONTEXT, GLOBAL_SCOPE])
async def test_it_is_inherited(registry: Registry, scope: Subject) -> None:
    subject = Subject(CONTEXT.context, "s")
    await put_config(registry, scope, ERROR)
    await put_config(registry, subject, ConfigUpdate(compatibility="FULL"))
    assert (await get_config(registry, subject, default_to_global=True)).duplicate_keys is DuplicateKeys.ERROR
    await refused(ErrorCode.INVALID_SCHEMA, put(registry, DUPLICATE, subject))


async def test_the_key_on_the_wire(registry: Registry) -> None:
    update = msgspec.json.decode(b'{"duplicateKeys": "error"}', type=ConfigUpdate)
    assert msgspec.to_builtins(await put_config(registry, S, update)) == {"duplicateKeys": "error"}
    with pytest.raises(msgspec.ValidationError, match="duplicateKeys"):
        msgspec.json.decode(b'{"duplicateKeys": "ignore"}', type=ConfigUpdate)
