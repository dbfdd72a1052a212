"""The page on witnesses: how often an incompatibility is more than a rule."""

import json
from pathlib import Path
from typing import Any

from generating.markdown import table
from llm_schema_registry.formats import Impact, SchemaType, format_of

_VECTORS = Path(__file__).parents[2] / "tests" / "vectors"
_TITLES = {SchemaType.AVRO: "Avro", SchemaType.JSON: "JSON Schema", SchemaType.PROTOBUF: "Protobuf"}
_HEAD = """# Verdicts and witnesses

A verdict is a prediction about data: what is called compatible can be read, and what is called incompatible breaks a
reader. Both are tried out on random schemas and random changes of them, with the real codecs and validators.

- A change that is **called compatible** has to survive payloads that are written under one schema and read under the
  other. `make fuzz` looks for one that does not; the few that are known, and kept because the Confluent registry has
  the same rule, are listed at the end of each section. A compatibility check with `verbose=true` and `lsr check` search
  for such a payload and report it as a [warning](../reference/findings/schema.md#overlooked_break).
- For a change that is **called incompatible** a *witness* is looked for: a payload that is valid under the writer's
  schema and that the reader refuses or misreads. The tables say how often one was found. They count the pairs in
  which the difference was the only one, since otherwise the witness may belong to another. A share below 100 % has one
  of two causes: the rule, which is the Confluent registry's, is stricter than data demand (`additionalItems` in a
  schema without a tuple does nothing, and changing it breaks nothing), or the search did not find the payload.

The numbers come from `tests/vectors/witnesses.json`, which `PYTHONPATH=tests python -m property.recording` writes from
fixed seeds. A difference that breaks a reader and is not in a table was not met by these seeds.
"""


def page() -> str:
    """The whole page."""
    recorded = json.loads((_VECTORS / "witnesses.json").read_text(encoding="utf-8"))
    return "\n".join([_HEAD, *(_section(schema_type, recorded[schema_type.lower()]) for schema_type in _TITLES)])


def _section(schema_type: SchemaType, run: dict[str, Any]) -> str:
    area = schema_type.lower()
    kinds = format_of(schema_type).difference_types
    rows = [
        (f"[{name}](../reference/findings/{area}.md#{name.lower()})", str(row["pairs"]), str(row["alone"]), _share(row))
        for name, row in run["types"].items()
        if kinds[name].impact in (Impact.INCOMPATIBLE, Impact.LENIENT)
    ]
    return f"""## {_TITLES[schema_type]}

{run["cases"]} changes, asked about in both directions: {run["compatible"]} called compatible and tried with
{run["payloads"]} payloads, {run["incompatible"]} called incompatible, {run["witnesses"]} of them with a witness.

{table(("difference", "pairs", "as the only one", "with a witness"), rows)}
{_laxities(area)}"""


def _share(row: dict[str, int]) -> str:
    return f"{100 * row['shown'] / row['alone']:.0f} %" if row["alone"] else ""


def _laxities(area: str) -> str:
    rows = json.loads((_VECTORS / area / "laxities.json").read_text(encoding="utf-8"))
    reasons = {row["name"]: row["why"] for row in rows}
    lines = [f"- *{name}*: {why}\n" for name, why in reasons.items()]
    return "Called compatible though a payload shows otherwise:\n\n" + "".join(lines)
