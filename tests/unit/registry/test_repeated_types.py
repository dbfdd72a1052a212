"""Avro types that are nested in a reference: names in the text that clients get, written out where identity counts."""

import msgspec
import pytest

from llm_schema_registry.contracts import Reference, Subject, guid_of
from llm_schema_registry.registry import Registry
from llm_schema_registry.registry.reads import CANONICAL, lookup, render
from llm_schema_registry.registry.registration import register
from llm_schema_registry.registry.registry import RegistryOptions
from unit.registry.building import S, put, reference, request

INNER = '{"type":"record","name":"Inner","fields":[{"name":"a","type":"int"}]}'
KIND = '{"type":"enum","name":"Kind","symbols":["A"]}'
HASH = '{"type":"fixed","name":"Hash","size":2}'
OUTER = Subject(".", "outer")
REFERENCES = [reference("z.Outer", "outer")]


def record(name: str, *types: str) -> str:
    fields = ",".join(f'{{"name":"f{index}","type":{kind}}}' for index, kind in enumerate(types))
    return f'{{"type":"record","name":"{name}","namespace":"z","fields":[{fields}]}}'


async def outer(registry: Registry, *types: str) -> None:
    await put(registry, record("Outer", *types), OUTER)


# What the reference nests, how the text names it, how the text writes it out.
KINDS = [
    ((INNER,), ('"Outer"', '"Inner"'), ('"Outer"', INNER)),
    ((INNER,), ('"Inner"', '"Outer"', '"Inner"'), (INNER, '"Outer"', '"Inner"')),
    ((INNER,), ('"Inner"',), (INNER,)),
    ((KIND, HASH), ('["null","Kind"]', '"Hash"'), (f'["null",{KIND}]', HASH)),
    (
        (f'{{"type":"array","items":{INNER}}}',),
        ('{"type":"map","values":"Inner"}', '{"type":"array","items":"Inner"}'),
        (f'{{"type":"map","values":{INNER}}}', '{"type":"array","items":"Inner"}'),
    ),
]


@pytest.mark.parametrize(("nested", "named", "written_out"), KINDS)
@pytest.mark.parametrize("normalize", [False, True])
async def test_either_text_is_the_same_schema(
    registry: Registry, nested: tuple[str, ...], named: tuple[str, ...], written_out: tuple[str, ...], normalize: bool
) -> None:
    await outer(registry, *nested)
    short, long = record("User", *named), record("User", *written_out)
    ids = set()
    for text in (short, long, short):
        sent = request(text, references=REFERENCES)
        registered = await register(registry, S, sent, normalize=normalize)
        assert registered.content.guid == guid_of(long, tuple(REFERENCES), None, None)
        assert await render(registry, registered.content) == short
        assert await render(registry, registered.content, CANONICAL) == long
        assert (await lookup(registry, S, sent)).version.version == 1
        ids.add(registered.content.schema_id)
    assert len(ids) == 1


async def test_a_file_of_types_is_a_reference_too(registry: Registry) -> None:
    inner, kind = (
        text.replace('"fields"', '"namespace":"z","fields"').replace('"symbols"', '"namespace":"z","symbols"')
        for text in (INNER, KIND)
    )
    await put(registry, f"[{inner},{kind}]", OUTER)
    registered = await put(registry, record("User", '"Inner"', '"Kind"'), references=[reference("types", "outer")])
    assert registered.content.text == record("User", INNER, KIND)
    assert await render(registry, registered.content) == record("User", '"Inner"', '"Kind"')


async def test_types_are_found_through_references_of_references(registry: Registry) -> None:
    await outer(registry, INNER)
    between = Subject(".", "between")
    await put(registry, record("Between", '"Outer"', '"Inner"'), between, references=REFERENCES)
    text = record("User", '"Between"', '"Inner"')
    registered = await put(registry, text, references=[reference("z.Between", "between")])
    assert await render(registry, registered.content) == text


@pytest.mark.parametrize("form", ["", "unknown"])
async def test_the_text_of_any_other_form_is_readable(registry: Registry, form: str) -> None:
    await outer(registry, INNER)
    text = record("User", '"Outer"', '"Inner"')
    registered = await put(registry, text, references=REFERENCES)
    assert await render(registry, registered.content, form) == text
    assert await render(registry, registered.content, "resolved") == record(
        "User", record("Outer", INNER).replace('"namespace":"z",', ""), '"Inner"'
    )


async def test_what_a_text_says_of_a_repeated_type_counts_for_its_identity_alone(registry: Registry) -> None:
    nested = INNER.replace('"fields"', '"doc":"","fields"').replace("]}", '],"q":1,"p":2}')
    await outer(registry, nested)
    short = record("User", '"Outer"', '"Inner"')
    normal = await register(registry, S, request(short, references=REFERENCES), normalize=True)
    assert normal.content.text == record("User", '"Outer"', INNER.replace("]}", '],"p":2,"q":1}'))
    assert await render(registry, normal.content) == short
    for text in (short, record("User", '"Outer"', nested), normal.content.text):
        again = await put(registry, text, references=REFERENCES)
        assert (again.content.schema_id, again.created) == (normal.content.schema_id, False)
    documented = record("Other", '"Outer"', nested.replace('"doc":""', '"doc":"mine"'))
    registered = await put(registry, documented, Subject(".", "t"), references=REFERENCES)
    assert registered.content.text == documented


async def test_a_schema_of_another_shape_is_another_schema(registry: Registry) -> None:
    await outer(registry, INNER)
    first = await put(registry, record("User", '"Outer"', '"Inner"'), references=REFERENCES)
    more = record("User", '"Outer"', '"Inner"').replace("]}", ',{"name":"g","type":"int","default":1}]}')
    second = await put(registry, more, references=REFERENCES)
    assert (first.version.version, second.version.version) == (1, 2)


async def test_a_stored_text_that_cannot_be_parsed_is_served_as_it_is(registry: Registry) -> None:
    await outer(registry, INNER)
    registered = await put(registry, record("User", '"Outer"', '"Inner"'), references=REFERENCES)
    gone = msgspec.structs.replace(registered.content, references=(Reference("z.Outer", "nowhere", 1),), schema_id=9)
    assert await render(registry, gone) == gone.text
    torn = msgspec.structs.replace(registered.content, text="{", schema_id=10)
    assert await render(registry, torn) == "{"


async def test_a_schema_that_is_itself_nested_in_a_reference_stays_written_out(registry: Registry) -> None:
    await outer(registry, INNER)
    whole = INNER.replace('"fields"', '"namespace":"z","fields"')
    registered = await put(registry, whole, references=REFERENCES)
    assert await render(registry, registered.content) == registered.content.text == whole


async def test_texts_of_the_confluent_registry_by_setting(registry: Registry) -> None:
    registry.rules = RegistryOptions(repeated_types=True)
    await outer(registry, INNER)
    registered = await put(registry, record("User", '"Outer"', '"Inner"'), references=REFERENCES)
    assert await render(registry, registered.content) == record("User", '"Outer"', INNER)
