"""Parses identifiers in requests: subjects, versions, contexts."""

import unicodedata

from llm_schema_registry.contracts import DEFAULT_CONTEXT, GLOBAL_CONTEXT, GLOBAL_SCOPE, Subject
from llm_schema_registry.core.findings import shortened
from llm_schema_registry.registry.errors import ErrorCode, RegistryError

MAX_ID = 2**31 - 1
LATEST = -1
MAX_NAME_BYTES = 1_000
"""The longest name, in bytes of UTF-8; of a subject together with its context. Indexes of every store hold it."""

_SHOWN = 100
_RESERVED_NAMES = frozenset({"__GLOBAL", "__EMPTY"})


def check_length(name: str, what: str) -> str:
    """The name itself; raises NAME_TOO_LONG if it is longer than `MAX_NAME_BYTES`.

    Args:
        name: the name.
        what: the kind of name, for the message ("subject").
    """
    # No character has more than four bytes, so that most names need not be encoded.
    if len(name) * 4 > MAX_NAME_BYTES and (size := len(name.encode("utf-8", "surrogatepass"))) > MAX_NAME_BYTES:
        start = _printable(shortened(name, _SHOWN))
        raise RegistryError(ErrorCode.NAME_TOO_LONG, what=what, name=start, size=size, limit=MAX_NAME_BYTES)
    return name


def check_name(subject: Subject) -> Subject:
    """The subject itself, if a request may read or delete it.

    Raises:
        RegistryError: NAME_TOO_LONG; INVALID_SUBJECT for an empty name, which means a context and not a subject.
    """
    check_length(str(subject), "subject")
    if not subject.name:
        raise _invalid(subject)
    return subject


def check_subject(subject: Subject) -> Subject:
    """The subject itself, if schemas may live under this name (Confluent's rule).

    Raises:
        RegistryError: as `check_name`; INVALID_SUBJECT for reserved names and control characters.
    """
    return _check_characters(check_name(subject))


def check_scope(scope: Subject) -> Subject:
    """The scope itself, if settings may live there: a subject, a context, or the level above all contexts.

    Raises:
        RegistryError: NAME_TOO_LONG, INVALID_SUBJECT.
    """
    check_length(str(scope), "subject" if scope.name else "context")
    if scope == GLOBAL_SCOPE:
        return scope
    return _check_characters(scope)


def _check_characters(subject: Subject) -> Subject:
    if (
        subject.name in _RESERVED_NAMES
        or subject.context == GLOBAL_CONTEXT
        or _has_control_character(subject.name)
        or _has_control_character(subject.context)
    ):
        raise _invalid(subject)
    return subject


def parse_version(text: str) -> int:
    """A version as a path segment: 1..2^31-1, or `latest` and `-1` for `LATEST`; raises INVALID_VERSION."""
    if text in ("latest", "-1"):
        return LATEST
    if text.isascii() and text.isdigit() and len(text) <= 10 and 1 <= int(text) <= MAX_ID:
        return int(text)
    raise RegistryError(ErrorCode.INVALID_VERSION, version=_printable(text))


def context_token(context: str) -> str:
    """How messages of the reference name a context: empty for the default one, else `:.ctx:`."""
    return "" if context == DEFAULT_CONTEXT else f":{context}:"


def _has_control_character(text: str) -> bool:
    return any(unicodedata.category(character) == "Cc" for character in text)


def _invalid(subject: Subject) -> RegistryError:
    return RegistryError(ErrorCode.INVALID_SUBJECT, subject=_printable(str(subject)))


def _printable(text: str) -> str:
    return "".join(c if unicodedata.category(c) not in ("Cc", "Cs") else "\N{REPLACEMENT CHARACTER}" for c in text)
