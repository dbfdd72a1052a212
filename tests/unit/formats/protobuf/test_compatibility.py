"""Compatibility: the rules of the Confluent registry, row by row, and the bounds of the work."""

import json
from pathlib import Path

import pytest

from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.formats import Dependency, Impact
from llm_schema_registry.formats.protobuf import FORMAT

VECTORS = Path(__file__).parents[3] / "vectors" / "protobuf"
ROWS = json.loads((VECTORS / "compatibility.json").read_text())


def parsed(text, dependencies=()):
    return FORMAT.parse(text, [Dependency(item["name"], item["text"]) for item in dependencies])


def types_and_paths(differences):
    return sorted((item.type.name, item.path) for item in differences)


@pytest.mark.parametrize("row", [pytest.param(row, id=row["description"]) for row in ROWS])
def test_vectors(row):
    dependencies = row.get("dependencies", [])
    reader = parsed(row["reader"], dependencies)
    writer = parsed(row["writer"], row.get("writerDependencies", dependencies))
    found = FORMAT.compare(reader, writer)
    assert types_and_paths(found) == sorted((item["type"], item["path"]) for item in row["differences"])
    assert all(item.type.impact is Impact.COMPATIBLE for item in found) == row["compatible"]
    assert FORMAT.compare(writer, writer) == []


def test_vectors_show_every_difference_twice():
    shown = [(item["type"], row["compatible"]) for row in ROWS for item in row["differences"]]
    for name, row in FORMAT.difference_types.items():
        verdicts = [compatible for type_name, compatible in shown if type_name == name]
        assert len(verdicts) >= 2, name
        if row.impact is Impact.COMPATIBLE:
            assert set(verdicts) == {True, False}, name


def test_table_says_why_and_what_to_do():
    assert len(FORMAT.difference_types) == 26
    for row in FORMAT.difference_types.values():
        assert row.why
        assert bool(row.fix) == (row.impact is Impact.INCOMPATIBLE)


@pytest.mark.parametrize(
    ("writer", "reader", "text"),
    [
        (
            "package a; message M {}",
            "package b; message M {}",
            '{errorType:"PACKAGE_CHANGED", description:"The package at \'#/\' in the new schema does not match the '
            'package in the old schema"}',
        ),
        (
            "message M {} message N {}",
            "message M {}",
            '{errorType:"MESSAGE_REMOVED", description:"The new schema is missing a MESSAGE type at path \'#/N\' in '
            'the old schema"}',
        ),
        (
            "message M { string a = 1; }",
            "message M { int32 a = 1; }",
            '{errorType:"FIELD_SCALAR_KIND_CHANGED", description:"The kind of a SCALAR field at path \'#/M/1\' in the '
            'new schema does not match its kind in the old schema"}',
        ),
        (
            "message M { string a = 1; }",
            "message M { M a = 1; }",
            '{errorType:"FIELD_KIND_CHANGED", description:"The type of a field at path \'#/M/1\' in the new schema '
            'does not match the old schema"}',
        ),
        (
            "message M { oneof k { string a = 1; string b = 2; } }",
            "message M { oneof k { string a = 1; } }",
            '{errorType:"ONEOF_FIELD_REMOVED", description:"The new schema is missing a oneof field at path '
            "'#/M/k/2' in the old schema\"}",
        ),
        (
            "message M { string a = 1; string b = 2; }",
            "message M { oneof k { string a = 1; string b = 2; } }",
            '{errorType:"MULTIPLE_FIELDS_MOVED_TO_ONEOF", description:"Multiple fields in the oneof at path \'#/M/k\' '
            'in the new schema are outside a oneof in the old schema"}',
        ),
        (
            "message M { string a = 1; oneof k { string b = 2; } }",
            "message M { oneof k { string a = 1; string b = 2; } }",
            '{errorType:"FIELD_MOVED_TO_EXISTING_ONEOF", description:"A field in the oneof at path \'#/M/k\' in the '
            'new schema is outside an existing oneof in the old schema"}',
        ),
    ],
)
def test_descriptions(writer, reader, text):
    (found,) = FORMAT.compare(parsed('syntax = "proto3";' + reader), parsed('syntax = "proto3";' + writer))
    assert FORMAT.describe(found, "new", "old") == text


