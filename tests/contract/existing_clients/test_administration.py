"""What people and tools do with the Confluent client for Python beside serialising."""

import asyncio
import uuid
from collections.abc import Iterator

import pytest
from confluent_kafka.schema_registry import (
    AssociationCreateOrUpdateInfo,
    AssociationCreateOrUpdateRequest,
    AsyncSchemaRegistryClient,
    Metadata,
    MetadataProperties,
    Rule,
    RuleKind,
    RuleMode,
    RuleSet,
    Schema,
    SchemaReference,
    SchemaRegistryClient,
    ServerConfig,
)
from confluent_kafka.schema_registry.common.schema_registry_client import ConfigCompatibilityLevel
from confluent_kafka.schema_registry.error import SchemaRegistryError

from contract.existing_clients.dialects import AVRO, JSON, PROTOBUF, Dialect
from servers import Proxy

_LONGER = AVRO.text.replace('"fields": [', '"fields": [{"name": "cost", "type": "double", "default": 0}, ')
_CHANGED = AVRO.text.replace('"model", "type": "string"', '"model", "type": "int"')


@pytest.fixture
def context() -> str:
    return f".c{uuid.uuid4().hex}"


@pytest.fixture
def tenant(registry_url: str, context: str) -> Iterator[SchemaRegistryClient]:
    """A client that knows of one context only, through its URL."""
    with SchemaRegistryClient({"url": f"{registry_url}/contexts/{context}"}) as client:
        yield client


def _refused(error: pytest.ExceptionInfo[SchemaRegistryError]) -> tuple[int, int]:
    return error.value.http_status_code, error.value.error_code


def test_contexts_are_worlds_of_their_own(
    client: SchemaRegistryClient, tenant: SchemaRegistryClient, context: str, topic: str
) -> None:
    assert tenant.register_schema(topic, Schema(AVRO.text, "AVRO")) == 1
    assert tenant.register_schema(topic, Schema(_LONGER, "AVRO")) == 2
    assert context in client.get_contexts()
    assert tenant.get_subjects() == [f":{context}:{topic}"]
    assert client.get_versions(f":{context}:{topic}") == [1, 2]
    assert topic not in client.get_subjects(subject_prefix=":.:")
    assert client.get_schema(2, f":{context}:").schema_str == tenant.get_schema(2).schema_str
    with pytest.raises(SchemaRegistryError) as refused:
        client.get_latest_version(topic)
    assert _refused(refused) == (404, 40401)


def test_configs_of_a_context_and_a_subject(tenant: SchemaRegistryClient, topic: str) -> None:
    tenant.set_config(config=ServerConfig(compatibility=ConfigCompatibilityLevel.FULL_TRANSITIVE))
    assert tenant.get_config().compatibility_level == "FULL_TRANSITIVE"
    with pytest.raises(SchemaRegistryError) as refused:
        tenant.get_compatibility(topic)
    assert _refused(refused) == (404, 40408)
    defaults = Metadata(None, MetadataProperties({"owner": "cost-ops"}), None)
    overrides = Metadata(None, MetadataProperties({"region": "eu"}), None)
    rule = Rule("check", "", RuleKind.CONDITION, RuleMode.WRITE, "CEL", None, None, "true", None, None, False)
    config = ServerConfig(
        compatibility=ConfigCompatibilityLevel.BACKWARD,
        compatibility_group="major",
        default_metadata=defaults,
        override_metadata=overrides,
        default_rule_set=RuleSet(None, [rule]),
    )
    tenant.set_config(topic, config)
    found = tenant.get_config(topic)
    assert (found.compatibility_level, found.compatibility_group) == ("BACKWARD", "major")
    assert found.default_metadata.properties == defaults.properties
    assert found.override_metadata.properties == overrides.properties
    assert [each.name for each in found.default_rule_set.domain_rules] == ["check"]

    tenant.register_schema(topic, Schema(AVRO.text, "AVRO"))
    registered = tenant.get_latest_version(topic).schema
    assert registered.metadata.properties.properties == {"owner": "cost-ops", "region": "eu"}
    assert registered.rule_set.domain_rules[0].name == "check"
    assert tenant.delete_config(topic).compatibility_group == "major"


