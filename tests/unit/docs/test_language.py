"""Names and texts use the terms of the glossary and of the trade: a short list of words that are not ours."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "src" / "llm_schema_registry"
MODULES = sorted(SOURCE.rglob("*.py"))
TEXTS = sorted(
    [
        *MODULES,
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("docs/texts/*.toml"),
    ]
)
INSTEAD = {
    r"be had": "obtained",
    r"of late": "recently",
    r"anew": "again",
    r"for ever": "indefinitely",
    r"response shelf|the shelf|on a shelf": "the response cache",
}
# Nouns that end so, and terms of the trade.
NOUNS = {"batching", "content_coding", "dependency_tracking", "framing", "paging", "routing"}
# Its tables name workloads by the terms of the release that was measured.
MEASURED = ROOT / "docs" / "explanation" / "performance.md"


def found(text: str) -> Iterator[str]:
    for words, instead in INSTEAD.items():
        for match in re.finditer(rf"\b(?:{words})\b", text, re.IGNORECASE):
            yield f"line {text.count(chr(10), 0, match.start()) + 1}: write '{instead}' instead of '{match[0]}'"


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_texts_use_standard_terms(path: Path) -> None:
    if path != MEASURED:
        assert list(found(path.read_text(encoding="utf-8"))) == []


def test_modules_are_nouns() -> None:
    assert {path.stem for path in MODULES if path.stem.endswith("ing")} <= NOUNS


def test_words_are_found() -> None:
    assert list(found("It cannot\nbe had Anew.")) == [
        "line 2: write 'obtained' instead of 'be had'",
        "line 2: write 'again' instead of 'Anew'",
    ]
