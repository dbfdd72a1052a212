"""The page of compatibility levels and of JSON Schema content models."""

from generating.markdown import code, table
from llm_schema_registry.compatibility import CompatibilityLevel, Direction, Policy, Profile
from llm_schema_registry.formats import Impact, SchemaType, format_of

_PROMISES = {
    (): "nothing",
    (Direction.BACKWARD,): "consumers with the new schema read data written with the old one",
    (Direction.FORWARD,): "consumers with the old schema read data written with the new one",
    (Direction.FORWARD, Direction.BACKWARD): "both",
}
_FIRST = {
    (): "nobody can rely on anything",
    (Direction.BACKWARD,): "consumers",
    (Direction.FORWARD,): "producers",
    (Direction.FORWARD, Direction.BACKWARD): "either",
}
_VERDICTS = {
    Impact.COMPATIBLE: ("compatible", "compatible"),
    Impact.WARNING: ("compatible, with a warning", "compatible, with a warning"),
    Impact.LENIENT: ("**incompatible**", "compatible"),
    Impact.INCOMPATIBLE: ("**incompatible**", "**incompatible**"),
}
_POLICIES = {
    Policy.STRICT: "by the rules of the Confluent registry; every value that the schema allows counts as possible. "
    "The default",
    Policy.LENIENT: "by the same rules; producers are trusted to send what is declared",
    Policy.EXACT: "by meaning: every payload of one schema is provably valid under the other",
}

_PROFILES = {
    Profile.CONFLUENT: "nothing else; the default",
    Profile.WIRE: "the binary encoding, also in the future: numbers of what is deleted stay reserved",
    Profile.WIRE_JSON: "`WIRE`, and the JSON form: names stay what they are, or stay reserved",
    Profile.SOURCE: "`WIRE_JSON`, and code that is generated from the file: nothing is deleted, options stay",
}


def page() -> str:
    """Levels, content models, and where the differences of each format stand."""
    levels = [
        (
            code(level),
            _PROMISES[level.directions],
            _against(level),
            _FIRST[level.directions],
        )
        for level in CompatibilityLevel
    ]
    models = [
        (f"[{name}](findings/json.md#{name.lower()})", *_VERDICTS[difference.impact], difference.why)
        for name, difference in format_of(SchemaType.JSON).difference_types.items()
        if "CONTENT_MODEL" in name
    ]
    return f"""# Compatibility

## Levels

A level is set for a subject, a context or everything, and inherited downwards. `BACKWARD` counts where nothing is set.

{table(("level", "what a new version owes", "checked against", "upgrade first"), levels)}
`FULL` reports what breaks for old consumers before what breaks for new ones. Which states of a version count as
"latest" and "all" stands under [states](states.md).

The differences that decide, with the reason and the way out for each: [Avro](findings/avro.md),
[JSON Schema](findings/json.md), [Protobuf](findings/protobuf.md); and [those of every format](findings/schema.md).

## JSON Schema: policies

The config key `compatibilityPolicy`, or `lsr check --policy`, says how JSON Schemas are compared:

{table(("policy", "comparison"), [(code(policy), text) for policy, text in _POLICIES.items()])}
`EXACT` looks for a proof and, without one, for a payload that breaks. The proof is by structural rules, which follow
recursive definitions, and by the containment prover of the validator library, each part read by its own draft. No proof
means incompatible: [NOT_CONTAINED](findings/json.md#not_contained) shows a payload,
[CONTAINMENT_OPEN](findings/json.md#containment_open) says why the question is open. With `verbose=true` and in
`lsr check`, [CONTAINED](findings/json.md#contained) names the method of a proof. For Avro and Protobuf, `EXACT` means
`STRICT`. Reasons and limits: [exact compatibility](../explanation/exact-compatibility.md).

## JSON Schema: content models

Whether a property or an item may be added or removed depends on what the other schema says about undeclared ones. Its
content model is *open* if it allows any (`additionalProperties` absent or true, and no `patternProperties`), *closed*
if it allows none (`additionalProperties: false`), and *partially open* if it allows some (`patternProperties`, or a
schema under `additionalProperties`); *unopen* is closed or partially open. `STRICT` and
`LENIENT` differ in how they read that.

{table(("what changed in the reader's schema", "`STRICT`", "`LENIENT`", "why"), models)}
## Avro: logical types

Avro compares the types below logical types and not these, so that a reader takes a timestamp in milliseconds for one in
microseconds, and an amount with two decimals for one with four. A change of a logical type, unit, scale or precision is
reported as a warning in `details` of the compatibility check and by `lsr check`; with the config key `logicalTypes` at
`strict`, or `lsr check --logical-types strict`, it is incompatible. Logical types that are unknown, or not valid where
they stand, are ignored. A `uuid` may be read as the plain `string` that it is.

## Protobuf: profiles

The rules of a level ask whether data can be read. Much else can depend on a `.proto` file, and the config key
`compatibilityProfile` says what a new version must not break besides:

{table(("profile", "what must not break"), [(code(profile), text) for profile, text in _PROFILES.items()])}
Each profile refuses all that the one before it refuses, and none allows what the level forbids. Imported files are not
looked into: they have subjects of their own. Under a profile that lets a change pass, the compatibility check still
tells about it, as a warning in `details`. The rules: [Protobuf](findings/protobuf.md#changes-that-break-profiles). They
are those of Buf's breaking categories of the same name (`SOURCE` is `FILE`), but for one: renaming a map field breaks
no data.
"""


def _against(level: CompatibilityLevel) -> str:
    if not level.directions:
        return "nothing"
    return "all versions" if level.transitive else "the latest version"
