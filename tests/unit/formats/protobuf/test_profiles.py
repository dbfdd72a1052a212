"""Profiles: each rule with a change that breaks it and one that keeps it, and what both mean."""

import itertools
import json
from pathlib import Path

import pytest

from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.formats import Dependency, SchemaType, format_of
from llm_schema_registry.formats.profiles import HasProfiles, NotCompiledError, Profile, Side
from llm_schema_registry.formats.protobuf import FORMAT

VECTORS = Path(__file__).parents[3] / "vectors" / "protobuf"
ROWS = json.loads((VECTORS / "profiles.json").read_text())
COMPATIBILITY = json.loads((VECTORS / "compatibility.json").read_text())
P3 = 'syntax = "proto3"; '


def differences(old, new, **options):
    return FORMAT.profile_differences(FORMAT.parse(new), FORMAT.parse(old), **options)


def rules_and_paths(found):
    return sorted((item.rule.name, item.path) for item in found)


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row['rule']} {row['old']}"[:80]) for row in ROWS])
def test_vectors(row):
    def listed(name):
        return sorted((item["rule"], item["path"], item["old"], item["new"]) for item in row.get(name, []))

    def told(found):
        return sorted((item.rule.name, item.path, item.old, item.new) for item in found)

    broken = differences(row["old"], row["broken"])
    assert told(broken) == listed("differences")
    assert row["rule"] in {item.rule.name for item in broken}
    kept = differences(row["old"], row["kept"])
    assert told(kept) == listed("others")
    assert row["rule"] not in {item.rule.name for item in kept}
    laxest = list(Profile).index(row["profile"])
    assert FORMAT.profile_rules[row["rule"]].breaks == set(list(Profile)[laxest:])
    assert differences(row["old"], row["old"]) == []


def test_vectors_show_every_rule():
    assert {row["rule"] for row in ROWS} == set(FORMAT.profile_rules)


def test_profiles_from_the_laxest_to_the_strictest():
    assert list(Profile) == ["CONFLUENT", "WIRE", "WIRE_JSON", "SOURCE"]


WIRE_GROUPS = ({"int32", "int64", "uint32", "uint64", "bool"}, {"sint32", "sint64"},
               {"fixed32", "sfixed32"}, {"fixed64", "sfixed64"})  # fmt: skip
JSON_GROUPS = ({"int32", "uint32"}, {"int64", "uint64"}, {"fixed32", "sfixed32"}, {"fixed64", "sfixed64"})
SCALARS = sorted({*set().union(*WIRE_GROUPS), "float", "double", "string", "bytes"})


def scalar_rule(old, new):
    if (old, new) == ("string", "bytes"):
        return "FIELD_WIRE_JSON_COMPATIBLE_TYPE"
    if not any({old, new} <= group for group in WIRE_GROUPS):
        return "FIELD_WIRE_COMPATIBLE_TYPE"
    same = any({old, new} <= group for group in JSON_GROUPS)
    return "FIELD_SAME_TYPE" if same else "FIELD_WIRE_JSON_COMPATIBLE_TYPE"


def test_scalars_that_can_be_read_as_each_other():
    pairs = list(enumerate(itertools.permutations(SCALARS, 2), start=1))
    old, new = (
        P3 + "message M {" + "".join(f"{pair[side]} f{number} = {number};" for number, pair in pairs) + "}"
        for side in (0, 1)
    )
    expected = sorted((scalar_rule(*pair), f"#/M/{number}") for number, pair in pairs)
    assert rules_and_paths(differences(old, new)) == expected


def test_rules_say_why_and_what_to_do():
    for name, rule in FORMAT.profile_rules.items():
        assert rule.name == name
        assert rule.why.endswith(".")
        assert rule.fix.endswith(".")
        assert name not in FORMAT.difference_types


def test_what_the_confluent_rules_refuse_breaks_some_profile_when_it_is_a_change_of_this_file():
    for row in COMPATIBILITY:
        if row["compatible"] or row.get("dependencies") or row.get("writerDependencies"):
            continue
        assert differences(row["writer"], row["reader"]), row["description"]


