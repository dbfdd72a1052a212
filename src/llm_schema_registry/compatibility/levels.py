"""The seven compatibility levels, as data."""

import enum
from typing import NamedTuple


class Direction(enum.StrEnum):
    """Which promise is checked: BACKWARD, the new schema reads old data; FORWARD, the old one reads new data."""

    BACKWARD = "BACKWARD"
    FORWARD = "FORWARD"


class CompatibilityLevel(enum.StrEnum):
    """What a new version of a subject owes to the earlier ones."""

    NONE = "NONE"
    BACKWARD = "BACKWARD"
    BACKWARD_TRANSITIVE = "BACKWARD_TRANSITIVE"
    FORWARD = "FORWARD"
    FORWARD_TRANSITIVE = "FORWARD_TRANSITIVE"
    FULL = "FULL"
    FULL_TRANSITIVE = "FULL_TRANSITIVE"

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The promises the level makes, in the order the reference reports them."""
        return _LEVELS[self].directions

    @property
    def transitive(self) -> bool:
        """Whether all earlier versions count, or only the latest."""
        return _LEVELS[self].transitive


class Policy(enum.StrEnum):
    """How JSON Schemas are compared.

    STRICT and LENIENT are Confluent's rules, with open content models taken at their word or not. EXACT is ours: every
    payload of one schema is provably valid under the other. Formats without payload proofs read it as STRICT.
    """

    STRICT = "STRICT"
    LENIENT = "LENIENT"
    EXACT = "EXACT"


class LogicalTypes(enum.StrEnum):
    """What a change of an Avro logical type means: its scale, precision, unit, or the type itself."""

    WARN = "warn"
    STRICT = "strict"


class DuplicateKeys(enum.StrEnum):
    """What a duplicate key in the text of a new JSON Schema means: a warning, or an invalid schema."""

    WARN = "warn"
    ERROR = "error"


class _Level(NamedTuple):
    directions: tuple[Direction, ...]
    transitive: bool


_BACKWARD = (Direction.BACKWARD,)
_FORWARD = (Direction.FORWARD,)
_BOTH = (Direction.FORWARD, Direction.BACKWARD)
_LEVELS = {
    CompatibilityLevel.NONE: _Level((), False),
    CompatibilityLevel.BACKWARD: _Level(_BACKWARD, False),
    CompatibilityLevel.BACKWARD_TRANSITIVE: _Level(_BACKWARD, True),
    CompatibilityLevel.FORWARD: _Level(_FORWARD, False),
    CompatibilityLevel.FORWARD_TRANSITIVE: _Level(_FORWARD, True),
    CompatibilityLevel.FULL: _Level(_BOTH, False),
    CompatibilityLevel.FULL_TRANSITIVE: _Level(_BOTH, True),
}
