"""Suggestions of the kind "did you mean": the known name that is closest to one that is not known.

Comparing names takes time that is quadratic in their length, for each pair. So names are cut, the candidates are
limited, and the first few findings about one payload get a suggestion, the others none.
"""

import difflib
import itertools
import threading
from collections.abc import Iterable

MAX_SUGGESTIONS = 5
"""How many names of one payload are looked for."""

MAX_CANDIDATES = 400
"""How many known names are compared with one that is not known."""

_MAX_LENGTH = 64


class _Allowance(threading.local):
    left = MAX_SUGGESTIONS


_allowance = _Allowance()


def begin_suggestions() -> None:
    """Says, for this thread, that the findings of another payload begin."""
    _allowance.left = MAX_SUGGESTIONS


def similar(name: str, candidates: Iterable[str], cutoff: float = 0.7) -> str | None:
    """The candidate that is closest to a name, if one is close and the payload has not had its suggestions."""
    if _allowance.left <= 0:
        return None
    _allowance.left -= 1
    cut = name[:_MAX_LENGTH]
    longest, shortest = len(cut) / cutoff * (2 - cutoff), len(cut) * cutoff / (2 - cutoff)
    # Names of very different lengths are never close.
    pool = [each for each in itertools.islice(candidates, MAX_CANDIDATES) if shortest <= len(each) <= longest]
    found = difflib.get_close_matches(cut, pool, n=1, cutoff=cutoff)
    return found[0] if found else None
