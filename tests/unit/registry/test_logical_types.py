"""Changes of logical types of Avro: warnings, or incompatible where the config says so."""

import json

import msgspec
import pytest

from llm_schema_registry.compatibility import LogicalTypes, Verdict
from llm_schema_registry.contracts import GLOBAL_SCOPE, Subject
from llm_schema_registry.core.findings import Severity
from llm_schema_registry.registry import ErrorCode, Registry
from llm_schema_registry.registry.compatibility import check_request
from llm_schema_registry.registry.config import ConfigUpdate, get_config, put_config
from unit.registry.building import S, put, refused, request

CONTEXT = Subject(".team", "")
CODE = "avro.LOGICAL_UNIT_CHANGED"


def event(unit: str) -> str:
    kind = {"type": "long", "logicalType": f"timestamp-{unit}"}
    return json.dumps({"type": "record", "name": "Event", "fields": [{"name": "at", "type": kind}]})


OLD, NEW = event("millis"), event("micros")


async def test_a_change_warns_and_is_refused_where_logical_types_are_strict(registry: Registry) -> None:
    await put(registry, OLD)
    assert await check_request(registry, S, request(NEW)) == Verdict()
    verdict = await check_request(registry, S, request(NEW), annotate=True)
    assert (verdict.compatible, verdict.messages) == (True, ())
    (finding,) = verdict.findings
    assert (finding.code, finding.severity, finding.path) == (CODE, Severity.WARNING, "/fields/0/type")
    assert (finding.old, finding.new) == ("long(timestamp-millis)", "long(timestamp-micros)")

    await put_config(registry, S, ConfigUpdate(logical_types=LogicalTypes.STRICT))
    error = await refused(ErrorCode.INCOMPATIBLE_SCHEMA, put(registry, NEW))
    (finding,) = error.findings
    assert (finding.code, finding.severity) == (CODE, Severity.ERROR)
    assert "may misread" in finding.message
    assert "{errorType:'LOGICAL_UNIT_CHANGED', description:'The unit of the time at path" in error.message

    await put_config(registry, S, ConfigUpdate(logical_types=LogicalTypes.WARN))
    assert (await put(registry, NEW)).version.version == 2


@pytest.mark.parametrize("level", ["BACKWARD", "FORWARD", "FULL", "BACKWARD_TRANSITIVE"])
async def test_every_promise_is_kept(registry: Registry, level: str) -> None:
    await put_config(registry, S, ConfigUpdate(compatibility=level, logical_types=LogicalTypes.STRICT))
    await put(registry, OLD)
    error = await refused(ErrorCode.INCOMPATIBLE_SCHEMA, put(registry, NEW))
    assert {finding.direction for finding in error.findings} <= {"BACKWARD", "FORWARD"}
    assert len(error.findings) == (2 if level == "FULL" else 1)
    await put_config(registry, S, ConfigUpdate(compatibility="NONE"))
    assert (await put(registry, NEW)).version.version == 2


@pytest.mark.parametrize("scope", [CONTEXT, GLOBAL_SCOPE])
async def test_it_is_inherited(registry: Registry, scope: Subject) -> None:
    subject = Subject(CONTEXT.context, "s")
    await put_config(registry, scope, ConfigUpdate(logical_types=LogicalTypes.STRICT))
    await put_config(registry, subject, ConfigUpdate(compatibility="FULL"))
    assert (await get_config(registry, subject, default_to_global=True)).logical_types is LogicalTypes.STRICT
    await put(registry, OLD, subject)
    await refused(ErrorCode.INCOMPATIBLE_SCHEMA, put(registry, NEW, subject))


async def test_the_key_on_the_wire(registry: Registry) -> None:
    update = msgspec.json.decode(b'{"logicalTypes": "strict"}', type=ConfigUpdate)
    assert msgspec.to_builtins(await put_config(registry, S, update)) == {"logicalTypes": "strict"}
    with pytest.raises(msgspec.ValidationError, match="logicalTypes"):
        msgspec.json.decode(b'{"logicalTypes": "loose"}', type=ConfigUpdate)
