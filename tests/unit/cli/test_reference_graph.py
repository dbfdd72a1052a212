"""References among the files of a set, read from their texts."""

import json
from typing import Any

import pytest

from llm_schema_registry.cli.exit_codes import CliError
from llm_schema_registry.cli.reference_graph import link
from llm_schema_registry.cli.schema_files import SUFFIXES, SchemaFile
from llm_schema_registry.contracts import Reference


def file(path: str, text: Any) -> SchemaFile:
    stem, dot, suffix = path.rpartition(".")
    return SchemaFile(f"dir/{path}", stem, SUFFIXES[dot + suffix], text if isinstance(text, str) else json.dumps(text))


def linked(*files: SchemaFile, declared: tuple[Reference, ...] = ()) -> dict[str, list[tuple[str, str, int]]]:
    return {
        path.removeprefix("dir/"): [(each.name, each.subject, each.version) for each in references]
        for path, references in link(files, declared).items()
    }


def record(name: str, *types: Any, **extra: Any) -> dict[str, Any]:
    fields = [{"name": f"f{index}", "type": kind} for index, kind in enumerate(types)]
    return {"type": "record", "name": name, "fields": fields, **extra}


def test_avro_names_mean_the_file_that_defines_them() -> None:
    found = linked(
        file("cost.avsc", record("Cost", "double", namespace="a.b")),
        file("unit.avsc", {"type": "enum", "name": "a.Unit", "symbols": ["X"]}),
        file(
            "usage.avsc",
            record("Usage", "Cost", ["null", {"type": "array", "items": "a.Unit"}], "Usage", namespace="a.b"),
        ),
        file("plain.avsc", '"string"'),
    )
    assert found["usage.avsc"] == [("a.Unit", "unit", -1), ("a.b.Cost", "cost", -1)]
    assert found["cost.avsc"] == found["unit.avsc"] == found["plain.avsc"] == []


def test_a_file_with_several_used_types_is_one_reference() -> None:
    found = linked(
        file("outer.avsc", record("Outer", record("Inner", "int"))), file("user.avsc", record("User", "Inner", "Outer"))
    )
    assert found["user.avsc"] == [("Outer", "outer", -1)]


def test_the_own_file_and_a_root_win_over_what_is_inside_others() -> None:
    found = linked(
        file("a.avsc", record("Part", "int")),
        file("b.avsc", record("B", record("Part", "int"))),
        file("c.avsc", record("C", "Part")),
    )
    assert found["b.avsc"] == []
    assert found["c.avsc"] == [("Part", "a", -1)]


def test_what_could_be_two_files_is_asked_for() -> None:
    files = [
        file("a.avsc", record("A", record("Part", "int"))),
        file("b.avsc", record("B", record("Part", "int"))),
        file("c.avsc", record("C", "Part")),
    ]
    with pytest.raises(CliError) as caught:
        link(files)
    assert "dir/a.avsc and in dir/b.avsc" in caught.value.message
    assert "--reference Part=" in caught.value.fix


def test_json_refs_mean_ids_and_relative_paths() -> None:
    address = {"$id": "https://example.com/schemas/address.json", "type": "object"}
    found = linked(
        file("common/address.json", address),
        file("orders/item.json", {"type": "string"}),
        file(
            "orders/order.json",
            {
                "$id": "https://example.com/schemas/order.json",
                "properties": {
                    "to": {"$ref": "https://example.com/schemas/address.json#/definitions/x"},
                    "from": {"$ref": "address.json"},
                    "items": {"items": {"$ref": "./item.json"}},
                    "self": {"$ref": "#/definitions/y"},
                    "unknown": {"$ref": "elsewhere.json"},
                },
                "examples": [{"$ref": "../common/address.json"}],
            },
        ),
    )
    assert sorted(found["orders/order.json"]) == [
        ("./item.json", "orders/item", -1),
        ("address.json", "common/address", -1),
        ("https://example.com/schemas/address.json", "common/address", -1),
    ]


def test_protobuf_imports_mean_paths() -> None:
    text = 'syntax = "proto3";\nimport "a/b.proto"; /* import "d.proto"; */\nimport public "protos/d.proto";\n'
    found = linked(
        file("a/b.proto", 'syntax = "proto3";'),
        file("d.proto", 'syntax = "proto3";'),
        file("timestamp.proto", 'syntax = "proto3";'),
        file("c.proto", text + 'import "google/protobuf/timestamp.proto";'),
    )
    assert found["c.proto"] == [("a/b.proto", "a/b", -1), ("protos/d.proto", "d", -1)]


def test_declared_references_win_and_concern_those_that_mention_them() -> None:
    found = linked(
        file("part.avsc", record("Part", "int")),
        file("whole.avsc", record("Whole", "Part")),
        declared=(Reference("Part", "elsewhere", 3),),
    )
    assert found["whole.avsc"] == [("Part", "elsewhere", 3)]


@pytest.mark.parametrize(
    "text", ["no json", "[[[", '{"type": {"type": []}}', '{"type":"record"}', '{"$ref": 1}', "9" * 50, "[" * 5000]
)
def test_texts_that_are_no_schema_refer_to_nothing(text: str) -> None:
    files = [file(f"f.{suffix}", text) for suffix in ("avsc", "json", "proto")]
    assert link(files) == {each.path: [] for each in files}