def test_descriptions_of_required_fields():
    without = parsed('syntax = "proto2"; message M {}')
    with_field = parsed('syntax = "proto2"; message M { required string a = 1; }')
    (added,) = FORMAT.compare(with_field, without)
    (removed,) = FORMAT.compare(without, with_field)
    assert FORMAT.describe(added, "old", "new") == (
        '{errorType:"REQUIRED_FIELD_ADDED", description:"A required field  at path \'#/M/1\' in the old schema is '
        'missing in the new schema"}'
    )
    assert FORMAT.describe(removed, "new", "old") == (
        '{errorType:"REQUIRED_FIELD_REMOVED", description:"The new schema is missing a required field at path: '
        "'#/M/1' in the old schema\"}"
    )


@pytest.mark.parametrize(
    ("writer", "reader", "name"),
    [
        ("map<string, string> a = 1 [deprecated = true]", "map<string, int32> a = 1", "FIELD_SCALAR_KIND_CHANGED"),
        ("map<string, string> a = 1", "map<int32, string> a = 1", "FIELD_SCALAR_KIND_CHANGED"),
        ("map<string, string> a = 1", "map<string, M> a = 1", "FIELD_KIND_CHANGED"),
    ],
)
def test_a_difference_shows_both_sides(writer, reader, name):
    (found,) = FORMAT.compare(*(parsed(f'syntax = "proto3"; message M {{ {one}; }}') for one in (reader, writer)))
    assert (found.type.name, found.reader, found.writer) == (name, reader, writer)


def test_a_field_that_becomes_required_shows_both_sides():
    (found,) = FORMAT.compare(
        *(parsed(f'syntax = "proto2"; message M {{ {label} M a = 1; }}') for label in ("required", "optional"))
    )
    assert (found.type.name, found.reader, found.writer) == (
        "REQUIRED_FIELD_ADDED",
        "required M a = 1",
        "optional M a = 1",
    )


def test_a_member_of_a_oneof_that_moves_out_shows_both_sides():
    (found,) = (
        item
        for item in FORMAT.compare(
            parsed('syntax = "proto3"; message M { int32 a = 1; }'),
            parsed('syntax = "proto3"; message M { oneof x { int64 a = 1; } }'),
        )
        if item.type.name == "ONEOF_FIELD_MOVED_TO_TOP_LEVEL"
    )
    assert (found.reader, found.writer) == ("int32 a = 1", "int64 a = 1")


def test_constants_with_aliases_show_all_names():
    aliases = 'syntax = "proto3"; enum E { option allow_alias = true; A = 0; C = 0; B = 0; }'
    (found,) = FORMAT.compare(parsed(aliases), parsed('syntax = "proto3"; enum E { A = 0; }'))
    assert (found.type.name, found.reader, found.writer) == ("ENUM_CONST_CHANGED", "A, B, C", "A")


def chain(length, last_type, fan=1):
    links = "".join(
        f"message M{link} {{ " + " ".join(f"M{link + 1} f{tag} = {tag};" for tag in range(1, fan + 1)) + " } "
        for link in range(length)
    )
    return f'syntax = "proto3"; {links} message M{length} {{ {last_type} x = 1; }}'


def meshed(size, last_type):
    messages = "".join(
        f"message M{one} {{ " + " ".join(f"M{other} f{other} = {other + 1};" for other in range(size)) + " } "
        for one in range(size)
    )
    return f'syntax = "proto3"; {messages} message Leaf {{ {last_type} x = 1; }}'.replace(
        f"message M{size - 1} {{", f"message M{size - 1} {{ Leaf leaf = 1000;"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("writer", "reader"),
    [
        (chain(3000, "string"), chain(3000, "int32")),
        (chain(60, "string", fan=3), chain(60, "int32", fan=3)),
        (meshed(40, "string"), meshed(40, "int32")),
    ],
    ids=["long", "exponential", "meshed"],
)
@pytest.mark.timeout(20)
def test_deep_and_wide_types_get_a_verdict(writer, reader):
    writer, reader = FORMAT.parse(writer, strict=False), FORMAT.parse(reader, strict=False)
    found = FORMAT.compare(reader, writer)
    named = {item.path for item in found if item.type.name == "FIELD_NAMED_TYPE_CHANGED"}
    assert "#/M0/1" in named or "#/M0/2" in named
    assert len(found) < 20_000
    assert FORMAT.compare(writer, FORMAT.parse(writer.canonical + "message Extra {}", strict=False))


