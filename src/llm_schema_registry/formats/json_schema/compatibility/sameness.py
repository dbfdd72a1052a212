"""Sameness: whether two schemas, with everything that they refer to, are equal in all that comparisons look at."""

from typing import Any

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.formats.json_schema.model import Node, possible

_Pair = tuple[int, int]
_BY_NAME = frozenset({"properties", "dependent_schemas"})
_IN_ORDER = frozenset({"prefix", "branches"})


class Sameness:
    """Decides pairs of nodes, and remembers them: all that two nodes lead to is looked at once.

    Args:
        budget: bounds the work.
    """

    __slots__ = ("_budget", "_same")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._same: dict[_Pair, bool] = {}

    def same(self, one: Node, other: Node) -> bool:
        """Whether two nodes are the same. Nodes that differ only in what they lead to are not.

        Raises:
            BudgetExceededError: too many pairs.
        """
        one, other = possible(one), possible(other)
        key = id(one), id(other)
        if key not in self._same:
            self._decide(one, other)
        return self._same[key]

    def _decide(self, one: Node, other: Node) -> None:
        different: list[_Pair] = []
        holders: dict[_Pair, list[_Pair]] = {}
        self._same[id(one), id(other)] = True
        pending = [(one, other)]
        while pending:
            one, other = pending.pop()
            pair = id(one), id(other)
            self._budget.spend()
            (mine, inner), (theirs, others) = _parts(one), _parts(other)
            if mine != theirs:
                different.append(pair)
                continue
            for child, match in zip(inner, others, strict=True):
                below = id(child), id(match)
                holders.setdefault(below, []).append(pair)
                if below not in self._same:
                    self._same[below] = True
                    pending.append((child, match))
                elif not self._same[below]:
                    different.append(pair)
        while different:
            pair = different.pop()
            if self._same[pair]:
                self._same[pair] = False
                different.extend(holders.get(pair, ()))


def _parts(node: Node) -> tuple[list[Any], list[Node]]:
    """All that a node says itself, and the nodes that it leads to, in an order that is the same for equal nodes."""
    own: list[Any] = [node.kind]
    inner: list[Node] = []
    for name in (*Node.__slots__, *type(node).__slots__):
        value = getattr(node, name)
        if name == "raw":
            continue
        if isinstance(value, Node):
            own.append(Node)
            inner.append(possible(value))
        elif name in _BY_NAME:
            own.append(value.keys())
            inner += [possible(value[key]) for key in sorted(value)]
        elif name in _IN_ORDER and value is not None:
            own.append(len(value))
            inner += map(possible, value)
        elif name == "patterns":
            own.append([pattern for pattern, _ in value])
            inner += [possible(schema) for _, schema in value]
        else:
            own.append(value)
    return own, inner