def test_modes_and_imports(tenant: SchemaRegistryClient, topic: str) -> None:
    assert tenant.update_global_mode("READONLY") == "READONLY"
    with pytest.raises(SchemaRegistryError) as refused:
        tenant.register_schema(topic, Schema(AVRO.text, "AVRO"))
    assert _refused(refused) == (422, 42205)
    assert tenant.update_global_mode("READWRITE") == "READWRITE"
    tenant.register_schema(topic, Schema(AVRO.text, "AVRO"))
    with pytest.raises(SchemaRegistryError) as refused:
        tenant.update_mode(topic, "IMPORT")
    assert _refused(refused) == (422, 42205)
    assert tenant.update_mode(topic, "IMPORT", force=True) == "IMPORT"
    assert tenant.get_mode(topic) == "IMPORT"
    assert tenant.delete_mode(topic) == "IMPORT"
    with pytest.raises(SchemaRegistryError) as refused:
        tenant.get_mode(topic)
    assert _refused(refused) == (404, 40409)
    with pytest.raises(SchemaRegistryError) as refused:
        tenant.update_global_mode("WRITEONLY")
    assert _refused(refused) == (422, 42204)


def test_compatibility_is_told_before_registration(client: SchemaRegistryClient, topic: str) -> None:
    for text in (AVRO.text, _LONGER):
        client.register_schema(topic, Schema(text, "AVRO"))
    changed = Schema(_CHANGED, "AVRO")
    assert client.test_compatibility(topic, Schema(AVRO.text, "AVRO"))
    assert not client.test_compatibility(topic, changed, 1)
    assert not client.test_compatibility_all_versions(topic, changed, verbose=True)
    with pytest.raises(SchemaRegistryError) as refused:
        client.register_schema(topic, changed)
    assert _refused(refused) == (409, 40901)
    with pytest.raises(SchemaRegistryError) as refused:
        client.test_compatibility(topic, changed, 9)
    assert _refused(refused) == (404, 40402)
    with pytest.raises(SchemaRegistryError) as refused:
        client.set_compatibility(topic, "SIDEWAYS")
    assert _refused(refused) == (422, 42203)


def test_deleting(client: SchemaRegistryClient, owner: SchemaRegistryClient, dialect: Dialect, topic: str) -> None:
    schema = Schema(dialect.text, dialect.name)
    schema_id = owner.register_schema(topic, schema)
    assert owner.delete_subject(topic) == [1]
    for call, code in (
        (client.get_latest_version, 40401),
        (client.get_versions, 40401),
        (client.delete_subject, 40404),
    ):
        with pytest.raises(SchemaRegistryError) as refused:
            call(topic)
        assert _refused(refused) == (404, code)
    assert client.get_versions(topic, deleted=True) == [1]
    assert client.get_version(topic, 1, deleted=True).schema_id == schema_id
    assert client.lookup_schema(topic, schema, deleted=True).version == 1
    assert client.get_subjects_by_schema_id(schema_id, topic, deleted=True) == [topic]
    with SchemaRegistryClient(client.config()) as other:
        assert other.register_schema(topic, schema) == schema_id
        assert other.get_versions(topic) == [2]
        with pytest.raises(SchemaRegistryError) as refused:
            other.delete_subject(topic, permanent=True)
        assert _refused(refused) == (404, 40405)
        assert other.delete_subject(topic) == [2]
        assert other.delete_subject(topic, permanent=True) == [2]
        with pytest.raises(SchemaRegistryError) as refused:
            other.get_versions(topic, deleted=True)
        assert _refused(refused) == (404, 40401)


