"""Profiles of subjects: set, inherited, refusing a registration, or only warning in an answer."""

import msgspec
import pytest

from llm_schema_registry.compatibility import Profile, Verdict
from llm_schema_registry.contracts import GLOBAL_SCOPE, Subject
from llm_schema_registry.core.findings import Severity
from llm_schema_registry.registry import ErrorCode, Registry
from llm_schema_registry.registry.compatibility import check_request
from llm_schema_registry.registry.config import Config, ConfigUpdate, get_config, put_config
from unit.registry.building import S, put, refused, request

OLD, RENAMED = (f'syntax = "proto3"; message M {{ int32 {name} = 1; }}' for name in ("a", "b"))
CONTEXT = Subject(".team", "")


async def test_a_profile_refuses_and_where_it_does_not_it_warns(registry: Registry) -> None:
    await put(registry, OLD, schema_type="PROTOBUF")
    candidate = request(RENAMED, schema_type="PROTOBUF")
    assert await check_request(registry, S, candidate) == Verdict()
    verdict = await check_request(registry, S, candidate, annotate=True)
    assert verdict.compatible
    assert verdict.messages == ()
    assert [(each.code, each.severity) for each in verdict.findings] == [("protobuf.FIELD_SAME_NAME", Severity.WARNING)]

    await put_config(registry, S, ConfigUpdate(compatibility_profile=Profile.WIRE_JSON))
    assert not (await check_request(registry, S, candidate)).compatible
    error = await refused(ErrorCode.INCOMPATIBLE_SCHEMA, put(registry, RENAMED, schema_type="PROTOBUF"))
    assert [each.code for each in error.findings] == ["protobuf.FIELD_SAME_NAME"]
    assert "FIELD_SAME_NAME" in error.message

    await put_config(registry, S, ConfigUpdate(compatibility_profile=None))
    assert (await put(registry, RENAMED, schema_type="PROTOBUF")).version.version == 2


@pytest.mark.parametrize("scope", [CONTEXT, GLOBAL_SCOPE])
async def test_a_profile_is_inherited(registry: Registry, scope: Subject) -> None:
    subject = Subject(CONTEXT.context, "s")
    await put_config(registry, scope, ConfigUpdate(compatibility_profile=Profile.SOURCE))
    await put_config(registry, subject, ConfigUpdate(compatibility="FULL"))
    config = await get_config(registry, subject, default_to_global=True)
    assert config.compatibility_profile is Profile.SOURCE
    await put(registry, OLD, subject, schema_type="PROTOBUF")
    await refused(ErrorCode.INCOMPATIBLE_SCHEMA, put(registry, RENAMED, subject, schema_type="PROTOBUF"))


async def test_the_key_is_told_only_where_it_is_set(registry: Registry) -> None:
    config = await put_config(registry, S, ConfigUpdate(compatibility="BACKWARD"))
    assert msgspec.to_builtins(config) == {"compatibilityLevel": "BACKWARD"}
    config = await put_config(registry, S, ConfigUpdate(compatibility_profile=Profile.WIRE))
    assert msgspec.to_builtins(config) == {"compatibilityLevel": "BACKWARD", "compatibilityProfile": "WIRE"}
    assert await get_config(registry, S) == config
    assert msgspec.json.decode(b'{"compatibilityProfile": null}', type=ConfigUpdate).compatibility_profile is None
    assert await put_config(registry, S, ConfigUpdate(compatibility_profile=None)) == Config(
        compatibility_level=config.compatibility_level
    )


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="compatibilityProfile"):
        msgspec.json.decode(b'{"compatibilityProfile": "NOBODY"}', type=ConfigUpdate)
