"""Tables and plots of results that are made up."""

from pathlib import Path

import msgspec
import pytest

from benchmarks.histogram import Histogram
from benchmarks.measuring import FRAMEWORK, NGINX, PEER, REGISTRY, Measurement, Slice
from benchmarks.reporting import document, with_tables
from benchmarks.reporting.plots import plot
from benchmarks.reporting.tables import table
from benchmarks.results import Results


def taken(server: str, **more: object) -> Slice:
    return Slice(server, 2.0, Histogram.of([1_500_000] * 1_000), 0.01, 0.02, 0.005, **more)  # type: ignore[arg-type]


def results(*slices: Slice) -> Results:
    parts = (("workloads", 0), ("open-loop", 1_000), ("open-loop", 10_000), ("stored", 100), ("stored", 1_000))
    return Results(
        "a machine",
        store="postgresql",
        measurements=[
            Measurement(part=part, workload="get-by-id", title="GET", connections=16, x=x, rate=x, slices=list(slices))
            for part, x in parts
        ],
    )


def rows_of(text: str, heading: str) -> list[list[str]]:
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines()]


def test_columns_are_as_wide_as_what_they_hold() -> None:
    assert table(("a", "long head"), [("longer", "1"), ("x", "22")]).splitlines() == [
        "| a      | long head |",
        "| ------ | --------: |",
        "| longer |         1 |",
        "| x      |        22 |",
    ]


def test_a_row_tells_figures_and_multiples() -> None:
    text = document(results(taken(REGISTRY), taken(REGISTRY), taken(NGINX), taken(FRAMEWORK)))
    row = ["GET", "500", "1.50", "1.50", "1.50", "10.0", "20.0", "100,000", "1.00", "1.00", "5.0"]
    assert row in rows_of(text, "Over HTTP, postgresql behind, 16 connections")
    assert ["10,000", "registry", "500"] in [row[:3] for row in rows_of(text, "At fixed rates")]
    assert "INVALID" not in text


def test_the_other_registry_stands_beside() -> None:
    text = document(results(taken(REGISTRY), taken(PEER)))
    assert "## Beside another registry" in text


def test_trouble_comes_first_and_takes_the_figures_away() -> None:
    text = document(results(taken(REGISTRY, refused=3, why="HTTP/1.1 500"), taken(FRAMEWORK)))
    assert text.index("**INVALID") < text.index("## Targets")
    assert "workloads: GET, registry: 3 refused (HTTP/1.1 500)" in text
    for heading in ("Over HTTP, postgresql behind, 16 connections", "At fixed rates", "By schemas stored"):
        assert any("INVALID" in row and "1.50" not in row for row in rows_of(text, heading))


def test_tables_replace_what_is_between_the_marks() -> None:
    page = "before\n<!-- figures -->\nold\n<!-- end of figures -->\nafter\n"
    once = with_tables(page, "new\n")
    assert once == "before\n<!-- figures -->\n\nnew\n\n<!-- end of figures -->\nafter\n"
    assert with_tables(once, "new\n") == once


def test_results_are_kept_whole() -> None:
    found = results(taken(REGISTRY), taken(NGINX))
    again = msgspec.json.decode(msgspec.json.encode(found), type=Results)
    assert again == found
    assert document(again) == document(found)


def test_the_same_results_draw_the_same_files(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    found = results(taken(REGISTRY), taken(NGINX), taken(FRAMEWORK))
    first, second = (list(plot(found, tmp_path / name)) for name in ("first", "second"))
    assert [file.name for file in first] == ["bench-workloads.svg", "bench-open-loop.svg", "bench-stored.svg"]
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]
