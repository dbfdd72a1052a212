"""The field tree."""

from llm_schema_registry.formats import OutlineField
from llm_schema_registry.formats.protobuf import FORMAT


def outline(text):
    return FORMAT.outline(FORMAT.parse(text))


def test_the_field_tree():
    fields = outline("""
        syntax = "proto3";
        package p;
        import "confluent/meta.proto";
        import "google/protobuf/timestamp.proto";
        message Event {
          string id = 1 [(confluent.field_meta) = { doc: "the id" tags: ["PII", "KEY"] }];
          repeated Item items = 2;
          map<string, Item> by_name = 3;
          google.protobuf.Timestamp at = 4;
          Kind kind = 5;
          oneof choice { bytes raw = 6 [(confluent.field_meta).tags = "A", (confluent.field_meta).tags = "B"]; }
          enum Kind { Z = 0; }
        }
        message Item { double price = 1; Event parent = 2; }
    """)
    assert fields == [
        OutlineField("id", "string", False, None, "the id", ("PII", "KEY")),
        OutlineField("items", "array<Item>", False),
        OutlineField("items[].price", "double", False),
        OutlineField("items[].parent", "Event", False),
        OutlineField("by_name", "map<string, Item>", False),
        OutlineField("by_name{}.price", "double", False),
        OutlineField("by_name{}.parent", "Event", False),
        OutlineField("at", "google.protobuf.Timestamp", False),
        OutlineField("kind", "enum<Event.Kind>", False),
        OutlineField("raw", "bytes", False, None, None, ("A", "B")),
        OutlineField("Item.price", "double", False),
        OutlineField("Item.parent", "Event", False),
        *(
            OutlineField(f"Item.parent.{name}", kind, False, None, doc, tags)
            for name, kind, doc, tags in [
                ("id", "string", "the id", ("PII", "KEY")),
                ("items", "array<Item>", None, ()),
                ("by_name", "map<string, Item>", None, ()),
                ("at", "google.protobuf.Timestamp", None, ()),
                ("kind", "enum<Event.Kind>", None, ()),
                ("raw", "bytes", None, ("A", "B")),
            ]
        ),
    ]


def test_labels_defaults_and_groups():
    fields = outline("""
        syntax = "proto2";
        message M {
          required string a = 1 [default = "x\\n"];
          optional double b = 2 [default = 1.5];
          optional bool c = 3 [default = true];
          optional E e = 4 [default = Y];
          repeated group G = 5 { optional int32 x = 1; }
          enum E { Y = 1; }
        }
    """)
    assert fields == [
        OutlineField("a", "string", True, '"x\\n"'),
        OutlineField("b", "double", False, "1.5"),
        OutlineField("c", "bool", False, "true"),
        OutlineField("e", "enum<M.E>", False, '"Y"'),
        OutlineField("g", "array<G>", False),
        OutlineField("g[].x", "int32", False),
    ]


def test_the_tree_is_bounded():
    wide = "".join(
        f"message M{level} {{ " + " ".join(f"M{level + 1} f{tag} = {tag};" for tag in range(1, 10)) + "}"
        for level in range(200)
    )
    assert len(outline(f'syntax = "proto3"; {wide} message M200 {{ int32 x = 1; }}')) == 5000
    long = "".join(f"message M{level} {{ M{level + 1} f = 1; }}" for level in range(2000))
    assert len(outline(f'syntax = "proto3"; {long} message M2000 {{ int32 x = 1; }}')) == 5000
