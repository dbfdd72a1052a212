"""Budgets: work on untrusted input is counted, and ends with an error instead of hanging."""

DEFAULT_STEPS = 2_000_000
MIN_STEPS = 10_000
MAX_STEPS = 1_000_000_000
MAX_SCHEMA_BYTES = 4 * 1024 * 1024
"""The largest definition, in bytes of UTF-8, unless a setting says otherwise."""
MAX_DEPTH = 200
CHARACTERS_PER_STEP = 64
"""How many characters of a text are read for one step, before anything is made of them."""


_OUT_OF_STEPS = "the schema is too large or too deeply nested for the work budget"
_FIX = "Split the schema into schemas that refer to each other, or nest fewer combinations (oneOf, anyOf, allOf)."


def default_steps(max_schema_bytes: int) -> int:
    """The budget of one parse or one comparison where definitions have at most `max_schema_bytes`.

    `DEFAULT_STEPS` is enough for the largest definition of the default size; larger definitions get more in proportion.
    """
    return DEFAULT_STEPS * share_of_default(max_schema_bytes)


def share_of_default(max_schema_bytes: int) -> int:
    """How many times `MAX_SCHEMA_BYTES` the largest definition has, rounded up; at least 1."""
    return max(1, -(-max_schema_bytes // MAX_SCHEMA_BYTES))


class BudgetExceededError(Exception):
    """The work on this input was given up after its budget of steps; nothing was changed."""

    def __init__(self, what: str, why: str = _OUT_OF_STEPS) -> None:
        super().__init__(what, why)
        self.what = what
        self.why = why

    @property
    def is_out_of_steps(self) -> bool:
        """Whether more steps could complete the work."""
        return self.why == _OUT_OF_STEPS

    def __str__(self) -> str:
        sentence = f"{self.what} was given up: {self.why}"
        return f"{sentence}. {_FIX}" if self.is_out_of_steps else sentence


class Budget:
    """Counts steps of one piece of work (one parse, one comparison).

    Args:
        steps: how many steps may be spent; one step is one visited node or one compared pair.
        what: the work, as the subject of the error's sentence ("The compatibility check").
    """

    __slots__ = ("left", "what")

    def __init__(self, steps: int = DEFAULT_STEPS, what: str = "The work") -> None:
        self.left = steps
        self.what = what

    def spend(self, steps: int = 1) -> None:
        """Counts `steps`; raises `BudgetExceededError` once more is spent than was given."""
        self.left -= steps
        if self.left < 0:
            raise BudgetExceededError(self.what)
