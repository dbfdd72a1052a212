"""Containment: whether every payload of one schema is valid under another, decided by meaning."""

import enum
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.formats.format import Dependency, ParsedSchema


class Answer(enum.Enum):
    """The answer to the question of containment."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Proof(enum.StrEnum):
    """The method that proved a containment; each value completes the sentence "It was proved by …"."""

    EQUALITY = "equal schemas"
    RULES = "structural rules"
    PROVER = "the containment prover"
    RULES_AND_PROVER = "structural rules, with the containment prover for parts of the schemas"


@dataclass(frozen=True, slots=True)
class Containment:
    """The result of a proof attempt.

    Attributes:
        answer: `YES` is proved; `NO` and `UNKNOWN` are not a proof of the contrary for users, who need a payload.
        proof: the method, for `YES`.
        reason: why the question is open, for `UNKNOWN`: a clause without a full stop.
    """

    answer: Answer
    proof: Proof | None = None
    reason: str = ""


@runtime_checkable
class DecidesContainment(Protocol):
    """A format whose schemas can be compared by meaning."""

    def source(self, schema: ParsedSchema) -> tuple[str, tuple[Dependency, ...]]:
        """The text of a schema and what it refers to, to parse it in another process."""
        ...

    def containment(self, reader: ParsedSchema, writer: ParsedSchema, *, budget: Budget | None = None) -> Containment:
        """Whether `reader` accepts every payload of `writer`. Native work runs within a deadline and a memory limit.

        Never `YES` if a payload breaks. Both schemas are of this format.

        Raises:
            BudgetExceededError: too much work for the budget.
        """
        ...
