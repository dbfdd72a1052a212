"""Config by scope: stored per subject and context, inherited upwards."""

import enum

import msgspec
from msgspec import UNSET, UnsetType

from llm_schema_registry.compatibility import CompatibilityLevel, DuplicateKeys, LogicalTypes, Policy, Profile
from llm_schema_registry.contracts import (
    DEFAULT_SCOPE,
    GLOBAL_SCOPE,
    InvalidRuleSetError,
    Metadata,
    RuleSet,
    Subject,
    check_rule_set,
)
from llm_schema_registry.registry.errors import ErrorCode, RegistryError
from llm_schema_registry.registry.identifiers import check_scope, check_subject
from llm_schema_registry.registry.modes import refuse_if_read_only
from llm_schema_registry.registry.registry import Registry
from llm_schema_registry.store.api import Reads
from llm_schema_registry.store.records import Setting


class Config(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What a scope says about registration; `None` leaves it to the scope above.

    Attributes:
        compatibility_level: what a new version owes to the earlier ones.
        compatibility_policy: how JSON Schemas are compared: by rules, or by proof (`EXACT`).
        compatibility_profile: what else a new version must not break: in Protobuf the wire format with reserved
            numbers (`WIRE`), JSON too (`WIRE_JSON`), generated code too (`SOURCE`); `CONFLUENT`: nothing else.
        logical_types: what a change of an Avro logical type is, e.g. of a scale or a unit: a warning (`warn`), or an
            incompatibility (`strict`).
        duplicate_keys: what a duplicate key in the text of a new JSON Schema is: a warning (`warn`), or a refusal
            (`error`).
        compatibility_group: name of a metadata property; only versions with an equal value are compared.
        alias: the subject that requests for this one mean.
        alias_for_deks: the same for data encryption keys.
        normalize: whether schemas are brought into normal form when registered.
        validate_fields: whether reserved fields are enforced.
        validate_new_schemas: whether names and defaults of new Avro schemas are checked strictly.
        validate_rules: stored for clients.
        default_metadata: laid under the metadata of every new version.
        override_metadata: laid over it.
        default_rule_set: laid under the rule set of every new version.
        override_rule_set: laid over it.
    """

    compatibility_level: CompatibilityLevel | None = None
    compatibility_policy: Policy | None = None
    compatibility_profile: Profile | None = None
    logical_types: LogicalTypes | None = None
    duplicate_keys: DuplicateKeys | None = None
    compatibility_group: str | None = None
    alias: str | None = None
    alias_for_deks: str | None = None
    normalize: bool | None = None
    validate_fields: bool | None = None
    validate_new_schemas: bool | None = None
    validate_rules: bool | None = None
    default_metadata: Metadata | None = None
    override_metadata: Metadata | None = None
    default_rule_set: RuleSet | None = None
    override_rule_set: RuleSet | None = None


class ConfigUpdate(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A change of a config: an absent key keeps what is set, an explicit null clears it (Confluent's rule)."""

    compatibility: str | None | UnsetType = UNSET
    compatibility_policy: str | None | UnsetType = UNSET
    compatibility_profile: Profile | None | UnsetType = UNSET
    logical_types: LogicalTypes | None | UnsetType = UNSET
    duplicate_keys: DuplicateKeys | None | UnsetType = UNSET
    compatibility_group: str | None | UnsetType = UNSET
    alias: str | None | UnsetType = UNSET
    alias_for_deks: str | None | UnsetType = UNSET
    normalize: bool | None | UnsetType = UNSET
    validate_fields: bool | None | UnsetType = UNSET
    validate_new_schemas: bool | None | UnsetType = UNSET
    validate_rules: bool | None | UnsetType = UNSET
    default_metadata: Metadata | None | UnsetType = UNSET
    override_metadata: Metadata | None | UnsetType = UNSET
    default_rule_set: RuleSet | None | UnsetType = UNSET
    override_rule_set: RuleSet | None | UnsetType = UNSET


class _Above(enum.Enum):
    """Which scopes above a subject a key is inherited from."""

    CONTEXT = "the context, then the level above all contexts"
    DEFAULT_CONTEXT_TOO = "as CONTEXT, with the default context between the two"


# The keys a scope that has a config still inherits, one by one; all others come from the first config found
# as a whole (Confluent's rule).
_INHERITED_ONE_BY_ONE = {
    "compatibility_level": _Above.CONTEXT,
    "compatibility_policy": _Above.DEFAULT_CONTEXT_TOO,
    "compatibility_profile": _Above.DEFAULT_CONTEXT_TOO,
    "logical_types": _Above.DEFAULT_CONTEXT_TOO,
    "duplicate_keys": _Above.DEFAULT_CONTEXT_TOO,
    "compatibility_group": _Above.DEFAULT_CONTEXT_TOO,
    "normalize": _Above.DEFAULT_CONTEXT_TOO,
    "validate_fields": _Above.DEFAULT_CONTEXT_TOO,
    "validate_new_schemas": _Above.DEFAULT_CONTEXT_TOO,
    "validate_rules": _Above.DEFAULT_CONTEXT_TOO,
}
_OF_THE_SUBJECT_ALONE = ("alias", "alias_for_deks")
_decoder = msgspec.json.Decoder(Config)
_encoder = msgspec.json.Encoder()


def scopes_above(subject: Subject) -> tuple[Subject, ...]:
    """Every scope whose settings can matter to a subject, nearest first."""
    return tuple(dict.fromkeys((subject, subject.scope_of_context, DEFAULT_SCOPE, GLOBAL_SCOPE)))


async def own_config(reads: Reads, scope: Subject) -> Config | None:
    """The config set at exactly this scope."""
    text = await reads.setting(scope, Setting.CONFIG)
    return None if text is None else _decoder.decode(text)


async def effective_config(registry: Registry, reads: Reads, subject: Subject) -> Config:
    """The config that decides for a subject; its level is never `None`."""
    by_scope = {scope: await own_config(reads, scope) for scope in scopes_above(subject)}
    wide = [config for config in by_scope.values() if config is not None]
    narrow = [
        config
        for scope, config in by_scope.items()
        if config is not None and (scope != DEFAULT_SCOPE or subject.context == DEFAULT_SCOPE.context)
    ]
    found = narrow[0] if narrow else Config()
    values: dict[str, object] = {}
    for key, above in _INHERITED_ONE_BY_ONE.items():
        configs = wide if above is _Above.DEFAULT_CONTEXT_TOO else narrow
        if key == "compatibility_level" and registry.rules.strict_config:
            configs = narrow[:1]
        values[key] = next((value for config in configs if (value := getattr(config, key)) is not None), None)
    if by_scope[subject] is None:
        values.update(dict.fromkeys(_OF_THE_SUBJECT_ALONE))
    if values["compatibility_level"] is None:
        values["compatibility_level"] = registry.rules.compatibility
    return msgspec.structs.replace(found, **values)


async def get_config(registry: Registry, scope: Subject, *, default_to_global: bool = False) -> Config:
    """The config of a scope: its own, or the effective one for contexts and on request.

    Raises:
        RegistryError: SUBJECT_LEVEL_NOT_SET when a subject has none of its own.
    """
    check_scope(scope)
    if default_to_global or scope == DEFAULT_SCOPE:
        return await effective_config(registry, registry.store, scope)
    config = await own_config(registry.store, scope)
    if config is None:
        raise RegistryError(ErrorCode.SUBJECT_LEVEL_NOT_SET, subject=scope)
    return config


async def put_config(registry: Registry, scope: Subject, update: ConfigUpdate, *, actor: str = "") -> Config:
    """Changes the config of a scope and returns it whole.

    Raises:
        RegistryError: INVALID_LEVEL, INVALID_RULE_SET, INVALID_SUBJECT, NAME_TOO_LONG, INVALID_ALIAS,
            CONFIG_TOO_LARGE, or OPERATION_NOT_PERMITTED in a read-only scope.
    """
    check_scope(scope)
    changes = _changes(update)
    async with registry.store.transaction(actor) as transaction:
        await refuse_if_read_only(transaction, scope)
        config = await own_config(transaction, scope) or Config()
        config = msgspec.structs.replace(config, **changes)
        for key in _OF_THE_SUBJECT_ALONE:
            if changes.get(key):
                await _check_alias(transaction, scope, config, key)
        text = _encoder.encode(config)
        limit = registry.rules.max_schema_bytes
        if len(text) > limit:
            raise RegistryError(ErrorCode.CONFIG_TOO_LARGE, size=len(text), limit=limit)
        await transaction.put_setting(scope, Setting.CONFIG, text.decode())
    return config


async def delete_config(registry: Registry, scope: Subject, *, actor: str = "") -> Config:
    """Removes the config of a scope and returns what it was.

    Raises:
        RegistryError: SUBJECT_NOT_FOUND when a subject has none, OPERATION_NOT_PERMITTED in a read-only scope.
    """
    check_scope(scope)
    async with registry.store.transaction(actor) as transaction:
        await refuse_if_read_only(transaction, scope)
        config = await own_config(transaction, scope)
        if config is None:
            if scope == DEFAULT_SCOPE:
                return await effective_config(registry, transaction, scope)
            raise RegistryError(ErrorCode.SUBJECT_NOT_FOUND, subject=scope)
        await transaction.put_setting(scope, Setting.CONFIG, None)
    return config


async def _check_alias(reads: Reads, scope: Subject, config: Config, key: str) -> None:
    """Refuses an alias that no request could follow.

    Raises:
        RegistryError: INVALID_SUBJECT or NAME_TOO_LONG for a name that no subject can have; INVALID_ALIAS for one
            that is the subject itself, or an alias that leads back to it.
    """
    followed: list[Subject] = []
    next_config: Config | None = config
    while next_config is not None and (alias := getattr(next_config, key)):
        target = check_subject(Subject.parse(alias, (followed or [scope])[-1].context))
        if target == scope and scope.name:
            between = ", ".join(map(str, followed))
            why = f"it leads back to the subject, by way of {between}" if followed else "it is the subject itself"
            raise RegistryError(ErrorCode.INVALID_ALIAS, alias=getattr(config, key), subject=scope, why=why)
        if target in followed:
            break
        followed.append(target)
        next_config = await own_config(reads, target)


def _changes(update: ConfigUpdate) -> dict[str, object]:
    changes: dict[str, object] = {}
    for field in msgspec.structs.fields(update):
        value = getattr(update, field.name)
        if value is UNSET:
            continue
        if isinstance(value, RuleSet):
            try:
                check_rule_set(value)
            except InvalidRuleSetError as error:
                raise RegistryError(ErrorCode.INVALID_RULE_SET, message=str(error)) from error
            value = value.materialised()
        changes[field.name] = value
    if "compatibility" in changes:
        changes["compatibility_level"] = _level(changes.pop("compatibility"))
    if "compatibility_policy" in changes:
        changes["compatibility_policy"] = _policy(changes["compatibility_policy"])
    return changes


def _level(value: object) -> CompatibilityLevel | None:
    if value is None:
        return None
    try:
        return CompatibilityLevel(str(value).upper())
    except ValueError:
        raise RegistryError(ErrorCode.INVALID_LEVEL) from None


def _policy(value: object) -> Policy | None:
    # The reference takes an unknown policy for none at all instead of refusing it; the answer shows that.
    return next((policy for policy in Policy if policy == str(value).upper()), None)


async def resolve_alias(reads: Reads, subject: Subject) -> Subject:
    """The subject that requests for `subject` mean: its alias, one hop, in its context unless qualified."""
    config = await own_config(reads, subject) if subject.name else None
    return subject if config is None or not config.alias else Subject.parse(config.alias, subject.context)
