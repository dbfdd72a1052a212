"""The typed requests and results of the client; unknown fields of a reply are ignored."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from llm_schema_registry.compatibility import CompatibilityLevel, DuplicateKeys, LogicalTypes, Policy
from llm_schema_registry.contracts import Metadata, Reference, RuleSet
from llm_schema_registry.core.findings import Finding
from llm_schema_registry.formats import SchemaType
from llm_schema_registry.formats.profiles import Profile

LATEST = "latest"


class SchemaRequest(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A schema as it is registered or looked up; `id` and `version` are brought along only in IMPORT mode."""

    schema: str
    schema_type: SchemaType = SchemaType.AVRO
    references: list[Reference] = []
    metadata: Metadata | None = None
    rule_set: RuleSet | None = None
    id: int | None = None
    version: int | None = None


class RegisteredSchema(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A schema as a registry gives it; a reply about an id alone names no subject and no version.

    `details`: warnings about the text, in the reply to a registration.
    """

    schema: str = ""
    id: int = 0
    guid: str = ""
    subject: str = ""
    version: int = 0
    schema_type: SchemaType = SchemaType.AVRO
    references: list[Reference] = []
    metadata: Metadata | None = None
    rule_set: RuleSet | None = None
    ts: int | None = None
    details: list[Finding] = []
    deleted: bool = False


class SubjectVersion(msgspec.Struct, frozen=True):
    """Where a schema is in use."""

    subject: str
    version: int


class Config(msgspec.Struct, frozen=True, rename="camel"):
    """What a subject or the registry promises about new versions; absent: not set at that scope."""

    compatibility_level: CompatibilityLevel | None = None
    compatibility_policy: Policy | None = None
    compatibility_profile: Profile | None = None
    logical_types: LogicalTypes | None = None
    duplicate_keys: DuplicateKeys | None = None


class ScopeSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is set at exactly one scope: a subject, a context (`:.ctx:`, empty: the default one), or `:.__GLOBAL:`."""

    scope: str
    config: dict[str, Any] | None = None
    mode: str | None = None


class Scopes(msgspec.Struct, frozen=True):
    """Every scope that has a setting of its own."""

    scopes: list[ScopeSettings]


class Mode(msgspec.Struct, frozen=True):
    """The mode of a scope."""

    mode: str | None = None


class ServerVersion(msgspec.Struct, frozen=True):
    """The version that a registry gives of itself."""

    version: str = ""


class ValidationResult(msgspec.Struct, frozen=True):
    """The result for one event."""

    valid: bool
    errors: list[Finding] = []
    warnings: list[Finding] = []
    schema_id: int = 0
    subject: str | None = None
    version: int | None = None
    message: str | None = None
    validation_time_ms: float = 0.0


class PayloadResult(msgspec.Struct, frozen=True):
    """The result for one event of a batch."""

    index: int
    valid: bool
    errors: list[Finding] = []
    warnings: list[Finding] = []
    message: str | None = None


class BatchResult(msgspec.Struct, frozen=True):
    """The result for a batch, in the order of the events."""

    valid: int
    invalid: int
    results: list[PayloadResult]


class Witness(msgspec.Struct, frozen=True):
    """A payload that one schema allows and the other refuses or misreads."""

    direction: str
    outcome: str
    payload: Any
    encoded: str = ""
    problem: str = ""


class PlannedSchema(SchemaRequest, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """A schema of a plan, and the subject it shall be a version of."""

    subject: str
    normalize: bool | None = None


class PlannedOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to one schema of a plan; `action` is `register`, `unchanged` or `refuse`."""

    subject: str
    action: str
    version: int | None = None
    id: int | None = None
    guid: str | None = None
    error_code: int | None = None
    message: str | None = None
    findings: list[Finding] = []
    witness: Witness | None | UnsetType = UNSET


class PlanResult(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to all schemas of a plan; `outcome` is `ok`, `refused` or `changed`."""

    outcome: str
    applied: bool
    digest: str
    schemas: list[PlannedOutcome]
