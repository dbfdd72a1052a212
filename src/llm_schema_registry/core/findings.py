"""Findings: problems of a schema, a change or a payload, as values.

A parse error, an incompatibility, a payload that breaks its schema: each is one `Finding`.
Every face (REST, command line, tests) renders the same value; nothing parses messages.
"""

import enum

import msgspec


class Severity(enum.StrEnum):
    """How much a finding weighs: an `ERROR` refuses, a `WARNING` is said, `INFO` is only noted."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """One thing that is wrong or worth knowing, with its place and the way out.

    Attributes:
        code: stable name, `<area>.<NAME>` (`avro.TYPE_MISMATCH`, `json.required`); the key of its reference page.
        severity: see `Severity`.
        path: where, in the notation of the format: a JSON pointer into the schema or payload for Avro and
            JSON Schema (`/fields/1/type`, `#/properties/a`), `#/Message/2` for Protobuf. Empty: the whole.
        message: one sentence that a newcomer understands, naming the thing and the place.
        places: how many paths lead to what was found, because its schema is referred to from several places.
        old: the older or expected side as short text, where there is one.
        new: the newer or actual side as short text, where there is one.
        direction: `BACKWARD` or `FORWARD` for a compatibility finding: which promise breaks.
        against_version: the version of the subject the finding was made against.
        fix: what to do about it, one sentence.
        docs: path of the page that explains the code, below the documentation root.
        line: 1-based line in the text, for parse errors that know it.
        column: 1-based column in the text, for parse errors that know it.
    """

    code: str
    message: str
    path: str = ""
    severity: Severity = Severity.ERROR
    places: int = 1
    old: str | None = None
    new: str | None = None
    direction: str | None = None
    against_version: int | None = None
    fix: str | None = None
    docs: str | None = None
    line: int | None = None
    column: int | None = None


def shortened(text: str, limit: int = 200) -> str:
    """`text`, cut to at most `limit` characters with an ellipsis: for `old` and `new` of a finding."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