LANGUAGES = {
    "CC": "C++",
    "CSHARP": "C#",
    "GO": "Go",
    "JAVA": "Java",
    "OBJC": "Objective-C",
    "OPTIMIZE": "C++ and Java",
    "PHP": "PHP",
    "PY": "Python",
    "RUBY": "Ruby",
    "SWIFT": "Swift",
}


def test_rules_about_options_of_files_name_the_language():
    for name, rule in FORMAT.profile_rules.items():
        if name.startswith("FILE_SAME_") and name not in ("FILE_SAME_PACKAGE", "FILE_SAME_SYNTAX"):
            assert rule.why.startswith(f"The generated {LANGUAGES[name.split('_')[2]]} code ")


def test_a_difference_says_what_was_and_what_is():
    (found,) = differences(P3 + "message M { int32 a = 1; }", P3 + "message M { map<string, M> a = 1; }")[:1]
    assert (found.path, found.old, found.new) == ("#/M/1", "int32", "map<string, M>")
    assert found.sentence == (
        "The type of the field at path '#/M/1' was int32 and is map<string, M>, "
        "which is encoded or means something else"
    )
    (moved,) = differences(P3 + "message M { int32 a = 1; }", P3 + "message M { oneof x { int32 a = 1; } }")
    assert moved.sentence == "The field at path '#/M/1' was in no oneof and is in oneof x"


def test_imported_files_have_subjects_of_their_own():
    text = P3 + 'import "d.proto"; package p; message M { d.D d = 1; }'
    one, other = (
        FORMAT.parse(text, [Dependency("d.proto", f"{P3} package d; message D {{ {field} }}")])
        for field in ("string a = 1;", "int32 a = 1;")
    )
    assert FORMAT.profile_differences(one, other) == []


def test_types_of_imports_keep_their_package():
    files = [
        Dependency("d.proto", P3 + "package d; message D {}"),
        Dependency("e.proto", P3 + "package e; message D {}"),
    ]
    text = P3 + 'import "d.proto"; import "e.proto"; package p; message M { %s.D d = 1; }'
    one, other = FORMAT.parse(text % "d", files), FORMAT.parse(text % "e", files)
    assert rules_and_paths(FORMAT.profile_differences(one, other)) == [("FIELD_WIRE_COMPATIBLE_TYPE", "#/M/1")]


def test_other_formats_have_no_profiles():
    assert isinstance(FORMAT, HasProfiles)
    assert not isinstance(format_of(SchemaType.AVRO), HasProfiles)
    assert not isinstance(format_of(SchemaType.JSON), HasProfiles)


def test_a_stored_schema_that_protoc_refuses_cannot_be_compared():
    broken = FORMAT.parse("message M { Unknown a = 1; }", strict=False)
    sound = FORMAT.parse(P3 + "message M {}")
    for new, old, side in ((sound, broken, Side.OLD), (broken, sound, Side.NEW)):
        with pytest.raises(NotCompiledError) as refused:
            FORMAT.profile_differences(new, old)
        assert refused.value.side is side


FIELDS = "".join(f"int32 f{number} = {number};" for number in range(1, 11))
CONSTANTS = "".join(f"C{number} = {number};" for number in range(10))
METHODS = "".join(f"rpc R{number}(M) returns (M);" for number in range(10))


@pytest.mark.parametrize(
    ("old", "new", "steps"),
    [
        (f"message M {{ {FIELDS} }}", "", 16 + 20),
        (f"message M {{ {FIELDS} }}", "message M {}", 16 + 20 + 16),
        ("message M {}", f"message M {{ {FIELDS} }}", 16 + 16 + 20),
        (f"enum E {{ {CONSTANTS} }}", "", 16 + 20),
        (f"message M {{}} service S {{ {METHODS} }}", "message M {}", 32 + 16 + 20),
    ],
)
def test_declarations_and_their_members_count_against_the_budget(old, new, steps):
    assert isinstance(differences(P3 + old, P3 + new, budget=Budget(steps)), list)
    with pytest.raises(BudgetExceededError):
        differences(P3 + old, P3 + new, budget=Budget(steps - 1))
