"""The grammars of ECMA-262, and what they do not allow."""

import enum


class Grammar(enum.Enum):
    """How a pattern is read."""

    UNICODE = "under the flag u"
    TOLERANT = "under the flag u, with escapes of ASCII punctuation that needs none"
    PLAIN = "without flags, by annex B"


class PatternError(Exception):
    """A pattern that the grammar does not allow.

    Attributes:
        part: the part that is not understood.
        reason: why, as a clause.
    """

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(f"'{part}': {reason}")
        self.part = part
        self.reason = reason
