"""Profiles: what else than "the reader can read it" a change of a schema may break.

A format may know families of users besides the readers of its encoding: those who read its JSON form, and those
who compile its text to code. Each is a profile; a profile's rules look at a change of a text, from old to new.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.formats.format import InvalidSchemaError, ParsedSchema


class Profile(enum.StrEnum):
    """Which rules may refuse a change, besides those of the Confluent registry that always do.

    Each one refuses all that the one before it refuses. The names and what they stand for are those of the
    breaking categories of Buf: `WIRE`, `WIRE_JSON`, and for `SOURCE` `FILE`.
    """

    CONFLUENT = "CONFLUENT"
    WIRE = "WIRE"
    WIRE_JSON = "WIRE_JSON"
    SOURCE = "SOURCE"


@dataclass(frozen=True, slots=True)
class ProfileRule:
    """One row of a format's table of profile rules: the single place where a rule stands.

    Attributes:
        name: its id.
        breaks: the profiles that a change against it breaks.
        description: what happened, with the fields `{path}`, `{old}` and `{new}`.
        why: what that breaks, one sentence for a newcomer.
        fix: what to do instead, one sentence.
    """

    name: str
    breaks: frozenset[Profile]
    description: str
    why: str
    fix: str


@dataclass(frozen=True, slots=True)
class ProfileDifference:
    """One change that breaks profiles.

    Attributes:
        rule: the row of the table.
        path: where, in the notation of the format's differences.
        old: what it was, as short text.
        new: what it is, as short text; empty if it is gone.
    """

    rule: ProfileRule
    path: str
    old: str = ""
    new: str = ""

    @property
    def sentence(self) -> str:
        """What happened, without a full stop."""
        return self.rule.description.format(path=self.path, old=self.old, new=self.new)


class Side(enum.Enum):
    """One of the two texts of a comparison by profile."""

    NEW = "new"
    OLD = "old"


class NotCompiledError(InvalidSchemaError):
    """The compiler of the format refuses one of the two texts. Attributes: `side`: which one."""

    def __init__(self, side: Side, cause: InvalidSchemaError) -> None:
        super().__init__(cause.message, cause.findings)
        self.side = side


@runtime_checkable
class HasProfiles(Protocol):
    """A format that knows profiles."""

    @property
    def profile_rules(self) -> Mapping[str, ProfileRule]:
        """Every rule, by name."""
        ...

    def profile_differences(
        self, new: ParsedSchema, old: ParsedSchema, *, budget: Budget | None = None
    ) -> list[ProfileDifference]:
        """The changes from `old` to `new` that break profiles, each once and under the strictest rule it is against.

        Raises:
            NotCompiledError: the compiler refuses one of the two.
            BudgetExceededError: too much work.
        """
        ...
