"""Small changes of a module's source, each of which a test should notice.

A mutant is made by parsing the source anew and changing one node in place. The mutants of a source are always the same
ones in the same order.
"""

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_Change = Callable[[], None]

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
_NAMES = {
    "any": "all",
    "all": "any",
    "min": "max",
    "max": "min",
    # How bad the rows of tables are.
    "_bad": "_lenient",
    "_lenient": "_bad",
    "_INCOMPATIBLE": "_LENIENT",
    "_LENIENT": "_INCOMPATIBLE",
    "_SAFE": "_BREAKS",
    "_BREAKS": "_SAFE",
    "_WIRE": "_JSON",
    "_JSON": "_SOURCE",
    "_SOURCE": "_JSON",
    "_BACKWARD": "_FORWARD",
    "_FORWARD": "_BACKWARD",
    "_BOTH": "_BACKWARD",
}
_MEMBERS = {
    ("Impact", "INCOMPATIBLE"): ("COMPATIBLE",),
    ("Impact", "COMPATIBLE"): ("INCOMPATIBLE",),
    ("Impact", "LENIENT"): ("COMPATIBLE", "INCOMPATIBLE"),
    ("Direction", "BACKWARD"): ("FORWARD",),
    ("Direction", "FORWARD"): ("BACKWARD",),
    ("Policy", "STRICT"): ("LENIENT",),
    ("Policy", "LENIENT"): ("STRICT",),
}
# Texts for people: they decide nothing, and what they must say is held by tests of their own.
_PROSE = {"why", "fix", "what", "docs"}
# The same without keywords: how many arguments stand before the prose.
_BEFORE_PROSE = {
    "DifferenceType": 3,
    "ProfileRule": 2,
    "_bad": 2,
    "_lenient": 2,
    "_limit": 1,
    "_ok": 1,
    "_rest": 2,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of a source.

    Attributes:
        line: the line, from 1.
        scope: the function or class it is in, with dots; with `text` and `change` it names the mutant across edits.
        text: the source of that line without indentation.
        function: the outermost function whose body it is in, with dots; empty if it is in none.
        change: what was changed, in a few words; a number tells equal changes of equal lines in one scope apart.
        number: the position among the mutants of the source.
    """

    line: int
    scope: str
    text: str
    function: str
    change: str
    number: int


def mutants(source: str) -> list[Mutant]:
    """Every mutant of a source."""
    lines, tree = source.splitlines(), ast.parse(source)
    scopes = list(_scopes(tree, "", ""))
    result = []
    seen: Counter[tuple[str, str, str]] = Counter()
    for number, (node, change, _) in enumerate(_changes(tree)):
        scope, function = _scope(node.lineno, scopes)
        text = lines[node.lineno - 1].strip()
        seen[scope, text, change] += 1
        nth = seen[scope, text, change]
        named = change if nth == 1 else f"{change} ({nth})"
        result.append(Mutant(node.lineno, scope, text, function, named, number))
    return result


@dataclass(frozen=True, slots=True)
class _Scope:
    """The lines of the body of a function or class."""

    first: int
    last: int
    name: str
    function: str


def _scopes(node: ast.AST, outer: str, function: str) -> Iterator[_Scope]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.ClassDef):
            name = f"{outer}.{child.name}" if outer else child.name
            inner = function or (name if isinstance(child, ast.FunctionDef) else "")
            # Defaults of parameters stand before the body, and run where the function is defined.
            yield _Scope(child.body[0].lineno, child.end_lineno or child.lineno, name, inner)
            yield from _scopes(child, name, inner)
        else:
            yield from _scopes(child, outer, function)


def _scope(line: int, scopes: list[_Scope]) -> tuple[str, str]:
    # Inner scopes come after the outer ones that hold them.
    found = (scope for scope in reversed(scopes) if scope.first <= line <= scope.last)
    return next(((scope.name, scope.function) for scope in found), ("", ""))


def mutated(source: str, number: int) -> ast.Module:
    """The tree of the source with one change."""
    tree = ast.parse(source)
    for position, (_, _, change) in enumerate(_changes(tree)):
        if position == number:
            change()
            return ast.fix_missing_locations(tree)
    raise ValueError(f"there is no mutant {number}")


def _changes(tree: ast.Module) -> Iterator[tuple[ast.stmt | ast.expr, str, _Change]]:
    # Listed before the first change is made, since a change may add nodes.
    for node in list(_code(tree)):
        maker = _MAKERS.get(type(node))
        if maker is not None:
            for name, change in maker(node):
                yield node, name, change
        for field in ("body", "orelse"):
            statements = getattr(node, field, None)
            if isinstance(statements, list) and not isinstance(node, ast.Module | ast.ClassDef):
                yield from _removals(statements)


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run: no annotations, docstrings and prose."""
    yield node
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        if isinstance(node, ast.keyword) and node.arg in _PROSE:
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.Call) and field == "args":
            value = _before_prose(node)
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, ast.Import | ast.ImportFrom | ast.Raise):
                yield from _code(child)


