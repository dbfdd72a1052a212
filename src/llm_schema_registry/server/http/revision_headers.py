"""Revisions in headers: a write tells the one that holds it, and a request may name the least that it wants to see."""

from collections.abc import Iterable
from typing import Final

from llm_schema_registry.server.http.errors import HttpError

REVISION_HEADER: Final = "x-registry-revision"
MIN_REVISION_HEADER: Final = "X-Registry-Min-Revision"

_MIN_REVISION = MIN_REVISION_HEADER.lower().encode()
_HIGHEST = 2**63 - 1
_DIGITS = len(str(_HIGHEST))
_MALFORMED = 400


def least_revision(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """The revision that the answer to a request must not be older than; the highest, if it names several.

    Args:
        headers: of the request, with names in lower case.

    Raises:
        HttpError: 400, it is no revision.
    """
    revision: int | None = None
    for name, value in headers:
        if name == _MIN_REVISION:
            revision = max(revision or 0, _read(value))
    return revision


def _read(value: bytes) -> int:
    digits = value.strip()
    revision = int(digits) if digits.isdigit() and len(digits) <= _DIGITS else _HIGHEST + 1
    if revision > _HIGHEST:
        message = (
            f"The header {MIN_REVISION_HEADER} is no revision: a whole number from 0 to {_HIGHEST} is expected, as a "
            "write tells it in X-Registry-Revision."
        )
        raise HttpError(_MALFORMED, message)
    return revision
