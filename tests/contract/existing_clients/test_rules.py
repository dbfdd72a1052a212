"""Rules that the registry keeps, executed by the Confluent client for Python: on writing, reading and migrating."""

from typing import Any

import pytest
from confluent_kafka.schema_registry import (
    Metadata,
    MetadataProperties,
    Rule,
    RuleKind,
    RuleMode,
    RuleSet,
    Schema,
    SchemaRegistryClient,
    ServerConfig,
)
from confluent_kafka.schema_registry.rule_registry import RuleRegistry
from confluent_kafka.schema_registry.rules.cel.cel_executor import CelExecutor
from confluent_kafka.schema_registry.rules.cel.cel_field_executor import CelFieldExecutor
from confluent_kafka.schema_registry.rules.jsonata.jsonata_executor import JsonataExecutor
from confluent_kafka.schema_registry.serde import RuleConditionError
from confluent_kafka.serialization import MessageField, SerializationContext, SerializationError

from contract.existing_clients.dialects import VALUES, Dialect

_LATEST = {"auto.register.schemas": False, "use.latest.version": True}


@pytest.fixture
def executors() -> RuleRegistry:
    found = RuleRegistry()
    for executor in (CelExecutor(), CelFieldExecutor(), JsonataExecutor()):
        found.register_executor(executor)
    return found


def _rule(kind: RuleKind, mode: RuleMode, type: str, expression: str, **more: Any) -> Rule:
    return Rule(
        name=more.get("name", "rule"),
        doc="",
        kind=kind,
        mode=mode,
        type=type,
        tags=more.get("tags"),
        params=None,
        expr=expression,
        on_success=None,
        on_failure=more.get("on_failure"),
        disabled=False,
    )


def _with_rules(dialect: Dialect, *rules: Rule, enable_at: str | None = None) -> Schema:
    return Schema(dialect.text, dialect.name, [], None, RuleSet(None, list(rules), None, enable_at))


def _value_of(topic: str) -> SerializationContext:
    return SerializationContext(topic, MessageField.VALUE)


def _round_trip(client: SchemaRegistryClient, dialect: Dialect, topic: str, executors: RuleRegistry) -> dict[str, str]:
    data = dialect.serializer(client, _LATEST, executors)(dialect.message(VALUES), _value_of(topic))
    return dialect.values(dialect.deserializer(client, {}, executors)(data, _value_of(topic)))


@pytest.mark.parametrize(("expression", "holds"), [("message.model == 'm-1'", True), ("message.model == 'm-2'", False)])
def test_a_condition_on_what_is_written(
    client: SchemaRegistryClient,
    owner: SchemaRegistryClient,
    dialect: Dialect,
    topic: str,
    executors: RuleRegistry,
    expression: str,
    holds: bool,
) -> None:
    rule = _rule(RuleKind.CONDITION, RuleMode.WRITE, "CEL", expression)
    owner.register_schema(f"{topic}-value", _with_rules(dialect, rule))
    if holds:
        assert _round_trip(client, dialect, topic, executors) == VALUES
    else:
        with pytest.raises(SerializationError) as refused:
            _round_trip(client, dialect, topic, executors)
        assert isinstance(refused.value.__cause__, RuleConditionError)


def test_a_condition_on_what_is_read(
    client: SchemaRegistryClient, owner: SchemaRegistryClient, dialect: Dialect, topic: str, executors: RuleRegistry
) -> None:
    rule = _rule(RuleKind.CONDITION, RuleMode.READ, "CEL", "message.user != 'ada'")
    owner.register_schema(f"{topic}-value", _with_rules(dialect, rule))
    data = dialect.serializer(client, _LATEST, executors)(dialect.message(VALUES), _value_of(topic))
    with pytest.raises(SerializationError):
        dialect.deserializer(client, {}, executors)(data, _value_of(topic))


def test_a_failure_that_may_pass(
    client: SchemaRegistryClient, owner: SchemaRegistryClient, dialect: Dialect, topic: str, executors: RuleRegistry
) -> None:
    rule = _rule(RuleKind.CONDITION, RuleMode.WRITEREAD, "CEL", "false", on_failure="NONE,NONE")
    owner.register_schema(f"{topic}-value", _with_rules(dialect, rule))
    assert _round_trip(client, dialect, topic, executors) == VALUES


def test_rules_for_elsewhere(
    client: SchemaRegistryClient, owner: SchemaRegistryClient, dialect: Dialect, topic: str, executors: RuleRegistry
) -> None:
    rule = _rule(RuleKind.CONDITION, RuleMode.WRITEREAD, "CEL", "false")
    owner.register_schema(f"{topic}-value", _with_rules(dialect, rule, enable_at="GATEWAY"))
    assert _round_trip(client, dialect, topic, executors) == VALUES


