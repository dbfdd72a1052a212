"""What names and numbers in requests mean."""

import unicodedata

from llm_schema_registry.contracts import DEFAULT_CONTEXT, GLOBAL_CONTEXT, Subject
from llm_schema_registry.registry.errors import ErrorCode, RegistryError

MAX_ID = 2**31 - 1
LATEST = -1
_RESERVED_NAMES = frozenset({"__GLOBAL", "__EMPTY"})


def check_subject(subject: Subject) -> Subject:
    """The subject itself, if schemas may live under this name (Confluent's rule); raises INVALID_SUBJECT otherwise."""
    if (
        subject.name in _RESERVED_NAMES
        or subject.context == GLOBAL_CONTEXT
        or _has_control_character(subject.name)
        or _has_control_character(subject.context)
    ):
        raise _invalid(subject)
    return subject


def check_scope(scope: Subject) -> Subject:
    """The scope itself, if settings may live there: a subject, a context, or the level above all contexts."""
    if scope.context == GLOBAL_CONTEXT:
        if scope.name:
            raise _invalid(scope)
        return scope
    return check_subject(scope)


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
