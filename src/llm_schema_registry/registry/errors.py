"""Errors of the use cases: one code each, with the text that clients of the Confluent registry know."""

import enum
import functools
from collections.abc import Callable, Sequence
from typing import Any

from llm_schema_registry.core.budget import BudgetExceededError
from llm_schema_registry.core.findings import Finding


class ErrorCode(enum.Enum):
    """Every error a use case can answer: code and message template (Confluent's rule).

    The first three digits of a code are its HTTP status. Codes from 42290 on are our own.
    """

    SUBJECT_NOT_FOUND = (40401, "Subject '{subject}' not found.")
    VERSION_NOT_FOUND = (40402, "Version {version} not found.")
    SCHEMA_NOT_FOUND = (40403, "Schema not found")
    SCHEMA_ID_NOT_FOUND = (40403, "Schema {schema} not found")
    SUBJECT_SOFT_DELETED = (40404, "Subject '{subject}' was soft deleted.Set permanent=true to delete permanently")
    SUBJECT_NOT_SOFT_DELETED = (
        40405,
        "Subject '{subject}' was not deleted first before being permanently deleted",
    )
    VERSION_SOFT_DELETED = (
        40406,
        "Subject '{subject}' Version {version} was soft deleted.Set permanent=true to delete permanently",
    )
    VERSION_NOT_SOFT_DELETED = (
        40407,
        "Subject '{subject}' Version {version} was not deleted first before being permanently deleted",
    )
    SUBJECT_LEVEL_NOT_SET = (
        40408,
        "Subject '{subject}' does not have subject-level compatibility configured",
    )
    SUBJECT_MODE_NOT_SET = (40409, "Subject '{subject}' does not have subject-level mode configured")
    ASSOCIATION_NOT_FOUND = (40410, "Association for '{resource}' not found.")
    INCOMPATIBLE_SCHEMA = (
        40901,
        'Schema being registered is incompatible with an earlier schema for subject "{subject}", details: [{details}]',
    )
    RESOURCE_ASSOCIATED = (40903, "An association of type '{type}' already exists for resource '{resource}'")
    SUBJECT_ASSOCIATED = (40904, "An association already exists for subject '{subject}'")
    SUBJECT_STRONGLY_ASSOCIATED = (40905, "A strong association already exists for subject '{subject}'")
    SUBJECT_WITHOUT_VERSION = (40907, "No active (non-deleted) version exists for subject '{subject}'")
    ASSOCIATION_FROZEN = (40908, "The association of type  '{type}' is frozen for subject '{subject}'")
    CONCURRENT_CHANGE = (40990, "Subject '{subject}' was changed by another writer at the same time. Try again.")
    INVALID_SCHEMA = (42201, "{message}")
    INVALID_VERSION = (
        42202,
        "The specified version '{version}' is not a valid version id. "
        'Allowed values are between [1, 2^31-1] and the string "latest"',
    )
    INVALID_LEVEL = (
        42203,
        "Invalid compatibility level. Valid values are none, backward, forward, full, "
        "backward_transitive, forward_transitive, and full_transitive",
    )
    INVALID_MODE = (42204, "Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.")
    FORWARD_MODE_NOT_GLOBAL = (42204, "Forward mode only supported on global level")
    OPERATION_NOT_PERMITTED = (42205, "{message}")
    REFERENCE_EXISTS = (
        42206,
        "One or more references exist to the schema {{magic=1,keytype=SCHEMA,subject={subject},version={version}}}.",
    )
    SUBJECT_REFERENCED = (42206, "One or more references exist to the schema {subject}.")
    INVALID_SUBJECT = (42208, "The specified subject '{subject}' is not a valid.")
    NAME_TOO_LONG = (
        42208,
        "The specified {what} '{name}' is not a valid: it has {size} bytes of UTF-8, at most {limit} are allowed.",
    )
    INVALID_ALIAS = (42208, "The specified alias '{alias}' of subject '{subject}' is not valid: {why}.")
    SCHEMA_TOO_LARGE = (
        42209,
        "Register operation failed because schema is too large: {what} {size} bytes of UTF-8, at most {limit} are "
        "allowed (LSR_MAX_SCHEMA_BYTES)",
    )
    CONFIG_TOO_LARGE = (
        42209,
        "The config is too large: it would have {size} bytes, at most {limit} are allowed (LSR_MAX_SCHEMA_BYTES)",
    )
    INVALID_RULE_SET = (42210, "{message}")
    CONTEXT_NOT_EMPTY = (42211, "The specified context '{context}' is not empty.")
    INVALID_ASSOCIATION = (
        42212,
        "The association specified an invalid value for property: '{property}', detail: {detail}",
    )
    BUDGET_EXCEEDED = (42290, "{message}")
    STORED_SCHEMA_UNREADABLE = (
        42291,
        "The stored schema with id {schema_id} in context '{context}' cannot be parsed any more: {message}",
    )
    PAYLOADS_NOT_CHECKED = (
        42291,
        "Payloads of the schema with id {schema_id} in context '{context}' cannot be validated: {message}",
    )
    INVALID_PAYLOAD = (42292, "{message}")
    VALUE_REFUSED = (
        42293,
        "The store cannot hold a value of this request: it is too large, or has a character that cannot be stored. "
        "Nothing was changed.",
    )
    UNKNOWN_MESSAGE = (42294, "{message}")
    DEFINITION_LOST = (50090, "{message}")
    STORE_UNAVAILABLE = (50301, "The store is not available at the moment. Nothing was changed; try again.")
    DEFINITIONS_UNAVAILABLE = (
        50390,
        "Object storage, which has large definitions, is not available at the moment. Nothing was changed; try again.",
    )
    REVISION_NOT_REACHED = (
        50391,
        "This node has not reached revision {revision}, only {known}. Try again; if it stays so, the revision is not "
        "one of this registry.",
    )
    OVERLOADED = (50392, "The server cannot do this work now: {message}. Nothing was changed; try again later.")

    @property
    def number(self) -> int:
        """The `error_code` on the wire."""
        return self.value[0]

    @property
    def status(self) -> int:
        """The HTTP status that goes with it."""
        return self.value[0] // 100


class RegistryError(Exception):
    """A use case refuses: the code, the filled-in message, and what was found.

    Attributes:
        code: which error.
        message: its text.
        findings: details, e.g. one per incompatibility.
    """

    def __init__(self, code: ErrorCode, findings: Sequence[Finding] = (), **values: Any) -> None:
        self.code = code
        self.message = code.value[1].format(**values)
        self.findings = tuple(findings)
        self._values = values
        super().__init__(self.message)

    def __reduce__(self) -> tuple[Callable[..., "RegistryError"], tuple[object, ...]]:
        return functools.partial(RegistryError, **self._values), (self.code, self.findings)


def over_budget(error: BudgetExceededError, steps: int) -> RegistryError:
    """The refusal of work that takes more than `steps`, the most that this registry allows."""
    setting = f" Or raise LSR_MAX_STEPS, which is {steps}." if error.is_out_of_steps else ""
    return RegistryError(ErrorCode.BUDGET_EXCEEDED, message=f"{error}{setting}")
