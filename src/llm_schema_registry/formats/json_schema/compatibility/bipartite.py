"""Maximum matching in bipartite graphs."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence


def maximum_matching(
    left: int, right: int, edges: Callable[[int], Sequence[int]], known: Mapping[int, int]
) -> list[int | None]:
    """For each left vertex its partner, such that as many as possible have one.

    Args:
        left: how many left vertices there are.
        right: how many right vertices there are.
        edges: the right vertices that a left vertex may be matched with, the preferred first. Called once at most for
            each left vertex, and only as far as the known partners do not suffice.
        known: a matching to begin with.
    """
    partner: list[int | None] = [known.get(vertex) for vertex in range(left)]
    owner: list[int | None] = [None] * right
    for vertex, chosen in known.items():
        owner[chosen] = vertex
    free = min(left, right) - len(known)
    asked: dict[int, Sequence[int]] = {}
    for start in range(left):
        if not free:
            break
        if partner[start] is None:
            free -= _augment(start, edges, asked, partner, owner)
    return partner


def _augment(
    start: int,
    edges: Callable[[int], Sequence[int]],
    asked: dict[int, Sequence[int]],
    partner: list[int | None],
    owner: list[int | None],
) -> bool:
    """Matches `start` too if the others can make room, by the shortest alternating path; returns whether they can."""
    came_from: dict[int, int] = {}
    queue = deque([start])
    while queue:
        left = queue.popleft()
        if left not in asked:
            asked[left] = edges(left)
        for vertex in asked[left]:
            if vertex in came_from:
                continue
            came_from[vertex] = left
            held_by = owner[vertex]
            if held_by is not None:
                queue.append(held_by)
                continue
            free: int | None = vertex
            while free is not None:
                left = came_from[free]
                owner[free], partner[left], free = left, free, partner[left]
            return True
    return False
