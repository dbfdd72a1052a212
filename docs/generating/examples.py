"""The examples of differences: two schemas that show one, and the second one repaired."""

import functools
import json
from pathlib import Path
from typing import Any

_VECTORS = Path(__file__).parents[2] / "tests" / "vectors"
_LANGUAGES = {"protobuf": "protobuf"}
_WIDTH = 100


def example(area: str, code: str) -> list[str]:
    """The paragraphs of an example; for a difference that cannot be met, why not; none if the code has no example."""
    row = _rows(area).get(code)
    if row is None:
        return []
    if "unreachable" in row:
        return [f"Never reported. {row['unreachable']}"]
    sides = [("Written with", "writer"), ("and read with", "reader"), ("Instead, read with", "fixed")]
    return [
        text
        for words, side in sides
        if side in row
        for text in (f"{words}{_format(row, side)}", _block(area, row[side]))
    ]


def _format(row: dict[str, Any], side: str) -> str:
    return f" ({row[f'{side}Type']})" if f"{side}Type" in row else ""


@functools.cache
def _rows(area: str) -> dict[str, dict[str, Any]]:
    file = _VECTORS / area / "examples.json"
    rows = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    return {row["code"]: row for row in rows}


def _block(area: str, schema: Any) -> str:
    text = schema.rstrip() if isinstance(schema, str) else _laid_out(schema)
    return f"```{_LANGUAGES.get(area, 'json')}\n{text}\n```"


def _laid_out(node: Any, indent: int = 0) -> str:
    """JSON text with as much on a line as fits."""
    text = json.dumps(node, ensure_ascii=False)
    if indent + len(text) <= _WIDTH or not isinstance(node, dict | list):
        return text
    inner = " " * (indent + 2)
    if isinstance(node, dict):
        parts = [f"{inner}{json.dumps(key)}: {_laid_out(value, indent + 2)}" for key, value in node.items()]
    else:
        parts = [f"{inner}{_laid_out(value, indent + 2)}" for value in node]
    opening, closing = "{}" if isinstance(node, dict) else "[]"
    body = ",\n".join(parts)
    return f"{opening}\n{body}\n{' ' * indent}{closing}"
