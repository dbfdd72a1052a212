"""Maximum matching in bipartite graphs."""

from collections import deque
from collections.abc import Sequence


def maximum_matching(edges: Sequence[Sequence[int]], right: int) -> list[int | None]:
    """For each left vertex its partner, such that as many as possible have one.

    Args:
        edges: the right vertices that each left vertex may be matched with, the preferred first.
        right: how many right vertices there are.
    """
    partner: list[int | None] = [None] * len(edges)
    owner: list[int | None] = [None] * right
    for start in range(len(edges)):
        _augment(start, edges, partner, owner)
    return partner


def _augment(start: int, edges: Sequence[Sequence[int]], partner: list[int | None], owner: list[int | None]) -> None:
    """Matches `start` too if the others can make room, by the shortest alternating path."""
    came_from: dict[int, int] = {}
    queue = deque([start])
    while queue:
        left = queue.popleft()
        for vertex in edges[left]:
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
            return
