"""Names of subjects: a context and a name in it, and how both are written in one string."""

from typing import NamedTuple

DEFAULT_CONTEXT = "."
GLOBAL_CONTEXT = ".__GLOBAL"
CONTEXT_WILDCARD = ":*:"


class Subject(NamedTuple):
    """A subject, or with an empty name the context itself (as a scope of config and mode).

    Attributes:
        context: `.` for the default context, else a dot and its name (`.team-a`).
        name: the name within the context; case-sensitive, never trimmed.
    """

    context: str
    name: str

    @classmethod
    def parse(cls, qualified: str, context: str = DEFAULT_CONTEXT) -> "Subject":
        """Reads `name` or `:.ctx:name`; an unqualified name falls into `context` (Confluent's rule)."""
        if qualified.startswith(":."):
            found, separator, name = qualified[1:].partition(":")
            if separator:
                return cls(found, name)
            return cls(found, "")
        return cls(context, qualified)

    def __str__(self) -> str:
        """The qualified form; subjects of the default context are always written bare."""
        return self.name if self.context == DEFAULT_CONTEXT else f":{self.context}:{self.name}"

    @property
    def scope_of_context(self) -> "Subject":
        """The context itself, as a scope of config and mode."""
        return Subject(self.context, "")


GLOBAL_SCOPE = Subject(GLOBAL_CONTEXT, "")
DEFAULT_SCOPE = Subject(DEFAULT_CONTEXT, "")
