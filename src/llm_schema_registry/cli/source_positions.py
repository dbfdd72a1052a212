"""Source positions: the line of a JSON pointer in a file."""

import re
from collections.abc import Iterable

import msgspec

from llm_schema_registry.compatibility import Direction
from llm_schema_registry.core.findings import Finding

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def with_lines(findings: Iterable[Finding], text: str) -> tuple[Finding, ...]:
    """The findings, each with the line in the JSON `text` that its path points to, or the nearest that exists.

    In a text that is no JSON there are none. A finding that knows its line keeps it. One of direction FORWARD gets
    none: its path is in the older schema.
    """
    lines: dict[str, int] | None = None
    placed = []
    for finding in findings:
        if finding.line is None and finding.path and finding.direction != Direction.FORWARD:
            lines = _lines(text) if lines is None else lines
            finding = msgspec.structs.replace(finding, line=_nearest(finding.path.removeprefix("#"), lines))
        placed.append(finding)
    return tuple(placed)


def _nearest(pointer: str, lines: dict[str, int]) -> int | None:
    while pointer not in lines and pointer:
        pointer = pointer.rpartition("/")[0]
    return lines.get(pointer)


def _lines(text: str) -> dict[str, int]:
    """Pointer to the 1-based line of every value of a JSON text; a member stands where its name does."""
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return {}
    lines: dict[str, int] = {}
    parents: list[tuple[str, bool]] = []  # pointer, is an array
    index, key, named = 0, "", False
    indexes: list[int] = []
    line, counted = 1, 0
    for match in _TOKEN.finditer(text):
        lexeme = match[0]
        line += text.count("\n", counted, match.start())
        counted = match.start()
        if lexeme in "}]":
            parents.pop()
            index = indexes.pop()
            continue
        if lexeme == ",":
            index += 1
            named = False
            continue
        if lexeme == ":":
            continue
        if parents and not parents[-1][1] and not named:
            key, named = _escaped(lexeme), True
            lines[f"{parents[-1][0]}/{key}"] = line
            continue
        pointer = f"{parents[-1][0]}/{index if parents[-1][1] else key}" if parents else ""
        lines.setdefault(pointer, line)
        if lexeme in "{[":
            parents.append((pointer, lexeme == "["))
            indexes.append(index)
            index, named = 0, False
    return lines


def _escaped(lexeme: str) -> str:
    name: str = msgspec.json.decode(lexeme)
    return name.replace("~", "~0").replace("/", "~1")
