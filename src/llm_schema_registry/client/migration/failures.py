"""Steps of an import that were not done, and why."""

import enum
from dataclasses import dataclass

from llm_schema_registry.client.migration.snapshot import VersionRecord


class Action(enum.StrEnum):
    """What a step of an import does: to a version (`REGISTER`, `DELETE`) or to a scope."""

    REGISTER = "register"
    DELETE = "delete"
    CONFIG = "config"
    MODE = "mode"
    IMPORT_MODE = "importMode"
    """Sets IMPORT mode for the duration of the import."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an import.

    Attributes:
        action: see `Action`.
        scope: the subject, or for a setting its scope; empty for the default context.
        version: the number of the version; 0 for a setting.
    """

    action: Action
    scope: str
    version: int = 0

    @classmethod
    def of(cls, action: Action, version: VersionRecord) -> "Step":
        """A step that concerns a version."""
        return cls(action, version.subject, version.version)

    @property
    def name(self) -> str:
        """The version or setting, as people read it."""
        if self.version:
            return f"{self.scope or 'the empty subject'} version {self.version}"
        setting = "config" if self.action is Action.CONFIG else "mode"
        return f"{setting} of {self.scope or 'the default context'}"


@dataclass(frozen=True, slots=True)
class Failure:
    """A step that was refused, or skipped because another one was.

    Attributes:
        step: the step.
        why: one sentence without a full stop.
        error_code: the registry's; 0 if it gave none, as for a skipped step.
        skipped: whether the step was not tried.
    """

    step: Step
    why: str
    error_code: int = 0
    skipped: bool = False
