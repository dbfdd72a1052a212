"""What Avro compatibility, texts and codecs promise, held against random schemas and an independent codec."""

import io
import itertools
import json
from random import Random

import fastavro
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.formats import InvalidSchemaError, Outcome
from llm_schema_registry.formats.avro import FORMAT, InvalidPayloadError
from llm_schema_registry.formats.avro.compatibility import _Decision
from llm_schema_registry.formats.avro.model import PRIMITIVE_NAMES
from property.avro_schemas import Generator, changed, payload
from property.recursive_schemas import RecursiveAvro

bounded = settings(
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    derandomize=True,
)
# Seeds spread over all kinds of schemas evenly; hypothesis' own random source keeps to the simplest ones.
randoms = st.integers(0, 2**64 - 1).map(Random)


def parsed(schema):
    try:
        return FORMAT.parse(json.dumps(schema))
    except InvalidSchemaError:
        assume(False)


def reread(data, writer, reader):
    # Each schema is parsed on its own: the codec keeps named types by name, and the two sides share names.
    sides = [fastavro.parse_schema(json.loads(side.canonical), named_schemas={}) for side in (writer, reader)]
    return fastavro.schemaless_reader(io.BytesIO(data), *sides)


@bounded
@given(randoms)
def test_what_is_called_compatible_can_be_read(random):
    old = Generator(random).record(3)
    new = changed(old, random)
    one, other = parsed(old), parsed(new)
    for writer, writer_json, reader in ((one, old, other), (other, new, one)):
        if not FORMAT.compare(reader, writer):
            checker = FORMAT.validator(writer)
            for _ in range(3):
                reread(checker.encode(payload(writer_json, random, {})), writer, reader)


def outcomes(reader, writer):
    """What becomes of samples of the writer; of at most a hundred, those first that leave most at its simplest."""
    values = itertools.islice(FORMAT.samples(writer), 100)
    # Compatibility is a promise about types: bytes that are no UTF-8 cannot be read as a string all the same.
    readable = [value for value in values if "\x80" not in json.dumps(value, ensure_ascii=False)]
    return {FORMAT.read(reader, writer, value).outcome for value in readable}


@bounded
@given(randoms)
def test_samples_tell_compatible_from_incompatible(random):
    old = Generator(random).record(3)
    one, other = parsed(old), parsed(changed(old, random))
    for writer, reader in ((one, other), (other, one)):
        found = {difference.type.name for difference in FORMAT.compare(reader, writer)}
        # What an ambiguous alias leads to differs between codecs, so the one at hand cannot confirm it.
        if not found:
            assert outcomes(reader, writer) <= {Outcome.READ}
        elif found != {"READER_FIELD_AMBIGUOUS"}:
            assert outcomes(reader, writer) & {Outcome.REFUSED, Outcome.MISREAD}


@bounded
@given(randoms)
def test_texts_are_fixed_points(random):
    schema = parsed(Generator(random).record(3))
    again = FORMAT.parse(schema.canonical)
    assert again.canonical == schema.canonical
    assert again.normalized() == schema.normalized()
    assert FORMAT.compare(schema, again) == []
    assert FORMAT.compare(again, schema) == []


@bounded
@given(randoms)
def test_the_normal_form_is_its_own_normal_form(random):
    normal = parsed(Generator(random).record(3)).normalized()
    assert FORMAT.parse(normal).normalized() == normal


@bounded
@given(randoms)
def test_payloads_go_through_bytes_and_agree_with_the_other_codec(random):
    node = Generator(random).record(3)
    schema = parsed(node)
    checker = FORMAT.validator(schema)
    value = payload(node, random, {})
    assert checker.check_value(value) == []
    data = checker.encode(value)
    assert checker.check_bytes(data) == []
    assert checker.check_value(checker.decode(data)) == []
    plain = fastavro.schemaless_reader(io.BytesIO(data), json.loads(schema.canonical), None)
    out = io.BytesIO()
    fastavro.schemaless_writer(out, json.loads(schema.canonical), plain)
    assert checker.check_bytes(out.getvalue()) == []


@bounded
@given(randoms, st.binary(max_size=40))
def test_bytes_that_are_accepted_can_be_read(random, noise):
    node = Generator(random).record(3)
    schema = parsed(node)
    checker = FORMAT.validator(schema)
    good = checker.encode(payload(node, random, {}))
    cut = random.randint(0, len(good))
    for data in (noise, good[:cut] + noise[:2] + good[cut:], good[:cut]):
        found = checker.check_bytes(data)
        if found:
            with pytest.raises(InvalidPayloadError) as raised:
                checker.decode(data)
            assert raised.value.findings == tuple(found)
        else:
            assert checker.check_value(checker.decode(data)) == []
            fastavro.schemaless_reader(io.BytesIO(data), json.loads(schema.canonical), None)


@bounded
@given(
    st.text(max_size=60)
    | st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.sampled_from(["record", "enum", "fixed", "array", "map", "int", "union", "A", "n.B"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "type",
                        "name",
                        "fields",
                        "items",
                        "values",
                        "symbols",
                        "size",
                        "default",
                        "namespace",
                        "aliases",
                        "doc",
                    ]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=12,
    ).map(json.dumps)
)
def test_any_text_is_parsed_or_refused(text):
    try:
        schema = FORMAT.parse(text, strict=False)
    except InvalidSchemaError:
        return
    assert FORMAT.parse(schema.canonical, strict=False).canonical == schema.canonical
    assert FORMAT.compare(schema, schema) == []
    FORMAT.outline(schema)
    FORMAT.validator(schema).check_bytes(b"")


class Naive(_Decision):
    """The greatest fixed point by definition: every pair counts as compatible until it is refuted by the others."""

    def __init__(self, budget):
        super().__init__(budget)
        self.refuted = set()
        self.pairs = {}

    def compatible(self, reader, writer):
        if reader.kind == writer.kind and reader.kind in PRIMITIVE_NAMES:
            return True
        pair = id(reader), id(writer)
        self.pairs[pair] = reader, writer
        return pair not in self.refuted

    def run(self, reader, writer):
        self.compatible(reader, writer)
        known = None
        while known != (len(self.pairs), len(self.refuted)):
            known = len(self.pairs), len(self.refuted)
            for pair, types in list(self.pairs.items()):
                if not self._decide(*types):
                    self.refuted.add(pair)
        return (id(reader), id(writer)) not in self.refuted


def test_verdicts_over_cycles_are_those_of_the_definition():
    # Records of one short name rescue each other in unions.
    material = RecursiveAvro(("a.N", "b.N", "a.M", "b.M", "a.L"))
    verdicts = []
    for seed in range(300):
        random = Random(seed)  # noqa: S311
        old = material.schema(random)
        new = material.changed(old, random)
        for one, other in ((old, new), (new, old)):
            reader, writer = (FORMAT.parse(material.text(material.permuted(each, random))) for each in (one, other))
            verdicts.append(not FORMAT.compare(reader, writer))
            assert verdicts[-1] == Naive(Budget()).run(reader.root, writer.root)
    assert 0.1 < sum(verdicts) / len(verdicts) < 0.9
