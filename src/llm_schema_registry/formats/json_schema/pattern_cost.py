"""Upper bounds for the cost of a regular expression, from one look at its text.

The engine compiles a pattern into an automaton, in which counted repetitions are written out and a Unicode class
takes hundreds of states, up to a size limit. It matches in linear time, in the worst case by following every state for
every byte. Look-around and back-references are matched by backtracking, up to a limit of a million steps.
"""

import functools
import re
from typing import NamedTuple

MICROSECOND = 1_000.0
MILLISECOND = 1_000_000.0

# Measured on one core of 2.5 GHz, with a margin.
_BASE = 30 * MICROSECOND
_ATOM = 10 * MICROSECOND
_UNICODE_CLASS = 60
_COMPILING_AT_MOST = 150 * MILLISECOND
_ATOM_BYTES = 500
_BYTES_AT_MOST = 12_000_000
_STATE_PER_BYTE = 15.0
_BACKTRACKING = 200 * MILLISECOND
_ENDLESS = 1e12
_LONGEST = 2_000
# Beyond this many bytes the engine refuses a pattern.
_ENGINE_BYTES = 10 * 2**20

COUNTED = "(?:(?=)"
"""Opens a group whose repetitions the engine counts: it writes out only what has no look-around."""

_TOKEN = re.compile(
    r"""
    (?P<unicode>\\[pP]\{[^}]*\}?|\\[pP].)
    |(?P<back>\\[1-9]|\\k)
    |(?P<escape>\\.?)
    |(?P<class>\[\^?\]?(?:\\.|[^\]\\])*\]?)
    |(?P<counted>\(\?:\(\?=\))
    |(?P<look>\(\?(?:[=!>]|<[=!]))
    |(?P<open>\((?:\?(?:<\w+>|P<\w+>|[a-zA-Z-]*:|[a-zA-Z-]*(?=\))))?)
    |(?P<close>\))
    |(?P<count>\{(?P<low>\d+)(?P<comma>,)?(?P<high>\d*)\})
    |(?P<times>[*+?])
    |(?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)


class PatternCost(NamedTuple):
    """What a pattern may cost.

    Attributes:
        compiling: nanoseconds.
        size: bytes of the compiled form.
        match: nanoseconds for one match, apart from what each byte costs.
        byte: nanoseconds per byte of the text.
    """

    compiling: float
    size: int
    match: float
    byte: float


class _Sums:
    """Atoms of a group: as the compiler weighs them, and as states.

    Attributes:
        counted: whether repetitions of the group are not written out.
    """

    __slots__ = ("counted", "last_counted", "last_states", "last_weight", "states", "weight")

    def __init__(self, *, counted: bool = False) -> None:
        self.counted = counted
        self.last_counted = False
        self.weight = self.states = 0.0
        self.last_weight = self.last_states = 0.0

    def add(self, weight: float, states: float, *, counted: bool = False) -> None:
        self.weight += weight
        self.states += states
        self.last_weight, self.last_states, self.last_counted = weight, states, counted

    def repeat(self, times: float) -> None:
        if self.last_counted:
            return
        self.weight += self.last_weight * (times - 1)
        self.states += self.last_states * (times - 1)
        self.last_weight *= times
        self.last_states *= times


@functools.lru_cache(maxsize=4096)
def pattern_cost(pattern: str) -> PatternCost:
    """The cost of a pattern; more for what is no valid one, never less."""
    if len(pattern) > _LONGEST:
        return PatternCost(_COMPILING_AT_MOST, _BYTES_AT_MOST, _BACKTRACKING, _STATE_PER_BYTE * 100_000.0)
    weight, states, backtracks = _measured(pattern)
    return PatternCost(
        min(_BASE + _ATOM * weight, _COMPILING_AT_MOST),
        int(min(20_000 + _ATOM_BYTES * weight, _BYTES_AT_MOST)),
        _BACKTRACKING if backtracks else 500.0,
        _STATE_PER_BYTE * (1 + min(states, 100_000.0)),
    )


def is_too_large(pattern: str) -> bool:
    """Whether the engine may refuse a pattern for the size of its automaton."""
    return _ATOM_BYTES * _measured(pattern)[0] > _ENGINE_BYTES


def _measured(pattern: str) -> tuple[float, float, bool]:
    """The weight and the states of a pattern, and whether it is matched by backtracking."""
    groups = [_Sums()]
    backtracks = False
    for token in _TOKEN.finditer(pattern):
        match token.lastgroup if token["count"] is None else "count":
            case "look":
                # In front of everything else it is tried once, at one place.
                backtracks = backtracks or not _leads(pattern, token)
                groups.append(_Sums())
            case "counted":
                backtracks = True
                groups.append(_Sums(counted=True))
            case "open":
                groups.append(_Sums())
            case "close":
                if len(groups) > 1:
                    inner = groups.pop()
                    groups[-1].add(inner.weight + 1, inner.states + 1, counted=inner.counted)
            case "count":
                high = token["high"] or token["low"]
                groups[-1].repeat(max(1.0, float(high[:9])) + (token["comma"] is not None and not token["high"]))
            case "times":
                groups[-1].add(1, 0)
            case "back":
                backtracks = True
            case "unicode":
                groups[-1].add(_UNICODE_CLASS, 1)
            case "class":
                classes = token["class"].count(r"\p") + token["class"].count(r"\P")
                wide = len(token["class"].encode("utf-8", "surrogatepass")) // 8
                groups[-1].add(1 + wide + _UNICODE_CLASS * classes, 1)
            case _:
                groups[-1].add(1, 1)
        if groups[-1].weight > _ENDLESS:
            break
    weight = sum(group.weight for group in groups)
    states = sum(group.states for group in groups)
    if "(?i" in pattern or re.search(r"\(\?[a-z]*i", pattern):
        weight *= 4
    return weight, states, backtracks


def _leads(pattern: str, look: re.Match[str]) -> bool:
    """Whether a look-ahead stands at the start of the pattern, behind nothing but others like it."""
    if look["look"] not in ("(?=", "(?!"):
        return False
    before = pattern[: look.start()].removeprefix("^")
    depth = 0
    for token in _TOKEN.finditer(before):
        if depth == 0 and token["look"] not in ("(?=", "(?!"):
            return False
        if token["look"] or token["open"]:
            depth += 1
        elif token["close"]:
            depth -= 1
    return depth == 0
