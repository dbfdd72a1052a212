"""What JSON Schema compatibility promises, held against random schemas, random changes and an independent validator.

If no difference between two schemas is LENIENT or INCOMPATIBLE, then what is valid under the writer's schema is valid
under the reader's. The reference's rules break that promise in a few places, which are kept for the sake of its
clients; the generator leaves most of them out, and `tests/vectors/json/laxities.json` lists each with a payload that
shows it.
"""

import json
import random as randomness

import jsonschema_rs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm_schema_registry.core.budget import BudgetExceededError
from llm_schema_registry.formats.format import Certainty, Impact, InvalidSchemaError
from llm_schema_registry.formats.json_schema import FORMAT
from property.json_schemas import Schemas, value_for

bounded = settings(
    deadline=None,
    max_examples=250,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
    database=None,
)
seeds = st.integers(0, 2**32)


def independent(schema):
    kind = jsonschema_rs.Draft202012Validator if "$schema" in schema else jsonschema_rs.Draft7Validator
    return kind(schema, offline=True)


def with_any_for_one(schema):
    """`oneOf` as `anyOf`: the reference does not see when branches overlap (see the laxities)."""
    if isinstance(schema, dict):
        changed = {key: with_any_for_one(value) for key, value in schema.items()}
        if "oneOf" in changed:
            changed["allOf"] = [*changed.get("allOf", ()), {"anyOf": changed.pop("oneOf")}]
        return changed
    return [with_any_for_one(value) for value in schema] if isinstance(schema, list) else schema


def counterexample(writer, reader, random, tries=40):
    """A payload that the writer's schema allows and the reader's refuses, if one is found."""
    allowed, accepted = independent(with_any_for_one(writer)), independent(with_any_for_one(reader))
    definitions = writer.get("$defs") or writer.get("definitions")
    for _ in range(tries):
        value = value_for(random.choice((writer, writer, reader)), random, definitions)
        if allowed.is_valid(value) and not accepted.is_valid(value):
            return value
    return None


def is_compatible(writer, reader):
    sides = [FORMAT.parse(json.dumps(side)) for side in (reader, writer)]
    return all(one.type.impact is Impact.COMPATIBLE for one in FORMAT.compare(*sides))


def is_harmless(writer, reader):
    sides = [FORMAT.parse(json.dumps(side)) for side in (reader, writer)]
    found = [one.type for one in FORMAT.compare(*sides) if one.type.impact is not Impact.COMPATIBLE]
    return bool(found) and all(each.certainty is Certainty.NONE for each in found)


def test_what_is_called_harmless_breaks_no_payload():
    random = randomness.Random(2)  # noqa: S311
    shown = 0
    for number in range(1_500):
        schemas = Schemas(random, newest=bool(number % 2))
        writer = schemas.document()
        reader = schemas.changed(writer)
        try:
            pairs = [pair for pair in ((writer, reader), (reader, writer)) if is_harmless(*pair)]
        except (InvalidSchemaError, BudgetExceededError):
            continue
        for old, new in pairs:
            shown += 1
            value = counterexample(old, new, random)
            assert value is None, f"{json.dumps(value)}\nis valid under {json.dumps(old)}\nbut not {json.dumps(new)}"
    assert shown > 30


@bounded
@given(seeds, st.booleans())
def test_what_is_called_compatible_is_accepted(seed, newest):
    random = randomness.Random(seed)  # noqa: S311
    schemas = Schemas(random, newest)
    writer = schemas.document()
    try:
        FORMAT.parse(json.dumps(writer))
    except InvalidSchemaError:  # a definition that refers to itself in a circle
        return
    for _ in range(4):
        reader = schemas.changed(writer)
        try:
            pairs = [pair for pair in ((writer, reader), (reader, writer)) if is_compatible(*pair)]
        except (InvalidSchemaError, BudgetExceededError):
            continue
        for old, new in pairs:
            value = counterexample(old, new, random)
            assert value is None, f"{json.dumps(value)}\nis valid under {json.dumps(old)}\nbut not {json.dumps(new)}"


def test_the_generator_finds_breaking_changes():
    """The payloads are good enough to show most incompatible changes, else the test above could not fail."""
    random = randomness.Random(1)  # noqa: S311
    schemas = Schemas(random, newest=False)
    shown = incompatible = 0
    while incompatible < 150:
        writer = schemas.document()
        reader = schemas.changed(writer)
        try:
            if is_compatible(writer, reader):
                continue
        except InvalidSchemaError:
            continue
        incompatible += 1
        shown += counterexample(writer, reader, random) is not None
    assert shown > 30