def test_the_budget_ends_the_work():
    writer, reader = FORMAT.parse(meshed(40, "string")), FORMAT.parse(meshed(40, "int32"))
    with pytest.raises(BudgetExceededError):
        FORMAT.compare(reader, writer, budget=Budget(steps=100, what="The check"))


def test_equivalent_schemas_have_equal_texts_and_imports():
    text = 'syntax = "proto3"; import "d.proto"; message M { D d = 1; }'
    one = [Dependency("d.proto", 'syntax = "proto3"; message D {}')]
    other = [Dependency("d.proto", 'syntax = "proto3"; message D { string a = 1; }')]
    assert FORMAT.equivalent(FORMAT.parse(text, one), FORMAT.parse(text + "// comment", one))
    assert not FORMAT.equivalent(FORMAT.parse(text, one), FORMAT.parse(text, other))
    plain = 'syntax = "proto3"; message M { string a = 1; int32 b = 2; }'
    reordered = 'syntax = "proto3"; message M { int32 b = 2; string a = 1; }'
    assert not FORMAT.equivalent(FORMAT.parse(plain), FORMAT.parse(reordered))


UNDECLARED = 'syntax = "proto3"; message M { Unknown a = 1; }'
DECLARED = UNDECLARED + " message Unknown { string x = 1; }"


@pytest.mark.parametrize(
    ("reader", "writer", "types"),
    [
        (UNDECLARED, UNDECLARED, []),
        (DECLARED, UNDECLARED, ["MESSAGE_ADDED"]),
        (UNDECLARED, DECLARED, ["MESSAGE_REMOVED"]),
    ],
)
def test_types_that_stored_schemas_do_not_declare_are_compared_by_name(reader, writer, types):
    found = FORMAT.compare(FORMAT.parse(reader, strict=False), FORMAT.parse(writer, strict=False))
    assert [item.type.name for item in found] == types


@pytest.mark.parametrize(
    ("declared", "shown"),
    [
        ("repeated group G = 1 { }", "repeated group G = 1"),
        ("oneof x { group G = 1 { } string s = 2; }", "group G = 1"),
    ],
)
def test_a_group_is_shown_by_its_head(declared, shown):
    writer = FORMAT.parse(f'syntax = "proto2"; message M {{ {declared} }}')
    reader = FORMAT.parse('syntax = "proto2"; message M { oneof x { string s = 2; } }')
    found = [item.writer for item in FORMAT.compare(reader, writer) if item.path.endswith("/1")]
    assert found == [shown]


@pytest.mark.parametrize(("steps", "enough"), [(202, True), (201, False)])
def test_every_field_counts_against_the_budget(steps, enough):
    def fields(first):
        rest = " ".join(f"int32 f{number} = {number};" for number in range(2, 101))
        return FORMAT.parse(f'syntax = "proto3"; message M {{ {first} a = 1; {rest} }}')

    # One for the pair of messages and each of their fields, and one for the difference.
    if enough:
        found = FORMAT.compare(fields("string"), fields("int32"), budget=Budget(steps))
        assert [item.type.name for item in found] == ["FIELD_SCALAR_KIND_CHANGED"]
    else:
        with pytest.raises(BudgetExceededError):
            FORMAT.compare(fields("string"), fields("int32"), budget=Budget(steps))


def test_an_incompatible_nested_message_is_reported_after_any_number_of_others():
    def file(added, leaf):
        fields = "\n".join(f"L f{number} = {number};" for number in range(1, 1102))
        return parsed(f"""syntax = "proto3";
            message L {{ string a = 1; {added} }}
            message U {{ {fields} }}
            message Z {{ message N {{ {leaf} n = 1; }} }}""")

    found = FORMAT.compare(file("string b = 2;", "int32"), file("", "string"))
    assert [(item.type.name, item.path) for item in found if item.type.impact is Impact.INCOMPATIBLE] == [
        ("FIELD_SCALAR_KIND_CHANGED", "#/Z/N/1")
    ]