def _before_prose(node: ast.Call) -> list[ast.expr]:
    """The arguments of a call, without texts for people."""
    return node.args[: _BEFORE_PROSE.get(getattr(node.func, "id", ""))]


def _removals(statements: list[ast.stmt]) -> Iterator[tuple[ast.stmt, str, _Change]]:
    for index, statement in enumerate(statements):
        if _is_removable(statement):
            yield statement, "removed", _setter(statements, index, ast.Pass())


def _is_removable(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Expr):
        return not isinstance(statement.value, ast.Constant)
    if isinstance(statement, ast.Assign):
        return isinstance(statement.targets[0], ast.Attribute | ast.Subscript)
    return isinstance(statement, ast.AugAssign | ast.Delete | ast.Continue | ast.Break)


def _setter(holder: list, index: int, value: ast.AST) -> _Change:
    return lambda: holder.__setitem__(index, value)


def _of_compare(node: ast.Compare) -> Iterator[tuple[str, _Change]]:
    for index, operator in enumerate(node.ops):
        other = _COMPARISONS[type(operator)]
        yield f"{type(operator).__name__} is {other.__name__}", _setter(node.ops, index, other())


def _of_bool(node: ast.BoolOp) -> Iterator[tuple[str, _Change]]:
    is_and = isinstance(node.op, ast.And)
    yield ("And is Or" if is_and else "Or is And"), lambda: setattr(node, "op", ast.Or() if is_and else ast.And())
    for index in range(len(node.values)):
        yield f"operand {index} dropped", _setter(node.values, index, ast.Constant(is_and))


def _negated(node: ast.AST, field: str) -> _Change:
    return lambda: setattr(node, field, ast.UnaryOp(ast.Not(), getattr(node, field)))


def _of_unary(node: ast.UnaryOp) -> Iterator[tuple[str, _Change]]:
    if isinstance(node.op, ast.Not):
        yield "not dropped", _negated(node, "operand")


def _of_test(node: ast.If | ast.While | ast.IfExp) -> Iterator[tuple[str, _Change]]:
    if not isinstance(node.test, ast.Compare | ast.UnaryOp):
        yield "condition negated", _negated(node, "test")


def _of_constant(node: ast.Constant) -> Iterator[tuple[str, _Change]]:
    value = node.value
    if isinstance(value, bool):
        yield f"{value} is {not value}", lambda: setattr(node, "value", not value)
    elif isinstance(value, int):
        yield f"{value} is {value + 1}", lambda: setattr(node, "value", value + 1)
    elif isinstance(value, str) and value:
        yield f"{value!r} is another text", lambda: setattr(node, "value", value + "~")


def _of_return(node: ast.Return) -> Iterator[tuple[str, _Change]]:
    if node.value is not None and not isinstance(node.value, ast.Constant):
        yield "returns None", lambda: setattr(node, "value", ast.Constant(None))
        if isinstance(node.value, ast.Call | ast.Name | ast.Attribute):
            yield "returns not", _negated(node, "value")


def _of_operation(node: ast.BinOp | ast.AugAssign) -> Iterator[tuple[str, _Change]]:
    other = _OPERATORS.get(type(node.op))
    if other is not None:
        yield f"{type(node.op).__name__} is {other.__name__}", lambda: setattr(node, "op", other())


def _of_call(node: ast.Call) -> Iterator[tuple[str, _Change]]:
    arguments = node.args
    if isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "getattr", "min", "max"):
        return
    for index in range(len(_before_prose(node)) - 1):
        one, other = arguments[index], arguments[index + 1]
        if not isinstance(one, ast.Starred) and ast.dump(one) != ast.dump(other):
            yield f"arguments {index} and {index + 1} swapped", _swapper(arguments, index)


def _swapper(arguments: list[ast.expr], index: int) -> _Change:
    def swap() -> None:
        arguments[index], arguments[index + 1] = arguments[index + 1], arguments[index]

    return swap


def _of_name(node: ast.Name) -> Iterator[tuple[str, _Change]]:
    if node.id in _NAMES and isinstance(node.ctx, ast.Load):
        yield f"{node.id} is {_NAMES[node.id]}", lambda: setattr(node, "id", _NAMES[node.id])


def _of_attribute(node: ast.Attribute) -> Iterator[tuple[str, _Change]]:
    if isinstance(node.value, ast.Name):
        for other in _MEMBERS.get((node.value.id, node.attr), ()):
            yield f"{node.attr} is {other}", lambda other=other: setattr(node, "attr", other)


_MAKERS: dict[type[ast.AST], Callable[..., Iterator[tuple[str, _Change]]]] = {
    ast.Compare: _of_compare,
    ast.BoolOp: _of_bool,
    ast.UnaryOp: _of_unary,
    ast.If: _of_test,
    ast.While: _of_test,
    ast.IfExp: _of_test,
    ast.Constant: _of_constant,
    ast.Return: _of_return,
    ast.BinOp: _of_operation,
    ast.AugAssign: _of_operation,
    ast.Call: _of_call,
    ast.Name: _of_name,
    ast.Attribute: _of_attribute,
}