def test_tagged_fields_are_changed(
    client: SchemaRegistryClient, owner: SchemaRegistryClient, dialect: Dialect, topic: str, executors: RuleRegistry
) -> None:
    rule = _rule(RuleKind.TRANSFORM, RuleMode.WRITE, "CEL_FIELD", "value + '-masked'", tags=["PII"])
    owner.register_schema(f"{topic}-value", _with_rules(dialect, rule))
    assert _round_trip(client, dialect, topic, executors) == VALUES | {"user": "ada-masked"}


def test_fields_are_chosen_by_name(
    client: SchemaRegistryClient, owner: SchemaRegistryClient, dialect: Dialect, topic: str, executors: RuleRegistry
) -> None:
    rule = _rule(RuleKind.TRANSFORM, RuleMode.READ, "CEL_FIELD", "name == 'model' ; value + '!'")
    owner.register_schema(f"{topic}-value", _with_rules(dialect, rule))
    assert _round_trip(client, dialect, topic, executors) == VALUES | {"model": "m-1!"}


def test_default_rules_of_the_config(
    client: SchemaRegistryClient, owner: SchemaRegistryClient, dialect: Dialect, topic: str, executors: RuleRegistry
) -> None:
    subject = f"{topic}-value"
    rule = _rule(RuleKind.TRANSFORM, RuleMode.WRITE, "CEL_FIELD", "value + '-x'", tags=["PII"])
    owner.set_config(subject, ServerConfig(default_rule_set=RuleSet(None, [rule])))
    owner.register_schema(subject, Schema(dialect.text, dialect.name))
    assert _round_trip(client, dialect, topic, executors) == VALUES | {"user": "ada-x"}


_RENAMED = {"model": "m-1", "person": "ada"}
_UPGRADE = "$merge([$sift($, function($v, $k) {$k != 'user'}), {'person': user}])"
_DOWNGRADE = "$merge([$sift($, function($v, $k) {$k != 'person'}), {'user': person}])"


def _major(number: str) -> Metadata:
    return Metadata(None, MetadataProperties({"major": number}), None)


@pytest.fixture
def renamed(owner: SchemaRegistryClient, dialect: Dialect, topic: str) -> Dialect:
    """The second major version of the dialect: `user` is called `person`, and rules lead there and back."""
    subject, renamed = f"{topic}-value", dialect.renamed("person")
    owner.set_config(subject, ServerConfig(compatibility_group="major"))
    owner.register_schema(subject, Schema(dialect.text, dialect.name, [], _major("1")))
    rules = [
        _rule(RuleKind.TRANSFORM, RuleMode.UPGRADE, "JSONATA", _UPGRADE, name="up"),
        _rule(RuleKind.TRANSFORM, RuleMode.DOWNGRADE, "JSONATA", _DOWNGRADE, name="down"),
    ]
    owner.register_schema(subject, Schema(renamed.text, renamed.name, [], _major("2"), RuleSet(rules, None)))
    assert owner.get_versions(subject) == [1, 2]
    return renamed


_FIRST = {"use.latest.with.metadata": {"major": "1"}}
_SECOND = {"use.latest.with.metadata": {"major": "2"}}


@pytest.mark.parametrize("conf", [_SECOND, {"use.latest.version": True}], ids=["metadata", "latest"])
def test_old_data_for_a_new_reader(
    client: SchemaRegistryClient,
    dialect: Dialect,
    renamed: Dialect,
    topic: str,
    executors: RuleRegistry,
    conf: dict[str, Any],
) -> None:
    write = dialect.serializer(client, {"auto.register.schemas": False} | _FIRST, executors)
    data = write(dialect.message(VALUES), _value_of(topic))
    read = renamed.deserializer(client, conf, executors)(data, _value_of(topic))
    assert renamed.values(read) == _RENAMED


def test_new_data_for_an_old_reader(
    client: SchemaRegistryClient, dialect: Dialect, renamed: Dialect, topic: str, executors: RuleRegistry
) -> None:
    write = renamed.serializer(client, {"auto.register.schemas": False} | _SECOND, executors)
    data = write(renamed.message(_RENAMED), _value_of(topic))
    read = dialect.deserializer(client, _FIRST, executors)(data, _value_of(topic))
    assert dialect.values(read) == VALUES


def test_migration_over_a_deleted_version(
    client: SchemaRegistryClient,
    owner: SchemaRegistryClient,
    dialect: Dialect,
    renamed: Dialect,
    topic: str,
    executors: RuleRegistry,
) -> None:
    write = dialect.serializer(client, {"auto.register.schemas": False} | _FIRST, executors)
    data = write(dialect.message(VALUES), _value_of(topic))
    third = dialect.renamed("author")
    rule = _rule(RuleKind.TRANSFORM, RuleMode.UPGRADE, "JSONATA", "{'model': model, 'author': person}")
    owner.register_schema(f"{topic}-value", Schema(third.text, third.name, [], _major("3"), RuleSet([rule], None)))
    for version in (1, 2):
        owner.delete_version(f"{topic}-value", version)
    read = third.deserializer(client, {"use.latest.version": True}, executors)(data, _value_of(topic))
    assert third.values(read) == {"model": "m-1", "author": "ada"}
