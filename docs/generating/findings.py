"""The pages of findings, one per area."""

from typing import Any

from generating.examples import example
from generating.markdown import sentence, table, texts
from llm_schema_registry.formats import DifferenceType, Impact, SchemaType, format_of
from llm_schema_registry.formats.avro.rules import FIXES
from llm_schema_registry.formats.profiles import HasProfiles, Profile, ProfileRule

AREAS = ("avro", "json", "protobuf", "schema", "payload")
_TITLES = {
    "avro": "Avro",
    "json": "JSON Schema",
    "protobuf": "Protobuf",
    "schema": "every format",
    "payload": "payloads of any format",
}
_TYPES = {"avro": SchemaType.AVRO, "json": SchemaType.JSON, "protobuf": SchemaType.PROTOBUF}
_IMPACTS = {
    Impact.INCOMPATIBLE: "breaks a reader",
    Impact.LENIENT: "breaks a reader under the policy `STRICT`, passes under `LENIENT`",
    Impact.LOGICAL: "is a warning where findings are shown, and breaks a reader under `logicalTypes: strict`",
    Impact.WARNING: "is compatible, and a warning where findings are shown",
    Impact.COMPATIBLE: "breaks nothing",
}
_GROUPS = {"schema": "Problems of a schema", "payload": "Problems of a payload", "change": "Problems of a change"}


def page(area: str) -> str:
    """Every finding of an area."""
    described = texts("findings").get(area, {})
    parts = [_head(area)]
    if area in _TYPES:
        parts.append(_differences(area))
        parts += _profile_rules(area)
    parts += [_group(area, group, problems) for group, problems in described.items()]
    return "\n".join(parts)


def described_codes() -> set[str]:
    """Every code that has a section on some page."""
    found = {
        f"{area}.{name}"
        for area, groups in texts("findings").items()
        for problems in groups.values()
        for name in problems
    }
    for area, schema_type in _TYPES.items():
        format_ = format_of(schema_type)
        found |= {f"{area}.{name}" for name in format_.difference_types}
        if isinstance(format_, HasProfiles):
            found |= {f"{area}.{name}" for name in format_.profile_rules}
    return found


def _head(area: str) -> str:
    return f"""# Findings: {_TITLES[area]}

A finding has a code, `{area}.<NAME>`, a place, a sentence and most often a way out. This page says for each code what
it means. Compatibility levels: [compatibility](../compatibility.md).
"""


def _differences(area: str) -> str:
    types = format_of(_TYPES[area]).difference_types.values()
    ordered = sorted(types, key=lambda each: list(_IMPACTS).index(each.impact))
    rows = [(f"[{each.name}](#{each.name.lower()})", _IMPACTS[each.impact]) for each in ordered]
    return f"""## Differences between two schemas

The reader is the side that has to read what the writer wrote: under `BACKWARD` the new schema reads what the old one
wrote, under `FORWARD` the other way round.

{table(("difference", "what it means for compatibility"), rows)}
""" + "\n".join(_difference(area, each) for each in ordered)


def _profile_rules(area: str) -> list[str]:
    format_ = format_of(_TYPES[area])
    if not isinstance(format_, HasProfiles):
        return []
    rules = format_.profile_rules.values()
    rows = [(f"[{rule.name}](#{rule.name.lower()})", _profiles(rule)) for rule in rules]
    return [
        f"""## Changes that break profiles

Rules about a change of the text, from old to new, under every level but `NONE`. They refuse a schema only where
`compatibilityProfile` names one of their profiles, and are warnings in answers of the compatibility check elsewhere;
see [profiles](../compatibility.md#protobuf-profiles).

{table(("rule", "profiles that a change against it breaks"), rows)}""",
        *(_profile_rule(rule) for rule in rules),
    ]


def _profile_rule(rule: ProfileRule) -> str:
    happened = rule.description.format(path="…", old="…", new="…")
    parts = [f"### {rule.name}", f"*{sentence(happened)}*", f"Breaks {_profiles(rule)}. {sentence(rule.why)}"]
    return "\n\n".join((*parts, f"What to do: {sentence(rule.fix)}")) + "\n"


def _profiles(rule: ProfileRule) -> str:
    return ", ".join(f"`{profile}`" for profile in Profile if profile in rule.breaks)


def _difference(area: str, difference: DifferenceType) -> str:
    shown = difference.description.format(reader="reader's", writer="writer's", path="…", detail="…")
    why = difference.why.replace(": {detail}", "")
    parts = [f"### {difference.name}", f"{sentence(_IMPACTS[difference.impact])} {sentence(why)}"]
    if shown:
        parts.insert(1, f"*{sentence(shown)}*")
    if difference.fix:
        parts.append(f"What to do: {sentence(difference.fix)}")
    parts += example(area, difference.name)
    return "\n\n".join(parts) + "\n"


def _group(area: str, group: str, problems: dict[str, Any]) -> str:
    sections = []
    for name, text in problems.items():
        fix = FIXES.get(f"{area}.{name}") or text.get("fix")
        parts = [f"### {name}", text["meaning"], *([f"What to do: {fix}"] if fix else []), *example(area, name)]
        sections.append("\n\n".join(parts) + "\n")
    return f"## {_GROUPS[group]}\n\n" + "\n".join(sections)
