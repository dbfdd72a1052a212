"""Writes `tests/vectors/witnesses.json`: how often random incompatible changes are shown by a witness.

Run it with `PYTHONPATH=tests python -m property.recording` after a change of what is called incompatible, or of the
search for witnesses, and then `make docs`.
"""

import json

from llm_schema_registry.formats import SchemaType
from property.fuzzing import Report, run
from property.laxities import VECTORS
from property.materials import MATERIALS

CASES = {SchemaType.AVRO: 10_000, SchemaType.JSON: 20_000, SchemaType.PROTOBUF: 3_000}
"""Seeds, from 0; a case asks for two verdicts."""
FILE = VECTORS / "witnesses.json"


def recorded(schema_type: SchemaType) -> dict[str, object]:
    """What a run over the seeds of a format counts."""
    report = run(MATERIALS[schema_type], range(CASES[schema_type]))
    return {
        "cases": CASES[schema_type],
        **{name: report.counts[name] for name in ("compatible", "incompatible", "payloads", "witnesses")},
        "types": _types(report),
    }


def _types(report: Report) -> dict[str, dict[str, int]]:
    return {
        name: {"pairs": row.pairs, "alone": row.alone, "shown": row.shown} for name, row in sorted(report.types.items())
    }


def main() -> None:
    """Writes the file."""
    result = {schema_type.lower(): recorded(schema_type) for schema_type in MATERIALS}
    FILE.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
