"""Small pieces of Markdown."""

import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

_TEXTS = Path(__file__).resolve().parent.parent / "texts"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells may hold `|`, which is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def code(text: str) -> str:
    """Text as code; nothing for no text."""
    return f"`{text}`" if text else ""


def texts(name: str) -> dict[str, Any]:
    """The sentences of people that stand beside what the code says."""
    return tomllib.loads((_TEXTS / f"{name}.toml").read_text(encoding="utf-8"))


def sentence(text: str) -> str:
    """The first letter large and a full stop at the end; nothing for no text."""
    text = text.strip()
    if not text:
        return ""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "…")) else ".")


def one_line(text: str) -> str:
    """Text without line breaks."""
    return " ".join(text.split())
