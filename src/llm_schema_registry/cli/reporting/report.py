"""The result of a command that judges things, as a value that every output format renders."""

import enum
from dataclasses import dataclass

from llm_schema_registry.core.findings import Finding


class Status(enum.StrEnum):
    """How one thing fared."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that was judged: a schema of a check, an event of a validation.

    Attributes:
        name: the subject, or the event.
        status: how it fared.
        note: what was asked, in a few words ("BACKWARD against version 3").
        findings: what there is to say; those of a passed item are warnings.
        file: the file it stands in, as the caller named it; empty if it is in none.
        line: 1-based line of the item in that file, where it is known.
    """

    name: str
    status: Status
    note: str = ""
    findings: tuple[Finding, ...] = ()
    file: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What a command has to say.

    Attributes:
        command: its name (`check`, `validate`).
        things: what the items are, in the plural (`schemas`, `events`).
        items: in the order they were judged.
    """

    command: str
    things: str
    items: tuple[Item, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.count(Status.FAILED)

    def count(self, status: Status) -> int:
        """How many items fared so."""
        return sum(item.status is status for item in self.items)

    @property
    def summary(self) -> str:
        """One line: `3 schemas: 2 passed, 1 failed`."""
        total = len(self.items)
        counts = [f"{count} {status}" for status in Status if (count := self.count(status))]
        things = self.things.removesuffix("s") if total == 1 else self.things
        return f"{total} {things}: {', '.join(counts)}" if counts else f"0 {self.things}"


def line_of(item: Item, finding: Finding) -> int | None:
    """The line that a finding is about: its own, else that of its item."""
    return finding.line or item.line
