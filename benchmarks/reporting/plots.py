"""Plots."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.results import Results


class MissingError(Exception):
    """No library to draw with."""


def plot(results: Results, directory: Path) -> Iterator[Path]:
    yield from ()