def test_pages(client: SchemaRegistryClient, topic: str) -> None:
    names = [f"{topic}-{number}" for number in range(4)]
    for name in names:
        client.register_schema(name, Schema(JSON.text, "JSON"))
    assert client.get_subjects(subject_prefix=topic, offset=1, limit=2) == names[1:3]
    for number in range(3):
        client.register_schema(topic, Schema(JSON.text.replace("{", "{" + " " * number, 1), "JSON"))
    client.set_compatibility(topic, "NONE")
    for number in range(3):
        client.register_schema(topic, Schema(f'{{"title": "{number}"}}', "JSON"))
    versions = client.get_versions(topic)
    assert client.get_versions(topic, offset=1, limit=2) == versions[1:3]


def test_forms_of_a_schema(client: SchemaRegistryClient, owner: SchemaRegistryClient, topic: str) -> None:
    owner.register_schema(f"{topic}-event", Schema(AVRO.text, "AVRO"))
    text = '{"type":"record","name":"Batch","fields":[{"name":"event","type":"app.Event"}]}'
    reference = SchemaReference("app.Event", f"{topic}-event", 1)
    schema_id = owner.register_schema(topic, Schema(text, "AVRO", [reference]))
    assert '"model"' in client.get_schema(schema_id, fmt="resolved").schema_str
    protobuf_id = owner.register_schema(f"{topic}-protobuf", Schema(PROTOBUF.text, "PROTOBUF"))
    assert client.get_schema(protobuf_id, fmt="serialized").schema_str.isascii()
    guid = client.get_version(topic, 1).guid
    assert owner.get_schema_by_guid(guid).references == [reference]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([("1st", RuleMode.WRITE)], "1st"),
        ([("same", RuleMode.WRITE), ("same", RuleMode.READ)], "same"),
        ([("up", RuleMode.UPGRADE)], "UPGRADE"),
    ],
)
def test_rules_that_cannot_be(
    client: SchemaRegistryClient, topic: str, rules: list[tuple[str, RuleMode]], message: str
) -> None:
    made = [
        Rule(name, "", RuleKind.CONDITION, mode, "CEL", None, None, "true", None, None, False) for name, mode in rules
    ]
    with pytest.raises(SchemaRegistryError, match=message) as refused:
        client.register_schema(topic, Schema(AVRO.text, "AVRO", [], None, RuleSet(None, made)))
    assert _refused(refused) == (422, 42210)


def test_an_association_that_owns_its_subject(client: SchemaRegistryClient, topic: str) -> None:
    subject = f":.cluster:{topic}-value"
    info = AssociationCreateOrUpdateInfo(association_type="value", lifecycle="STRONG", schema=Schema(AVRO.text, "AVRO"))
    request = AssociationCreateOrUpdateRequest(topic, "cluster", str(uuid.uuid4()), "topic", [info])
    created = client.create_association(request)
    assert created.associations is not None
    assert [(each.subject, each.lifecycle) for each in created.associations] == [(subject, "STRONG")]
    assert client.get_versions(subject) == [1]
    client.delete_associations(request.resource_id, cascade_lifecycle=True)
    with pytest.raises(SchemaRegistryError) as refused:
        client.get_versions(subject)
    assert _refused(refused) == (404, 40401)


async def test_a_lost_answer_is_asked_for_again(registry_url: str, topic: str) -> None:
    async with (
        Proxy(int(registry_url.rpartition(":")[2])) as proxy,
        AsyncSchemaRegistryClient(
            {"url": f"http://127.0.0.1:{proxy.port}", "max.retries": 8, "retries.wait.ms": 50}
        ) as client,
        AsyncSchemaRegistryClient({"url": registry_url}) as direct,
    ):
        proxy.cut_after = b'"schema"'
        registering = asyncio.create_task(client.register_schema(topic, Schema(AVRO.text, "AVRO")))
        for _ in range(500):
            if topic in await direct.get_subjects(subject_prefix=topic):
                break
            await asyncio.sleep(0.01)
        assert not registering.done()
        proxy.cut_after = None
        assert await registering == (await direct.get_latest_version(topic)).schema_id
        assert await direct.get_versions(topic) == [1]
