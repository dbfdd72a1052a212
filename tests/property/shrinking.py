"""Makes a counter-example smaller: parts of the schemas and the payload go as long as it stays one."""

from collections.abc import Callable, Iterator
from typing import Any

from property.materials import Material, without_one_part

_STEPS = 600

Models = tuple[Any, Any, Any]
"""The models of the writer's and the reader's schema, and the payload."""


def shrunk(material: Material, case: Models, holds: Callable[[Models], bool]) -> Models:
    """The case without the parts that it does not need, as far as a bounded number of tries tells."""
    left = _STEPS
    progress = True
    while progress:
        progress = False
        for smaller in _reductions(material, *case):
            left -= 1
            if left < 0:
                return case
            if holds(smaller):
                case, progress = smaller, True
                break
    return case


def _reductions(material: Material, writer: Any, reader: Any, payload: Any) -> Iterator[Models]:
    # The same part of both sides first: most of what they have in common is beside the point.
    for one, other in zip(material.smaller(writer), material.smaller(reader), strict=False):
        yield one, other, payload
        yield from ((one, other, value) for value in without_one_part(payload))
    yield from ((one, reader, payload) for one in material.smaller(writer))
    yield from ((writer, other, payload) for other in material.smaller(reader))
    yield from ((writer, reader, value) for value in without_one_part(payload))
